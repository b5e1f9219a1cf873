"""Sessions in use: checked, listed, ended, by whom and when."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cityauth import Authenticated, Done, Problem, UsageError
from cityauth.core.accounts import AccountId
from cityauth.core.audit import AuditEventType
from cityauth.core.changes import Committed, IdentifierAdded
from cityauth.core.identifiers import Identifier
from cityauth.core.login import PasswordRequired
from cityauth.core.sessions import TOKEN_LENGTH, digest_of
from cityauth.flows.sessions import check
from cityauth.messages.codes import Code
from cityauth.ports.services import Clock
from cityauth.ports.stores import AccountStore, SessionStore
from tests.support.deployments import deployment
from tests.support.fakes import NOON, SeededEntropy
from tests.support.recording import happening_before, recording
from tests.support.service import OTHER_PASSWORD, PASSWORD, POLICY, Service, populate
from tests.support.stores import MakeStore, reassign
from tests.support.tracing import trace

ERKKI, VIRVE = AccountId("erkki"), AccountId("virve")
STRANGE_TOKENS: list[Any] = [
    None, "", "x", "A" * TOKEN_LENGTH, "\ud800" * TOKEN_LENGTH, 0, False, b"A" * TOKEN_LENGTH, ["A" * TOKEN_LENGTH], {"token": "A" * TOKEN_LENGTH},
]  # fmt: skip


@pytest.fixture
def service(make_store: MakeStore) -> Service:
    """A city service with two people."""
    made = Service(store=make_store())
    populate(made)
    return made


def test_a_session_signs_its_account_in(service: Service) -> None:
    """The token brings the very account that signed in, as it is now (ASVS 7.2.1, B-13)."""
    token = service.token("erkki")
    live = service.auth.sessions.check(token)
    assert live is not None
    assert (live.account.id, live.session.account_id) == (ERKKI, ERKKI)


@pytest.mark.parametrize("token", STRANGE_TOKENS, ids=lambda token: ascii(token)[:14])
def test_a_strange_token_is_nobody(service: Service, token: object) -> None:
    """Unknown, empty or misshapen tokens are nobody, and neither checking nor signing out writes (B-31, B-32, B-54, B-55)."""
    with recording(service.auth) as asked:
        assert service.auth.sessions.check(token) is None
        assert not service.auth.sessions.sign_out(token)
    assert {name for name, *_ in asked} <= {"Clock.now", "SessionStore.find_session", "SessionStore.find_family"}


@pytest.mark.parametrize("token", STRANGE_TOKENS[:3])
def test_what_is_no_token_asks_nothing(token: object) -> None:
    """Text that cannot be a token reaches no store at all (B-31, B-54)."""
    assert trace(check(deployment(), token), {}).questions == ()


def test_every_sign_in_has_its_own_token(service: Service) -> None:
    """Two sign-ins of one person have different tokens, handles and devices (ASVS 7.2.2, 7.2.3, B-57)."""
    first, second = service.sign_in("erkki").session, service.sign_in("erkki").session
    assert first.token != second.token
    assert first.session.handle != second.session.handle
    assert first.session.digest != second.session.digest


@pytest.mark.parametrize("remember", [False, True])
def test_a_sign_in_ends_the_session_that_was_presented(service: Service, remember: bool) -> None:
    """The token of before the sign-in is dead after it, also when the person is remembered (B-52, ASVS 7.2.4)."""
    old = service.token("erkki")
    new = service.token("erkki", session_token=old, remember=remember)
    assert not service.is_live(old)
    assert service.is_live(new)


def test_a_failed_sign_in_leaves_the_session_alone(service: Service) -> None:
    """A wrong password, or another person's attempt, neither ends nor inherits the present session (B-53)."""
    token = service.token("erkki")
    assert isinstance(service.attempt("virve.v", "wrong password", session_token=token), PasswordRequired)
    live = service.auth.sessions.check(token)
    assert live is not None
    assert live.account.id == ERKKI


def test_another_persons_sign_in_takes_the_browser_over(service: Service) -> None:
    """Who signs in over another's session gets a new token, and the other's is dead (B-53, ASVS 7.2.4)."""
    old = service.token("erkki")
    new = service.token("virve.v", OTHER_PASSWORD, session_token=old)
    live = service.auth.sessions.check(new)
    assert live is not None
    assert live.account.id == VIRVE
    assert not service.is_live(old)


@pytest.mark.parametrize("token", STRANGE_TOKENS, ids=lambda token: ascii(token)[:14])
def test_a_planted_token_never_becomes_a_session(service: Service, token: object) -> None:
    """A token that was set before the sign-in is not the one that is signed in (B-52, ASVS 7.2.4)."""
    step = service.sign_in("erkki", session_token=token)
    assert step.session.token.get_secret_value() != token
    assert not service.is_live(token)


@pytest.mark.parametrize(
    ("remember", "idle", "absolute"),
    [(False, timedelta(minutes=30), timedelta(hours=12)), (True, timedelta(days=14), timedelta(days=30))],
    ids=["at the deployment", "remembered"],
)
def test_limits(service: Service, remember: bool, idle: timedelta, absolute: timedelta) -> None:
    """Use extends the idle limit and never the absolute one; a new sign-in begins both anew (ASVS 7.3.1, 7.3.2, 7.4.1, NIST 5.2)."""
    second = timedelta(seconds=1)
    token = service.token("erkki", remember=remember)
    service.clock.advance(idle - second)
    assert service.is_live(token), "used just in time"
    service.clock.advance(idle)
    assert not service.is_live(token), "not used in time"
    token, opened = service.token("erkki", remember=remember), service.now
    while service.now + idle - second < opened + absolute:
        service.clock.advance(idle - second)
        assert service.is_live(token)
    service.clock.at = opened + absolute - second
    assert service.is_live(token)
    service.clock.at = opened + absolute
    assert not service.is_live(token)


def test_a_session_is_written_once_a_minute(service: Service) -> None:
    """A hundred requests within a minute are one query each and no write; the next minute has one (C-15)."""
    token = service.token("erkki")
    with recording(service.auth) as asked:
        for _ in range(100):
            assert service.is_live(token)
    assert {name for name, *_ in asked} == {"Clock.now", "SessionStore.find_session"}
    service.wait(minutes=1)
    with recording(service.auth) as asked:
        for _ in range(100):
            assert service.is_live(token)
    assert [name for name, *_ in asked].count("SessionStore.touch_session") == 1


def test_a_check_asks_once(service: Service) -> None:
    """Session and account come with one question (ASVS 7.2.1)."""
    token = service.token("erkki")
    found = service.store.find_session(digest_of(token))
    traced = trace(check(deployment(), token), {Clock.now: NOON, SessionStore.find_session: found})
    assert traced.names == ["Clock.now", "SessionStore.find_session"]
    assert traced.result == found


def test_freshness_comes_from_a_password_and_goes(service: Service) -> None:
    """A sign-in is fresh for five minutes however much it is used; a remembered one never is (B-61, B-86, ASVS 7.5.1)."""
    live = service.auth.sessions.check(service.token("erkki"))
    remembered = service.auth.sessions.check(service.token("erkki", remember=True))
    assert live is not None
    assert remembered is not None
    assert service.auth.sessions.is_fresh(live)
    assert not service.auth.sessions.is_fresh(remembered)
    service.wait(minutes=5)
    assert not service.auth.sessions.is_fresh(live)


def test_sign_out_ends_the_session(service: Service) -> None:
    """After signing out the token is nobody for good, by every method, and a second sign-out is no sign-out (ASVS 7.4.1, B-94)."""
    token, other = service.token("erkki"), service.token("erkki")
    assert service.auth.sessions.sign_out(token)
    assert not service.is_live(token)
    assert not service.auth.sessions.sign_out(token)
    assert service.is_live(other)
    event = service.audit.events[-1]
    assert (event.what, event.account_id, event.reason) == (AuditEventType.SESSION_CLOSED, ERKKI, "signed_out")


def test_disabling_ends_every_session(service: Service) -> None:
    """The next request of a disabled account is nobody's, remembered sessions too, and enabling revives none (ASVS 7.4.2, B-88)."""
    tokens = [service.token("erkki"), service.token("erkki", remember=True)]
    service.auth.accounts.disable(ERKKI)
    assert not any(service.is_live(token) for token in tokens)
    service.auth.accounts.enable(ERKKI)
    assert not any(service.is_live(token) for token in tokens)
    service.sign_in("erkki")


def test_the_list_shows_live_sessions_without_their_keys(service: Service) -> None:
    """A person sees the own live sessions, the last used first, by handles that are neither tokens nor digests (B-78, ASVS 7.5.2)."""
    old = service.token("erkki")
    service.wait(minutes=20)
    remembered = service.token("erkki", remember=True)
    service.wait(minutes=5)
    service.is_live(old)
    service.token("virve.v", OTHER_PASSWORD)
    listed = service.auth.sessions.list_of_account(ERKKI)
    assert [one.digest for one in listed] == [digest_of(old), digest_of(remembered)]
    for one in listed:
        assert not service.is_live(one.handle)
        assert one.handle not in {old, remembered, one.digest.hex()}
    service.wait(hours=1)
    assert [one.remembered for one in service.auth.sessions.list_of_account(ERKKI)] == [True]


def test_strangers_have_no_sessions(service: Service) -> None:
    """An id that is nobody's has an empty list and nothing to close, and no line is written (B-55)."""
    nobody = AccountId("nobody")
    with recording(service.auth) as asked:
        assert service.auth.sessions.list_of_account(nobody) == ()
        assert not service.auth.sessions.close_of_account(nobody, "handle")
        assert not service.auth.sessions.close_all_of_account(nobody)
    assert "AuditSink.emit" not in [name for name, *_ in asked]


def test_a_person_closes_own_sessions_only(service: Service) -> None:
    """A handle closes one's own session, and is nothing in another person's hand (B-59, ASVS 7.4.3, 7.5.2)."""
    mine, other = service.token("erkki"), service.token("erkki")
    theirs = service.token("virve.v", OTHER_PASSWORD)
    (handle,) = [one.handle for one in service.auth.sessions.list_of_account(VIRVE)]
    assert not service.auth.sessions.close_of_account(ERKKI, handle)
    assert service.is_live(theirs)
    chosen = next(one for one in service.auth.sessions.list_of_account(ERKKI) if one.digest == digest_of(mine))
    assert service.auth.sessions.close_of_account(ERKKI, chosen.handle)
    assert not service.auth.sessions.close_of_account(ERKKI, chosen.handle)
    assert [service.is_live(token) for token in (mine, other)] == [False, True]
    assert service.audit.events[-1].reason == "closed"


@pytest.mark.parametrize(
    "handle", [None, "", 7, ["handle"], "\ud800", "x" * 1_000_000], ids=lambda value: ascii(value)[:12]
)
def test_what_is_no_handle_closes_nothing(service: Service, handle: object) -> None:
    """Handles of other types and shapes name no session (B-32, C-47)."""
    token = service.token("erkki")
    assert not service.auth.sessions.close_of_account(ERKKI, handle)
    assert service.is_live(token)


def test_a_remembered_session_is_ended_from_afar(service: Service) -> None:
    """Each device's remembered session has a row of its own, and ends by its handle without the others (B-57, B-97, ASVS 7.5.2)."""
    phone, desk_top = service.token("erkki", remember=True), service.token("erkki", remember=True)
    chosen = next(one for one in service.auth.sessions.list_of_account(ERKKI) if one.digest == digest_of(phone))
    assert service.auth.sessions.close_of_account(ERKKI, chosen.handle)
    assert [service.is_live(token) for token in (phone, desk_top)] == [False, True]


def test_all_sessions_end_at_once(service: Service) -> None:
    """A new epoch ends every session of one account and of nobody else, without counting them (ASVS 7.4.5, C-11)."""
    tokens = [service.token("erkki") for _ in range(3)]
    theirs = service.token("virve.v", OTHER_PASSWORD)
    with recording(service.auth) as asked:
        assert service.auth.sessions.close_all_of_account(ERKKI)
    assert [name for name, *_ in asked].count("AccountStore.commit") == 1
    assert not any(service.is_live(token) for token in tokens)
    assert service.is_live(theirs)


def test_all_sessions_but_this_one_end(service: Service) -> None:
    """The session that asks is kept, and all others of the account end (ASVS 7.4.3)."""
    tokens = [service.token("erkki") for _ in range(3)]
    done = service.auth.sessions.close_all(service.live(tokens[1]), keep=True)
    assert done == Done(Problem(Code.SESSION_OTHERS_CLOSED))
    assert [service.is_live(token) for token in tokens] == [False, True, False]
    assert service.audit.events[-1].reason == "kept_one"


def test_all_of_ones_own_sessions_end(service: Service) -> None:
    """Without ``keep`` the session that asks ends as well, and nobody else's does (ASVS 7.4.3)."""
    tokens = [service.token("erkki") for _ in range(3)]
    theirs = service.token("virve.v", OTHER_PASSWORD)
    assert isinstance(service.auth.sessions.close_all(service.live(tokens[0])), Done)
    assert not any(service.is_live(token) for token in tokens)
    assert service.is_live(theirs)


def test_a_person_lists_and_closes_own_sessions(service: Service) -> None:
    """A person sees and closes the own sessions by handle; another person's handle closes nothing (B-59, ASVS 7.5.2)."""
    mine, other = service.token("erkki"), service.token("erkki")
    theirs = service.token("virve.v", OTHER_PASSWORD)
    live, closed = service.live(mine), Done(Problem(Code.SESSION_CLOSED))
    assert {one.digest for one in service.auth.sessions.list(live)} == {digest_of(mine), digest_of(other)}
    (handle,) = [one.handle for one in service.auth.sessions.list(service.live(theirs))]
    lines = len(service.audit.events)
    for hostile in [handle, None, "", 7, ["handle"], "\ud800", "x" * 100_000]:
        assert service.auth.sessions.close(live, hostile) == closed
    assert len(service.audit.events) == lines, "nothing ended, so nothing is recorded"
    chosen = next(one for one in service.auth.sessions.list(live) if one.digest == digest_of(other))
    assert service.auth.sessions.close(live, chosen.handle) == closed
    assert [service.is_live(token) for token in (mine, other, theirs)] == [True, False, True]


@pytest.mark.parametrize("how", ["confirmed", "password changed"])
def test_a_sign_out_ends_what_a_confirmation_replaced(service: Service, how: str) -> None:
    """The browser's former token signs out the session that has a new token by now (ASVS 7.4.1)."""
    token = service.token("erkki")
    other = service.token("erkki")
    live = service.live(token)
    step: object = service.auth.sessions.confirm(live, PASSWORD) if how == "confirmed" else None
    if how != "confirmed":
        step = service.auth.accounts.change_password(live, PASSWORD, "aivan uusi pitkä salasana")
    assert isinstance(step, Authenticated)
    renewed = step.session.token.get_secret_value()
    assert service.is_live(renewed)
    assert service.auth.sessions.sign_out(token)
    assert service.audit.events[-1].reason == "signed_out"
    assert not service.is_live(renewed)
    assert service.is_live(other) == (how == "confirmed")
    lines = len(service.audit.events)
    assert not service.auth.sessions.sign_out(renewed), "it had ended, and this call did not end it"
    assert len(service.audit.events) == lines


def test_a_sign_out_at_the_moment_of_a_confirmation(service: Service) -> None:
    """A confirmation that lands between reading and committing does not save the session from a sign-out."""
    token, opened = service.token("erkki"), []
    live = service.live(token)
    other = Service(store=service.store, hasher=service.hasher, clock=service.clock, entropy=SeededEntropy(b"other"))
    with happening_before(
        service.auth, AccountStore.commit, lambda: opened.append(other.auth.sessions.confirm(live, PASSWORD))
    ):
        assert service.auth.sessions.sign_out(token)
    (step,) = opened
    assert isinstance(step, Authenticated)
    assert not service.is_live(step.session.token.get_secret_value())


def test_the_oldest_session_makes_room(make_store: MakeStore) -> None:
    """Beyond the number that one account may have, the oldest session ends (ASVS 7.1.2, C-55)."""
    policy = replace(POLICY, sessions=replace(POLICY.sessions, per_account=3))
    service = Service(store=make_store(), policy=policy)
    populate(service)
    theirs = service.token("virve.v", OTHER_PASSWORD)
    tokens = []
    for _ in range(5):
        service.wait(seconds=1)
        tokens.append(service.token("erkki"))
    assert [service.is_live(token) for token in tokens] == [False, False, True, True, True]
    assert service.is_live(theirs)


def test_a_session_that_is_renewed_makes_room_itself(make_store: MakeStore) -> None:
    """At the limit, who signs in again over the own session ends that one and no other device's (ASVS 7.1.2, 7.2.4)."""
    policy = replace(POLICY, sessions=replace(POLICY.sessions, per_account=2))
    service = Service(store=make_store(), policy=policy)
    populate(service)
    elsewhere = service.token("erkki")
    service.wait(seconds=1)
    here = service.token("erkki")
    service.wait(seconds=1)
    again = service.token("erkki", session_token=here)
    assert [service.is_live(token) for token in (elsewhere, here, again)] == [True, False, True]


def test_a_session_follows_the_person_not_the_name(service: Service) -> None:
    """When Erkki is renamed and Virve gets his name, his session stays his, and the name signs her in (B-13)."""
    old = service.token("erkki")
    renamed = IdentifierAdded(ERKKI, Identifier("username", "eero", "1:eero"), service.now, ())
    assert service.store.commit([renamed]) == Committed()
    reassign(service.store, "1:erkki", VIRVE)
    new = service.token("erkki", OTHER_PASSWORD)
    assert [service.holder(token) for token in (old, new)] == [ERKKI, VIRVE]
    assert isinstance(service.attempt("erkki"), PasswordRequired), "his password is nothing to her account"
    assert service.holder(service.token("eero")) == ERKKI
    assert service.auth.sessions.close_all_of_account(VIRVE)
    assert [service.holder(token) for token in (old, new)] == [ERKKI, None]


@pytest.mark.parametrize("given", ["token", None, 7, object()])
def test_only_a_live_session_can_be_fresh(service: Service, given: object) -> None:
    """A token or anything else in the place of a live session is a mistake that is told, and never fresh."""
    with pytest.raises(UsageError, match="LiveSession is needed"):
        service.auth.sessions.is_fresh(given)  # type: ignore[arg-type]  # the mistake itself


def test_a_session_that_ends_while_it_is_closed_is_closed_once(service: Service) -> None:
    """Two close the same session at one moment: both are told that it is closed, and the trail says so once."""
    keeper, victim = service.token("erkki"), service.token("erkki")
    live = service.live(keeper)
    handle = service.live(victim).session.handle
    other = Service(store=service.store, clock=service.clock, entropy=SeededEntropy(b"other"))
    with happening_before(service.auth, AccountStore.commit, lambda: other.auth.sessions.sign_out(victim)):
        assert service.auth.sessions.close(live, handle) == Done(Problem(Code.SESSION_CLOSED))
    closed = [event for event in service.store.events(ERKKI) if event.what is AuditEventType.SESSION_CLOSED]
    assert [event.reason for event in closed] == ["signed_out"]
    assert service.is_live(keeper)
