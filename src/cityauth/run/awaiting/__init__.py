"""The asynchronous public face, `AsyncCityAuth`."""

from cityauth.run.awaiting.face import AsyncCityAuth

__all__ = ["AsyncCityAuth"]
