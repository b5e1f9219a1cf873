"""The synchronous public face, `CityAuth`."""

from cityauth.run.calling.face import CityAuth

__all__ = ["CityAuth"]
