"""What the library knows of the person's device. The host reads it from its request object."""

import re
from dataclasses import dataclass
from datetime import datetime

from cityauth.errors import UsageError
from cityauth.messages import FALLBACK, LANGUAGES

MAX_RAW_ADDRESS = 256
"""Characters of an address that are read: more than one with zone, brackets and port has."""

_PORT = re.compile(r":\d{1,5}", re.ASCII)

MAX_USER_AGENT = 256
"""Characters of the user agent that are kept: enough to tell a device, too few to fill a table."""


@dataclass(frozen=True, slots=True)
class ClientContext:
    """One request's origin, filled in by the host.

    Attributes:
        address: The client's IP address *after trusted proxies*, as text; ``None`` when unknown. Spaces around it,
            brackets, a port and an IPv6 zone are removed.
        user_agent: The ``User-Agent`` header; cut to 256 characters, unprintable ones replaced. ``None``, as for a
            request without the header, is stored as the empty text.
        language: The page's language: ``fi``, ``sv`` or ``en``; anything else becomes English.

    Raises:
        UsageError: *address* or *user_agent* is neither text nor ``None``, such as the bytes of a raw header.
    """

    address: str | None = None
    user_agent: str = ""
    language: str = "fi"

    def __post_init__(self) -> None:
        """Cut long values, and replace characters that cannot be stored or written to a log."""
        for name in ("address", "user_agent"):
            value: object = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise UsageError(f"ClientContext: {name} must be text or None, and this is {type(value).__name__}")
        object.__setattr__(self, "user_agent", _harmless((self.user_agent or "")[:MAX_USER_AGENT]))
        if self.address is not None:
            object.__setattr__(self, "address", _harmless(plain_address(self.address[:MAX_RAW_ADDRESS])[:45]))
        if self.language not in LANGUAGES:
            object.__setattr__(self, "language", FALLBACK)


def plain_address(text: str) -> str:
    """Return the IP address in *text* without spaces, brackets, port and zone; *text* itself if it holds none."""
    stripped = text.strip()
    if stripped.startswith("["):
        stripped, _, rest = stripped[1:].partition("]")
        if rest and not _PORT.fullmatch(rest):
            return text
    elif stripped.count(":") == 1:
        stripped, _, port = stripped.partition(":")
        if not _PORT.fullmatch(f":{port}"):
            return text
    stripped = stripped.partition("%")[0].strip()
    return stripped if stripped == text or is_address(stripped) else text


def is_address(text: str) -> bool:
    """Whether *text* is an IP address."""
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _harmless(text: str) -> str:
    """Return *text* with U+FFFD for NUL, line breaks, surrogates and all else that is not printable."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in text)


UNKNOWN_CLIENT = ClientContext()
"""A call without a request, such as a command or a job."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """When something happens, and from where: what every audit line and session begins with.

    Attributes:
        id: Random; names the commit that comes of it.
        at: The moment, aware UTC.
        client: The device.
    """

    id: str
    at: datetime
    client: ClientContext = UNKNOWN_CLIENT
