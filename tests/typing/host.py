"""What a host writes, for the type checker: it must be accepted as it stands. Checked, never run."""

from datetime import datetime
from typing import assert_never, assert_type

from cityauth import (
    Account,
    AccountOutcome,
    AccountRefused,
    AsyncCityAuth,
    Authenticated,
    CityAuth,
    LiveSession,
    LoginStep,
    MemoryStore,
    PasswordRequired,
    Refused,
    Resolution,
)
from cityauth.core.changes import Committed, Rejected
from cityauth.core.login import Anonymous, Identified, IdentifierGiven, PasswordAccepted, advance
from cityauth.flows.asking import Flow, ask
from cityauth.ports.services import Clock, Entropy, PasswordHasher, Verdict
from cityauth.ports.stores import AccountStore


def page(step: LoginStep) -> str:
    """Every step has its page; a step that is added makes this an error."""
    match step:
        case Authenticated(account=account, session=session):
            return f"{account.display_name} {session.session.handle}"
        case PasswordRequired(entered=entered, problem=problem):
            return entered if problem is None else problem.text("fi")
        case Refused(problem=problem):
            return problem.text("sv")
        case _:
            assert_never(step)


def added(outcome: AccountOutcome) -> str:
    """So has every outcome of adding an account."""
    match outcome:
        case Account():
            return outcome.id
        case AccountRefused(why=why):
            return why
        case _:
            assert_never(outcome)


def flow(password: object) -> Flow[bool]:
    """The answer to a question has the type of the port's answer."""
    now = yield from ask(Clock.now)
    assert_type(now, datetime)
    drawn = yield from ask(Entropy.draw, 32)
    assert_type(drawn, bytes)
    verdict = yield from ask(PasswordHasher.verify, password, "stored")  # type: ignore[arg-type]
    assert_type(verdict, Verdict)
    outcome = yield from ask(AccountStore.commit, ())
    assert_type(outcome, Committed | Rejected)
    return verdict.matched


def mistaken() -> Flow[None]:
    """A wrong argument, too few, too many, or by a wrong name is an error where it is asked."""
    yield from ask(Entropy.draw, "32")  # type: ignore[arg-type]
    yield from ask(Entropy.draw)  # type: ignore[call-arg]
    yield from ask(Clock.now, 1)  # type: ignore[call-arg]
    yield from ask(Entropy.draw, number=32)  # type: ignore[call-arg]


def machine(state: Identified, accepted: PasswordAccepted, given: IdentifierGiven) -> None:
    """What the table says of a pair, the checker knows."""
    assert_type(advance(Anonymous(), given), Identified)
    assert_type(advance(state, accepted), Authenticated)


def answers(auth: CityAuth) -> None:
    """The public API answers what its signatures say."""
    assert_type(auth.login.identify("erkki"), PasswordRequired | Authenticated | Refused)
    assert_type(auth.sessions.check("token"), LiveSession | None)
    assert_type(auth.identifiers.resolve("erkki"), Resolution)


async def awaited(auth: AsyncCityAuth) -> None:
    """The asynchronous API answers the same, awaited."""
    assert_type(await auth.login.identify("erkki"), PasswordRequired | Authenticated | Refused)
    assert_type(await auth.sessions.check("token"), LiveSession | None)


def construction() -> None:
    """The reference store is a store to either API; anything else is an error."""
    CityAuth(MemoryStore(), ["secret"])
    AsyncCityAuth(MemoryStore(), ["secret"])
    CityAuth("sqlite:///service.db", ["secret"])  # type: ignore[arg-type]
