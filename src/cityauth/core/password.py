"""A password as a person typed it, and the judgement on a new one."""

import hmac
import unicodedata
from collections.abc import Container, Iterable
from enum import StrEnum
from typing import NoReturn, final

from cityauth.policy import PasswordPolicy


@final
class Password:  # noqa: PLW1641 - equality without a hash: a secret is no key
    """A password that has passed the caps, held so that nothing shows it by accident.

    It is a plain class, since `dataclasses.asdict` would hand out the text. ``repr``, ``str``,
    f-strings and logs show ``Password(***)``; pickling and copying are refused; it is no key of a
    dictionary. `nfc` and `raw` are read by name, which a reviewer can search for.

    Made by `read` alone: the constructor checks nothing.
    """

    __slots__ = ("_nfc", "_raw")

    def __init__(self, raw: str, nfc: str) -> None:
        """Hold the text as received and its NFC."""
        self._raw = raw
        self._nfc = nfc

    @property
    def nfc(self) -> str:
        """The NFC of the text: what new hashes are made of (NIST 3.1.1.2)."""
        return self._nfc

    @property
    def raw(self) -> str:
        """The text exactly as received: what a hash made by an older system may hold."""
        return self._raw

    @property
    def candidates(self) -> tuple[bytes, ...]:
        """The UTF-8 bytes to verify: of the NFC, then of the raw text where it differs.

        How many there are depends on what was typed, never on what is stored, so it tells nothing
        about an account.
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
        """Refuse to be pickled or copied into a report.

        Raises:
            TypeError: always.
        """
        msg = "a password cannot be pickled"
        raise TypeError(msg)


class PasswordDefect(StrEnum):
    """Why something is no password at all, whatever is stored."""

    NOT_TEXT = "not_text"
    """A list, a number, bytes or nothing instead of a string (ASVS 15.3.5)."""

    EMPTY = "empty"
    """No character. An empty password never matches, not even a hash of the empty string."""

    TOO_LONG = "too_long"
    """More code points or bytes than the policy's caps."""

    NOT_UNICODE = "not_unicode"
    """A lone surrogate: text that has no UTF-8."""


class PasswordProblem(StrEnum):
    """Why a *new* password is refused. Old passwords are never judged."""

    TOO_SHORT = "too_short"
    """Fewer code points in its NFC than the policy's minimum."""

    COMMON = "common"
    """It stands on the list of common passwords, as a whole."""

    CONTEXT = "context"
    """It is, as a whole, a name of the service or of the person."""


def read(value: object, policy: PasswordPolicy) -> Password | PasswordDefect:
    """Take *value* for a password, exactly as received: no trimming, no mapping but the NFC.

    The caps come before any work that grows with the length, so ten megabytes cost no more than
    ten bytes. NUL, controls and unassigned code points are parts of a password like any other.

    Args:
        value: What a form or an API brought, of any type.
        policy: Its ``max_code_points`` and ``max_bytes`` of UTF-8 bound the text as received.
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
    """Return what common passwords and context words are compared by: NFC, then case-folded, then NFC.

    Only for these comparisons: it makes "Salasana" and "SALASANA" the same word, so it must never
    come near a verification.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def judge_new(
    password: Password,
    policy: PasswordPolicy,
    context: Iterable[str],
    common: Container[str],
) -> tuple[PasswordProblem, ...]:
    """Say everything that is wrong with a new password; empty when it is accepted.

    There are no composition rules (ASVS 6.2.5). Words are compared with the *whole* password, so a
    long passphrase may contain any of them (NIST 3.1.1.2).

    Args:
        password: The new password.
        policy: Its ``min_length`` counts code points of the NFC; its ``context_words`` are refused.
        context: Words of this person: own e-mail address, username, display name.
        common: The common passwords, by their `comparison_key`.
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
