"""What the parts of `CityAuth` share."""

from cityauth.api.assembly import Assembly
from cityauth.api.wiring import wire


class Namespace:
    """What the parts of `CityAuth` share: the deployment and the answers."""

    def __init__(self, assembly: Assembly) -> None:
        self._deployment = assembly.deployment
        self._answers = wire(assembly.ports)
