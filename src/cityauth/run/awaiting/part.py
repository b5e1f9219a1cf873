"""What the parts of `AsyncCityAuth` share."""

from cityauth.run.assembly import Assembly
from cityauth.run.wiring import wire_async


class Part:
    """What the parts of `AsyncCityAuth` share: the deployment and the answers."""

    def __init__(self, assembly: Assembly) -> None:
        self._desk = assembly.desk
        self._answers = wire_async(assembly.ports)
