"""The synchronous API, `CityAuth`."""

from cityauth.api._sync.city_auth import CityAuth

__all__ = ["CityAuth"]
