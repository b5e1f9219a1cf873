"""What the namespaces of `AsyncCityAuth` share."""

from cityauth.api.assembly import Assembly
from cityauth.api.wiring import wire_async


class Namespace:
    """What the namespaces of `AsyncCityAuth` share: the deployment, the answers and the clock."""

    def __init__(self, assembly: Assembly) -> None:
        self._deployment = assembly.deployment
        self._answers = wire_async(assembly.ports)
        self._clock = assembly.clock
