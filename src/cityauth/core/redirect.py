"""Where to go after sign-in: only to a path of the same service."""

from urllib.parse import unquote

MAX_TARGET = 2048
"""Characters of a ``next`` value; every browser and server takes an address of this length."""


def safe_next(target: object, default: str = "/", *, within: str = "") -> str:
    r"""Return *target* when it is a plain path of this service, else *default*.

    A path starts with one ``/``, not followed by ``/`` or ``\``, and holds no backslash, control
    character, space or non-ASCII character, since browsers drop or reinterpret those.

    Args:
        target: The ``next`` parameter as it came in.
        default: Where to go otherwise; it is not checked.
        within: The path prefix below which a proxy serves the service, such as ``/asiointi``. Then *target* must be
            this path or lie below it, without any ``..`` that leads out, also when that is percent-encoded.
    """
    if not isinstance(target, str) or not 0 < len(target) <= MAX_TARGET:
        return default
    if not target.startswith("/") or target.startswith("//") or "\\" in target:
        return default
    if not all("!" <= character <= "~" for character in target):
        return default
    return target if _is_within(target, within.rstrip("/")) else default


def _is_within(target: str, prefix: str) -> bool:
    """Whether a plain path is *prefix* or lies below it, however often a server on the way decodes it."""
    if not prefix:
        return True
    path = target.partition("?")[0].partition("#")[0]
    if path != prefix and not path.startswith(f"{prefix}/"):
        return False
    decoded = unquote(unquote(path[len(prefix) :])).replace("\\", "/")
    return ".." not in (part.partition(";")[0] for part in decoded.split("/"))
