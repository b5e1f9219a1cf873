"""What the namespaces of `CityAuth` share."""

from cityauth.api.assembly import Assembly
from cityauth.api.wiring import wire


class Namespace:
    """What the namespaces of `CityAuth` share: the deployment, the answers and the clock."""

    def __init__(self, assembly: Assembly) -> None:
        self._deployment = assembly.deployment
        self._answers = wire(assembly.ports)
        self._clock = assembly.clock
