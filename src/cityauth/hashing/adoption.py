"""Taking over the hashes of another system: what an import stores, which hashes it wraps, and how it counts them."""

import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache
from typing import Any, Final

from cityauth.core.characters import strip_invisible
from cityauth.core.hash_kinds import HashKind, HashOrigin, PasswordEncoding
from cityauth.core.hashing import HashDefect, HashFormat, HashParameters, StoredHash, WrappableFormat
from cityauth.hashing.marked import MARK, MarkedFormat, reads_unicode, write_mark
from cityauth.hashing.registry import HashFormats
from cityauth.hashing.wrapped import WrappedFormat
from cityauth.policy import HashProfile

_SYNONYMS: Final = {
    **dict.fromkeys(("argon2id", "argon2i", "argon2d"), "argon2"),
    **dict.fromkeys(("pbkdf2_sha1", "pbkdf2_sha256", "pbkdf2_sha512", "pbkdf2_hmac"), "pbkdf2"),
    **dict.fromkeys(("2a", "2b", "2y", "blowfish"), "bcrypt"),
    **dict.fromkeys(("md5crypt", "unix_md5"), "md5_crypt"),
    **dict.fromkeys(("apr1", "apache", "apr_md5"), "apr_md5_crypt"),
    **dict.fromkeys(("sha256crypt", "sha256_unix"), "sha256_crypt"),
    **dict.fromkeys(("sha512crypt", "sha512_unix"), "sha512_crypt"),
    "sha1": "sha",
    **dict.fromkeys(("ntlm", "nthash", "bsd_nthash"), "nt"),
    **dict.fromkeys(("mysql41", "mysql5", "mysql_4.1"), "mysql"),
    **dict.fromkeys(("des", "descrypt", "unix_des"), "des_crypt"),
    **dict.fromkeys(
        ("aspnet_identity", "aspnetcore", "identity", "aspnet_identity_v2", "aspnet_identity_v3"), "aspnet"
    ),
    **dict.fromkeys(("mssql", "mssql2005", "mssql2008", "mssql2012", "sqlserver"), "mssql"),
    "drupal7": "drupal",
    **dict.fromkeys(("scram", "scram_sha_256", "postgres_scram", "postgresql_scram"), "scram_sha256"),
    **dict.fromkeys(
        ("werkzeug_md5", "werkzeug_sha1", "werkzeug_sha224", "werkzeug_sha256", "werkzeug_sha384", "werkzeug_sha512"),
        "werkzeug_hmac",
    ),
}
"""Other names of formats, by the words that the name here has."""

_BARE: Final = {
    "md5": (r"[0-9A-Fa-f]{32}", "{MD5}"),
    "sha": (r"[0-9A-Fa-f]{40}", "{SHA}"),
    "sha256": (r"[0-9A-Fa-f]{64}", "{SHA256}"),
    "sha384": (r"[0-9A-Fa-f]{96}", "{SHA384}"),
    "sha512": (r"[0-9A-Fa-f]{128}", "{SHA512}"),
    "nt": (r"[0-9A-Fa-f]{32}", "$3$$"),
    "mysql": (r"[0-9A-Fa-f]{40}", "*"),
    "des_crypt": (r"[./0-9A-Za-z]{13}", "{CRYPT}"),
    **dict.fromkeys(("werkzeug", "werkzeug_hmac"), (r"(?:md5|sha\d+)\$[^$]+\$[0-9A-Fa-f]+", "{werkzeug}")),
    "mssql": (r"0[12]00[0-9A-Fa-f]{48,}", "0x"),
}
"""What is written before a text that does not say what it is, when its format is declared."""

_ALSO: Final = {"wordpress": {"phpass"}, "joomla": {"phpass"}, "crypt": {"bcrypt"}, "sha": {"sha1"}}
"""Formats that a declared name stands for besides those whose names have its words."""


_NOTHING_DECLARED: Final = HashOrigin()


def adopt(formats: HashFormats, exported: str, origin: HashOrigin) -> tuple[str, StoredHash | None] | HashDefect:
    """Return what to store for a hash as another system exported it; see `HashImporter.adopt`.

    With it comes the same hash taken apart, or ``None`` where the text got a mark that it had not.
    """
    text = strip_invisible(exported)
    if origin == _NOTHING_DECLARED:
        found = formats.examine(text)
        return found if isinstance(found, HashDefect) else (text, found)
    declared = _canonical(origin.format, formats.names)
    has_mark = text.startswith(MARK)  # it comes from another cityauth
    text = text if has_mark else _spell_out(formats, text, declared)
    found = formats.examine(text)
    if isinstance(found, HashDefect):
        return found
    names = _names_for(declared, formats.names)
    if declared and not names:
        return HashDefect.UNKNOWN_SCHEME
    if declared and found.format.name.removeprefix("wrapped ") not in names:
        return HashDefect.CORRUPT
    mark = "" if has_mark else write_mark(_relevant(origin, found.format))
    return mark + text, None if mark else found


def is_fast(found: StoredHash) -> bool:
    """Say whether the hash should be wrapped at an import."""
    inner = found.format.inner if isinstance(found.format, MarkedFormat) else found.format
    return isinstance(inner, WrappableFormat) and inner.is_fast(found.parameters)


def wrap(found: StoredHash, profile: HashProfile) -> str:
    """Return the text of the hash inside an Argon2id hash at *profile*, with the mark that it had.

    Raises:
        HasherBusyError: there is not enough memory now.
    """
    marked = found.format if isinstance(found.format, MarkedFormat) else None
    wrapped = WrappedFormat(marked.inner if marked else found.format)  # type: ignore[arg-type] # the caller asked is_fast
    text = wrapped.render(wrapped.wrap(found.parameters, profile))
    return write_mark(marked.origin) + text if marked else text


def kind_of(found: StoredHash) -> HashKind:
    """Return which work the hash is, with a sample whose salt and digest are blanked."""
    parameters = found.parameters
    name, render = found.format.name, found.format.render
    try:
        return _kind_of(name, render, parameters.costs, len(parameters.salt), len(parameters.digest))
    except TypeError:  # the costs of a host's own format need not be hashable
        return _kind_of.__wrapped__(name, render, parameters.costs, len(parameters.salt), len(parameters.digest))


@lru_cache(maxsize=256)
def _kind_of(
    name: str, render: Callable[[HashParameters[Any]], str], costs: object, salt_bytes: int, digest_bytes: int
) -> HashKind:
    """Return the kind of hashes like this one. It is kept, because an import asks for every row."""
    blank = HashParameters(costs, b"0" * salt_bytes, bytes(digest_bytes))
    return HashKind(name, _costs_text(costs), render(blank))


def _costs_text(costs: object) -> str:
    """Return *costs* as one line of text."""
    if not is_dataclass(costs):
        return str(costs)
    parts = ((one.name, getattr(costs, one.name)) for one in fields(costs))
    texts = (_costs_text(value) if is_dataclass(value) else f"{name}={value}" for name, value in parts)
    return ", ".join(filter(None, texts))


def _canonical(declared: str, names: tuple[str, ...]) -> str:
    """Return the name of a format as it was declared, in the words that names have here."""
    name = re.sub(r"[-\s]+", "_", declared.strip().lower())
    if name in names:
        return name
    name = name.removeprefix("hex_").removeprefix("unsalted_")
    return _SYNONYMS.get(name, name)


@lru_cache(maxsize=1000)
def _names_for(declared: str, names: tuple[str, ...]) -> set[str]:
    """Return the formats that a declared name stands for: every one whose name has its words."""
    words, also = set(declared.split("_")), _ALSO.get(declared, set())
    return {name for name in names if words <= (parts := set(name.split("_"))) or also & parts}


def _spell_out(formats: HashFormats, text: str, declared: str) -> str:
    """Write down what *text* is, where its format is declared and the text does not say it."""
    own: HashFormat[Any] | None = formats.named(declared)
    spell = getattr(own, "spell_out", None)
    if spell is not None:
        return str(spell(text))
    pattern, before = _BARE.get(declared, ("", ""))
    return before + text if before and re.fullmatch(pattern, text) else text


def _relevant(origin: HashOrigin, one: HashFormat[Any]) -> HashOrigin:
    """Return what of *origin* changes anything for the format *one*."""
    inner = getattr(one, "inner", one)
    return replace(
        origin,
        encoding=PasswordEncoding.UTF_8 if reads_unicode(inner) else origin.encoding,
        truncates=origin.truncates if hasattr(inner, "truncating") else None,
    )
