"""The URL of a Valkey server, read without the library that connects to it, so that a configuration can be checked."""

import re
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from cityauth.errors import ConfigurationError

_NUMBER: Final = re.compile(r"(/[0-9]{0,5})?")
_SCHEMES: Final = {"valkey": False, "redis": False, "valkeys": True, "rediss": True}
_DEFAULT_PORT: Final = 6379
_WRONG: Final = (
    "{setting} must be a URL like valkey://HOST:PORT/NUMBER, or valkeys:// for TLS; a user and a password may stand"
    " before the host"
)


@dataclass(frozen=True, slots=True, repr=False)
class ValkeyServer:
    """Where a Valkey or Redis server is, and how to sign in there.

    Attributes:
        host: Its name or address.
        port: Its port.
        number: The number of its database.
        user: Who signs in, or ``None``.
        password: The password, or ``None``.
        tls: Whether the connection is encrypted.
    """

    host: str
    port: int
    number: int
    user: str | None
    password: str | None
    tls: bool

    @classmethod
    def of(cls, url: str, setting: str = "the throttle's URL") -> Self:
        """Read *url*.

        Raises:
            ConfigurationError: it is no URL of such a server. The message names the *setting* and shows no part of it.
        """
        try:
            parts = urlsplit(url.strip())
            port = parts.port or _DEFAULT_PORT
        except ValueError:
            raise ConfigurationError(_WRONG.format(setting=setting)) from None  # the cause may show the password
        usable = parts.scheme in _SCHEMES and not parts.query and not parts.fragment
        if not usable or not parts.hostname or _NUMBER.fullmatch(parts.path) is None:
            raise ConfigurationError(_WRONG.format(setting=setting))
        return cls(
            host=parts.hostname,
            port=port,
            number=int(parts.path.removeprefix("/") or "0"),
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            tls=_SCHEMES[parts.scheme],
        )
