"""How a person and an address are shown: harmless in any page, mail or terminal."""

import unicodedata
from typing import Final

_JOINERS: Final = "\u200c\u200d"
"""Zero-width joiners: invisible too, but parts of names in some scripts."""

_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_HIDDEN: Final = "•••"


def name_and_email(display_name: str, email: str | None) -> str:
    """Return the signed-in person as a page shows them: "Erkki Esimerkki (erkki.esimerkki@example.com)".

    Control characters, bidi controls and other invisible characters are removed, and several spaces become one. A part
    with letters that run from right to left is enclosed in isolates (U+2068, U+2069), so that it cannot change the
    order of the text beside it. If one of the two is empty, only the other is returned. The result is plain text:
    escape it in HTML.
    """
    name, address = _shown(display_name), _shown(email or "")
    return f"{name} ({address})" if name and address else name or address


def mask_email(email: str) -> str:
    """Return *email* in a form that only its owner recognizes: "a•••@example.com".

    The first character and the domain stay. There are always three bullets, so that nobody learns the length. Text
    without ``@`` becomes three bullets. The result is plain text: escape it in HTML.
    """
    local, at, domain = _clean(email).rpartition("@")
    return f"{local[:1]}{_HIDDEN}{at}{domain}" if at else _HIDDEN


def mask_login_name(name: str) -> str:
    """Return an e-mail address or a username in a form that only its owner recognizes.

    An address is masked by `mask_email`. Only the first character of a username stays: "e•••". Empty text stays empty.
    """
    if "@" in name:
        return mask_email(name)
    clean = _clean(name)
    return f"{clean[:1]}{_HIDDEN}" if clean else ""


def _clean(value: str) -> str:
    if value.isprintable():  # nearly every name and address
        return " ".join(value.split())
    kept = "".join(" " if char.isspace() else char for char in value if char.isspace() or _is_visible(char))
    return " ".join(kept.split())


def _is_visible(char: str) -> bool:
    return char in _JOINERS or unicodedata.category(char)[0] != "C"


def _shown(value: str) -> str:
    clean = _clean(value)
    if not clean.isascii() and any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in clean):
        return f"{_ISOLATE}{clean}{_END_ISOLATE}"
    return clean
