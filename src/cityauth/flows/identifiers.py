"""Find out whom an identifier names. Every flow that looks an identifier up does it here."""

from dataclasses import replace
from datetime import datetime

from cityauth.core.identifier import Identifier, Malformed
from cityauth.core.problem import Problem
from cityauth.core.resolution import Match, Resolution
from cityauth.flows.asking import Flow, ask
from cityauth.flows.deployment import Deployment
from cityauth.messages.codes import Code
from cityauth.ports.services import Clock
from cityauth.ports.stores import AccountStore

MAX_ADDRESS = 254
"""Characters of an e-mail address: RFC 5321's path of 256 octets without its brackets."""

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
    Malformed.NEEDS_SMTPUTF8: Code.IDENTIFIER_NON_ASCII,
}


def resolve(deployment: Deployment, entered: object, now: datetime) -> Flow[Resolution]:
    """Return what *entered* is at *now*, explained: one look-up, or none for malformed text.

    Account, identifier and password hash of the resolution come from one row of the store.
    """
    readings = deployment.resolver.read(entered)
    if isinstance(readings, Malformed):
        return deployment.resolver.explain(entered, readings, (), now)
    found = yield from ask(AccountStore.find, tuple(one.key for one in readings))
    return deployment.resolver.explain(entered, readings, found, now)


def explain(deployment: Deployment, entered: object) -> Flow[Resolution]:
    """Return what *entered* is now, without the password hash: for customer service and the host."""
    now = yield from ask(Clock.now)
    resolution = yield from resolve(deployment, entered, now)
    if resolution.holder is None:
        return resolution
    return replace(resolution, holder=replace(resolution.holder, password_hash=None))


def find_holder(identifier: Identifier) -> Flow[Match | None]:
    """Return what the store holds under the key of *identifier*, in whatever status; ``None`` when it is free."""
    found = yield from ask(AccountStore.find, (identifier.key,))
    return next((one for one in found if one.account_identifier.identifier.key == identifier.key), None)


def problem_of(malformed: Malformed) -> Problem:
    """Return what to say of a text that cannot be looked up.

    It depends on the text alone, so it tells nothing of what is stored. Every fault without a
    sentence of its own is a character that may not stand there.
    """
    return Problem(_LOOKED_UP.get(malformed, Code.LOGIN_MALFORMED_FORBIDDEN_CHARACTER))


def address_problem_of(malformed: Malformed) -> Problem:
    """Return what to say of a text that cannot be registered as an e-mail address."""
    code = _REGISTERED.get(malformed, Code.IDENTIFIER_NOT_EMAIL)
    return Problem(code, {"maximum": MAX_ADDRESS} if code is Code.IDENTIFIER_TOO_LONG else {})
