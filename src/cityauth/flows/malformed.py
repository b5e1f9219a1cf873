"""What is said of text that can be no identifier: of the text alone, so it tells nothing of what is stored."""

from cityauth.core.identifier import Malformed
from cityauth.core.problem import Problem
from cityauth.messages.codes import Code

_LOOKED_UP = {
    Malformed.EMPTY: Code.LOGIN_MALFORMED_EMPTY,
    Malformed.NOT_TEXT: Code.LOGIN_MALFORMED_NOT_TEXT,
    Malformed.TOO_LONG: Code.LOGIN_MALFORMED_TOO_LONG,
}
_REGISTERED = {
    Malformed.EMPTY: Code.IDENTIFIER_EMPTY,
    Malformed.NOT_TEXT: Code.IDENTIFIER_NOT_TEXT,
    Malformed.TOO_LONG: Code.IDENTIFIER_TOO_LONG,
    Malformed.FORBIDDEN_CHARACTER: Code.IDENTIFIER_FORBIDDEN_CHARACTER,
    Malformed.MIXED_SCRIPT: Code.IDENTIFIER_CONFUSABLE,
}


def problem_of(malformed: Malformed) -> Problem:
    """Return what to say of text that nobody can be looked up by; the rest holds a forbidden character."""
    return Problem(_LOOKED_UP.get(malformed, Code.LOGIN_MALFORMED_FORBIDDEN_CHARACTER))


def address_problem_of(malformed: Malformed) -> Problem:
    """Return what to say of text that cannot be registered as an e-mail address."""
    code = _REGISTERED.get(malformed, Code.IDENTIFIER_NOT_EMAIL)
    return Problem(code, {"maximum": MAX_ADDRESS} if code is Code.IDENTIFIER_TOO_LONG else {})


MAX_ADDRESS = 254
"""Characters of an e-mail address (RFC 5321's path of 256 octets without its brackets)."""
