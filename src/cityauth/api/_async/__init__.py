"""The asynchronous public face, `AsyncCityAuth`."""

from cityauth.api._async.city_auth import AsyncCityAuth

__all__ = ["AsyncCityAuth"]
