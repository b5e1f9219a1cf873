"""`Texts`: a service's own texts in the place of the shipped ones, and the mails that are made of them."""

import unicodedata
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, final

from cityauth.errors import ConfigurationError, UsageError
from cityauth.messages.catalogue import FALLBACK, LANGUAGES, Param, fill, template_of, text
from cityauth.messages.codes import Code
from cityauth.messages.labels import Label
from cityauth.messages.mails import CLOSING, OPENING, Mail, MailContent
from cityauth.messages.plan_texts import PlanText

if TYPE_CHECKING:  # the libraries that read and check texts are loaded when there are some
    from pathlib import Path

_LINK: Final = "{link}"
_CODES: Final = (
    *Code,
    *Label,
    *PlanText,
    *(part for mail in Mail for part in (mail.subject, mail.body)),
    OPENING,
    CLOSING,
)


@final
class Texts:
    """The texts of one service: its own texts, and the shipped ones for all other codes.

    Mails use the texts of `Policy.texts`. A page calls `text`, and gives the object to `Problem.text`.
    """

    __slots__ = ("_own",)

    def __init__(self, own: Mapping[str, Mapping[str, str]] = MappingProxyType({})) -> None:
        """Check a service's own texts and keep a copy.

        Args:
            own: For each code (a `Code`, a `Label`, the subject or body of a `Mail`, or their values) its text in each
                of `LANGUAGES`. A text may have the placeholders that the shipped text has. A text of a mail may have
                ``{service}`` as well.

        Raises:
            ConfigurationError: a code does not exist, a language is missing or unknown, a text is empty or holds
                control characters, a placeholder has no value, a subject has several lines, or a mail lost the
                paragraph with its link. The message names the code and the language.
        """
        self._own: Mapping[str, Mapping[str, str]] = MappingProxyType(dict(_checked(own)))

    @classmethod
    def read(cls, path: "Path") -> "Texts":
        """Read the texts of a TOML file. It has a table for each code, and in it a key for each language.

        Raises:
            ConfigurationError: the file cannot be read, is not TOML, or holds a text that the constructor refuses.
        """
        import tomllib

        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigurationError(f"the texts {path} cannot be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{path} is not valid TOML: {error}") from error
        return cls(content)

    def text(self, code: str, language: str, **params: Param) -> str:
        """Return what *code* says in *language*, as plain text: escape it where it goes into HTML.

        Args:
            code: A member of `Code` or `Label`, or its value.
            language: One of `LANGUAGES`; for any other the text is in `FALLBACK`.
            **params: The values of the placeholders.

        Raises:
            UsageError: the code does not exist, or a placeholder of its text has no value.
        """
        own = self._own.get(code)
        if own is None:
            return text(code, language, **params)
        return fill(code, own[language if language in LANGUAGES else FALLBACK], params)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Texts) and self._own == other._own

    def __hash__(self) -> int:
        return hash(frozenset(self._own))

    def __repr__(self) -> str:
        return f"Texts({', '.join(sorted(self._own))})"


def _checked(own: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Check each text, and return it in a copy that nobody can change."""
    for code, texts in own.items():
        shipped = _shipped(code)
        given: object = texts  # a file may hold anything
        if not isinstance(given, Mapping) or set(given) != set(LANGUAGES):
            raise ConfigurationError(f"the text {str(code)!r} is needed in {', '.join(LANGUAGES)}, and in no other")
        for language, own_text in texts.items():
            if defect := _defect(str(code), own_text, shipped):
                raise ConfigurationError(f"the text {str(code)!r} in {language!r} {defect}")
        yield str(code), MappingProxyType(dict(texts))


def _shipped(code: object) -> str:
    """Return the shipped English text of *code*."""
    try:
        return template_of(code if isinstance(code, str) else "", FALLBACK)
    except UsageError:
        import difflib

        near = difflib.get_close_matches(str(code), _CODES, n=1, cutoff=0)
        raise ConfigurationError(f"there is no text {str(code)!r}; the nearest one is {str(near[0])!r}") from None


def _defect(code: str, own: object, shipped: str) -> str:
    """Say what is wrong with a text, to continue its name; empty when nothing is."""
    if not isinstance(own, str) or not own.strip():
        return "must be text, and not empty"
    if any(unicodedata.category(char) in {"Cc", "Cs"} and char != "\n" for char in own):
        return "holds a control character"
    if code.endswith(".subject") and "\n" in own:
        return "is a subject, so it must be one line"
    allowed = _placeholders(shipped) | ({"service"} if code.startswith("mail.") else set())
    try:
        given = _placeholders(own)
    except ValueError:
        return "has a brace that is not part of a placeholder; write {{ or }} for a brace"
    if unknown := sorted(given - allowed):
        return f"names {{{unknown[0]}}}, which has no value; it may name {_list(allowed)}"
    if code.startswith("mail.") and _LINK in shipped and _LINK not in own.split("\n\n"):
        return "must hold {link} as a paragraph of its own"
    return ""


def _placeholders(template: str) -> set[str]:
    """Return the names in braces.

    Raises:
        ValueError: a brace is no part of a placeholder, or a placeholder is more than a name.
    """
    from string import Formatter

    found = set()
    for _, name, spec, conversion in Formatter().parse(template):
        if name is not None:
            if not name.isidentifier() or spec or conversion:
                raise ValueError(template)
            found.add(name)
    return found


def _list(names: set[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(names)) or "none"


SHIPPED: Final = Texts()
"""The texts as cityauth ships them."""


def write(
    mail: Mail, language: str, texts: Texts = SHIPPED, /, *, service: str, contact: str, **params: Param
) -> MailContent:
    """Return the text of *mail* in *language*, the account's own.

    Args:
        mail: Which mail.
        language: One of `LANGUAGES`; for any other the mail is in English.
        texts: The texts of the service.
        service: The name of the service, for the subject and the signature.
        contact: How to reach customer service: an address, a number or a page.
        **params: The values of the body's placeholders (see `Mail`). Give verified data only.

    Raises:
        UsageError: a value that the mail needs is missing.
    """
    opening = texts.text(OPENING, language, service=service)
    body = texts.text(mail.body, language, service=service, **params)
    closing = texts.text(CLOSING, language, service=service, contact=contact)
    subject = texts.text(mail.subject, language, service=service)
    return MailContent(subject=subject, body=f"{opening}\n\n{body}\n\n{closing}\n")
