"""A signed-in person is named by the live session, and nothing is written once that session has ended."""

from collections.abc import Callable
from typing import Any

import pytest

from cityauth import Problem, UsageError
from cityauth.core.accounts import AccountId
from cityauth.core.answers import Refused
from cityauth.core.sessions import LiveSession
from cityauth.messages.codes import Code
from cityauth.ports.stores import AccountStore
from tests.support.fakes import SeededEntropy
from tests.support.recording import happening_before
from tests.support.service import PASSWORD, Service

NEW = "aivan uusi pitkä salasana"
ERKKI = "erkki@example.com"
ID = AccountId("erkki")

WRITES: dict[str, Callable[[Service, Any], object]] = {
    "change_email": lambda s, live: s.auth.accounts.change_email(live, "uusi@example.com"),
    "change_password": lambda s, live: s.auth.accounts.change_password(live, PASSWORD, NEW),
    "set_name": lambda s, live: s.auth.accounts.set_name(live, "Tunkeilija"),
    "set_language": lambda s, live: s.auth.accounts.set_language(live, "sv"),
    "delete": lambda s, live: s.auth.accounts.delete(live),
    "confirm": lambda s, live: s.auth.sessions.confirm(live, PASSWORD),
    "close": lambda s, live: s.auth.sessions.close(live, "handle"),
    "close_all": lambda s, live: s.auth.sessions.close_all(live),
    "close_all but this": lambda s, live: s.auth.sessions.close_all(live, keep=True),
}
READS: dict[str, Callable[[Service, Any], object]] = {
    "list": lambda s, live: s.auth.sessions.list(live),
    "is_fresh": lambda s, live: s.auth.sessions.is_fresh(live),
    "export": lambda s, live: s.auth.accounts.export(live),
}
ENDS: dict[str, Callable[[Service, str], object]] = {
    "signed out": lambda s, token: s.auth.sessions.sign_out(token),
    "another epoch": lambda s, _: s.auth.sessions.close_all_of_account(ID),
    "disabled": lambda s, _: s.auth.accounts.disable(ID),
    "disabled and enabled": lambda s, _: (s.auth.accounts.disable(ID), s.auth.accounts.enable(ID)),
    "replaced": lambda s, token: s.auth.sessions.confirm(s.live(token), PASSWORD),
}
ENDED = Refused(Problem(Code.SESSION_ENDED))


@pytest.fixture
def erkki(service: Service) -> Service:
    """A service with Erkki in it."""
    service.add("Erkki", email=ERKKI)
    return service


def others(service: Service) -> object:
    """Return what is stored of the account but for its audit trail."""
    stored = service.auth.accounts.export_of_account(ID)
    assert stored is not None
    return {key: value for key, value in stored.items() if key != "events"}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("write", WRITES)
def test_an_ended_session_writes_nothing(erkki: Service, write: str, end: str) -> None:
    """However the session ended, each write of the signed-in person is refused with a value (ASVS 7.4.1)."""
    token = erkki.token(ERKKI)
    live = erkki.live(token)
    ENDS[end](erkki, token)
    before = others(erkki)
    assert WRITES[write](erkki, live) == ENDED
    assert others(erkki) == before
    assert erkki.subjects("uusi@example.com") == []


@pytest.mark.parametrize("end", ENDS)
def test_an_ended_session_exports_nothing(erkki: Service, end: str) -> None:
    """Whoever holds a session that has ended gets no data by it (B-74)."""
    token = erkki.token(ERKKI)
    live = erkki.live(token)
    ENDS[end](erkki, token)
    assert erkki.auth.accounts.export(live) == ENDED


@pytest.mark.parametrize("remember", [False, True])
@pytest.mark.parametrize("write", WRITES)
def test_an_expired_session_writes_nothing(erkki: Service, write: str, *, remember: bool) -> None:
    """At its idle limit the session writes nothing, one second earlier it does (ASVS 7.3.1)."""
    policy = erkki.policy.sessions
    idle = policy.remembered_idle if remember else policy.idle
    live = erkki.live(erkki.token(ERKKI, remember=remember))
    erkki.wait(seconds=idle.total_seconds())
    assert WRITES[write](erkki, live) == ENDED
    live = erkki.live(erkki.token(ERKKI, remember=remember))
    erkki.wait(seconds=idle.total_seconds() - 1)
    assert WRITES[write](erkki, live) != ENDED


@pytest.mark.parametrize("write", [one for one in WRITES if one != "close"])
def test_a_sign_out_at_the_moment_of_the_commit_refuses_it(erkki: Service, write: str) -> None:
    """The session is a precondition of the very commit, so a sign-out just before it wins (ASVS 15.4.2)."""
    token = erkki.token(ERKKI)
    live = erkki.live(token)
    other = Service(store=erkki.store, hasher=erkki.hasher, clock=erkki.clock, entropy=SeededEntropy(b"other"))
    with happening_before(erkki.auth, AccountStore.commit, lambda: other.auth.sessions.sign_out(token)):
        assert WRITES[write](erkki, live) == ENDED
    assert erkki.auth.sessions.list(live) == ()


@pytest.mark.parametrize("write", [*WRITES, *READS])
def test_a_token_in_place_of_the_live_session_gets_a_sentence(erkki: Service, write: str) -> None:
    """A token, a sign-in's answer, an account id or nothing is refused with a sentence that says what is needed."""
    signed_in = erkki.sign_in(ERKKI)
    call = {**WRITES, **READS}[write]
    for wrong in [signed_in.session.token.get_secret_value(), signed_in, signed_in.session, ID, None, "", 0]:
        with pytest.raises(UsageError, match="a LiveSession is needed"):
            call(erkki, wrong)


def test_a_step_in_place_of_its_pending_gets_a_sentence(erkki: Service) -> None:
    """Each kind of step is refused with a sentence, and a forged text is still an expired login."""
    steps = [erkki.auth.login.identify(ERKKI), erkki.auth.login.identify(""), erkki.sign_in(ERKKI)]
    for step in steps:
        with pytest.raises(UsageError, match=r"step\.pending is needed"):
            erkki.auth.login.submit_password(step, PASSWORD)
    assert not isinstance(erkki.auth.login.submit_password("forged", PASSWORD), LiveSession)
