"""A password as a person typed it, and what is wrong with a new one."""

import hmac
import unicodedata
from collections.abc import Container, Iterable
from enum import StrEnum
from typing import NoReturn, final

from cityauth.policy import PasswordPolicy


@final
class Password:  # noqa: PLW1641 - equality without a hash: a secret is no key
    """A password within the limits of length. Nothing shows it by accident.

    It is not a dataclass, since `dataclasses.asdict` would give the text away. ``repr``, ``str``, f-strings and
    logs show ``Password(***)``. It cannot be pickled or copied, and it cannot be the key of a dictionary. Code
    that needs the text reads `nfc` or `raw`, so a reviewer can search for these names.

    Only `read` makes one: the constructor checks nothing.
    """

    __slots__ = ("_nfc", "_raw")

    def __init__(self, raw: str, nfc: str) -> None:
        """Hold the text as received and its NFC."""
        self._raw = raw
        self._nfc = nfc

    @property
    def nfc(self) -> str:
        """The NFC of the text. New hashes are made of it."""
        return self._nfc

    @property
    def raw(self) -> str:
        """The text exactly as received. An older system may have hashed this."""
        return self._raw

    @property
    def candidates(self) -> tuple[bytes, ...]:
        """The UTF-8 bytes to verify: of the NFC, then of the text as received where it differs.

        How many there are depends only on what was typed, so it tells nothing about an account.
        """
        nfc = self._nfc.encode()
        return (nfc,) if self._raw == self._nfc else (nfc, self._raw.encode())

    def __repr__(self) -> str:
        """Show nothing of the password, not even its length."""
        return "Password(***)"

    def __eq__(self, other: object) -> bool:
        """Compare what was received, in constant time."""
        if not isinstance(other, Password):
            return NotImplemented
        return hmac.compare_digest(self._raw.encode(), other._raw.encode())

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied.

        Raises:
            TypeError: always.
        """
        msg = "a password cannot be pickled"
        raise TypeError(msg)


class PasswordDefect(StrEnum):
    """Why a value is no password at all. No stored hash is looked at."""

    NOT_TEXT = "not_text"
    """A list, a number, bytes or nothing instead of a string."""

    EMPTY = "empty"
    """No character. An empty password never matches, not even a hash of the empty string."""

    TOO_LONG = "too_long"
    """More code points or bytes than the policy allows."""

    NOT_UNICODE = "not_unicode"
    """It has a lone surrogate, so it cannot be written as UTF-8."""


class PasswordProblem(StrEnum):
    """Why a *new* password is refused. Old passwords are never judged."""

    TOO_SHORT = "too_short"
    """Fewer code points in its NFC than the policy's minimum."""

    COMMON = "common"
    """The whole password is on the list of common passwords."""

    CONTEXT = "context"
    """The whole password is a name of the service or of the person."""


def read(value: object, policy: PasswordPolicy) -> Password | PasswordDefect:
    """Take *value* as a password. Nothing is trimmed or mapped; only the NFC is made beside it.

    The length is checked before any work that grows with it, so ten megabytes cost no more than ten bytes. A
    password may hold any character: a NUL, a control, an unassigned code point.

    Args:
        value: What a form or an API brought, of any type.
        policy: Its ``max_code_points`` and ``max_bytes`` limit the text as received.
    """
    if not isinstance(value, str):
        return PasswordDefect.NOT_TEXT
    if not value:
        return PasswordDefect.EMPTY
    if len(value) > policy.max_code_points:
        return PasswordDefect.TOO_LONG
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return PasswordDefect.NOT_UNICODE
    if size > policy.max_bytes:
        return PasswordDefect.TOO_LONG
    raw = str(value)
    return Password(raw, unicodedata.normalize("NFC", raw))


def comparison_key(text: str) -> str:
    """Return the form in which a password is compared with common passwords and context words.

    It is the NFC, case-folded, in NFC again. It makes "Salasana" and "SALASANA" the same word, so it must never
    be used to verify a password.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def judge_new(
    password: Password,
    policy: PasswordPolicy,
    context: Iterable[str],
    common: Container[str],
) -> tuple[PasswordProblem, ...]:
    """Return everything that is wrong with a new password; nothing when it is accepted.

    There are no composition rules. Words are compared with the *whole* password, so a long passphrase may
    contain any of them.

    Args:
        password: The new password.
        policy: Its ``min_length`` counts the code points of the NFC. Its ``context_words`` are refused.
        context: Words of this person: e-mail address, username, display name.
        common: The common passwords, each as its `comparison_key`.
    """
    problems: list[PasswordProblem] = []
    if len(password.nfc) < policy.min_length:
        problems.append(PasswordProblem.TOO_SHORT)
    key = comparison_key(password.nfc)
    if key in common:
        problems.append(PasswordProblem.COMMON)
    if any(key == comparison_key(word) for word in (*policy.context_words, *context)):
        problems.append(PasswordProblem.CONTEXT)
    return tuple(problems)
