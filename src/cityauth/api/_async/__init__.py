"""The asynchronous API, `AsyncCityAuth`."""

from cityauth.api._async.city_auth import AsyncCityAuth

__all__ = ["AsyncCityAuth"]
