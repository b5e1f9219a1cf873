"""Where to go after sign-in: only to a path of the same service (ASVS 3.7.2)."""

MAX_TARGET = 2048
"""Characters of a ``next`` value; every browser and server takes an address of this length."""


def safe_next(target: object, default: str = "/") -> str:
    r"""Return *target* when it is a plain path of this service, else *default*.

    A path starts with one ``/``, not followed by ``/`` or ``\``, and holds no backslash, control
    character, space or non-ASCII character, since browsers drop or reinterpret those.
    """
    if not isinstance(target, str) or not 0 < len(target) <= MAX_TARGET:
        return default
    if not target.startswith("/") or target.startswith("//") or "\\" in target:
        return default
    return target if all("!" <= character <= "~" for character in target) else default
