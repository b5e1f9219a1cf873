"""What the parts of `AsyncCityAuth` share."""

from cityauth.api.assembly import Assembly
from cityauth.api.wiring import wire_async


class Namespace:
    """What the parts of `AsyncCityAuth` share: the deployment and the answers."""

    def __init__(self, assembly: Assembly) -> None:
        self._deployment = assembly.deployment
        self._answers = wire_async(assembly.ports)
