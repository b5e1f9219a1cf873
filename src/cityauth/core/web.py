"""What a web page needs to use a mailed link and a ``next`` parameter safely, with any web framework.

The host keeps the token of an opened link in a cookie. A second link, opened in another tab or by another site,
replaces that cookie, while the form of the first link is still on the screen. The form therefore carries a proof
of the link that its page showed, and the host uses the link only when cookie and form agree.
"""

import hashlib
import hmac
import re
from typing import Final
from urllib.parse import unquote

_MAX_VALUE: Final = 2048
"""Characters of a ``token`` parameter that are looked at: twice the longest token."""

_TOKEN: Final = re.compile(
    r"(?<![A-Za-z0-9_-])[_-]*(?:3[Dd])*([A-Za-z0-9][A-Za-z0-9_-]*\.[A-Za-z0-9_-]*[A-Za-z0-9])", re.ASCII
)
"""A token begins and ends with a letter or a digit, and holds one full stop. It starts at the edge of a word.

No token of cityauth begins with ``3D``: where a mail program shows the source of a mail, ``token=`` reads ``token=3D``.
"""


def link_token(value: object) -> str:
    """Return the token in *value*, which is the ``token`` parameter of a mailed link.

    Mail programs and people add characters at the ends of a link: a full stop, a bracket, a quotation mark,
    ``%20``, a blank, an invisible character, or ``3D``, which is an equals sign in the source of a mail. What no token
    can hold is dropped there.

    Args:
        value: The parameter as it came in.

    Returns:
        The token, not yet verified; an empty text when *value* holds none, is no text, or is longer than
        2,048 characters.
    """
    if not isinstance(value, str) or len(value) > _MAX_VALUE:
        return ""
    found = _TOKEN.search(unquote(unquote(value)))
    return found[1] if found else ""


def link_proof(token: str) -> str:
    """Return the value that the form of a link's page carries in a hidden field: 64 hexadecimal digits.

    It tells which link the page showed, and nothing of the token. Write it into the form together with the
    protection against cross-site requests, which alone it does not replace.
    """
    return hashlib.sha256(b"cityauth:link-proof:v1:" + token.encode("utf-8", "replace")).hexdigest()


def is_same_link(token: object, proof: object) -> bool:
    """Whether the form that sent *proof* belongs to the link whose *token* the browser holds now.

    Args:
        token: The token in the cookie; ``None`` when there is none.
        proof: The value of the form's hidden field, as it came in.

    Returns:
        ``False`` for anything but two texts that belong together. Then use no link, and ask the person to open
        the link from the mail again (``link.replaced``).
    """
    if not isinstance(token, str) or not isinstance(proof, str) or not token:
        return False
    return hmac.compare_digest(link_proof(token).encode(), proof.encode("utf-8", "replace"))


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
