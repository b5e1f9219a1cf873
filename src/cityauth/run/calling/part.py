"""What the parts of `CityAuth` share."""

from cityauth.run.assembly import Assembly
from cityauth.run.wiring import wire


class Part:
    """What the parts of `CityAuth` share: the deployment and the answers."""

    def __init__(self, assembly: Assembly) -> None:
        self._desk = assembly.desk
        self._answers = wire(assembly.ports)
