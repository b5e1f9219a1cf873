"""A signed-in person's password: confirmed before a sensitive change, or changed."""

from collections.abc import Callable, Sequence

import pytest

from cityauth import Problem
from cityauth.core.accounts import AccountId
from cityauth.core.answers import Done, Refused
from cityauth.core.changes import Change, CommitOutcome, PasswordReplaced
from cityauth.core.hashing import HashDefect
from cityauth.core.login import Authenticated
from cityauth.core.secret import SecretStr
from cityauth.messages.codes import Code
from cityauth.ports.services import PasswordHasher, Verdict
from cityauth.ports.stores import AccountStore
from tests.support.fakes import SeededEntropy
from tests.support.recording import Answer, happening_before, stepping_in
from tests.support.service import OTHER_PASSWORD, PASSWORD, Service

NEW = "aivan uusi pitkä salasana"
ERKKI, ID = "erkki@example.com", AccountId("erkki")


@pytest.fixture
def erkki(service: Service) -> Service:
    """A service with Erkki and Matti in it."""
    service.add("Erkki", email=ERKKI, contact="toinen@example.com")
    service.add("Matti", email="matti@example.com", password=OTHER_PASSWORD)
    return service


def test_a_confirmed_password_makes_the_session_fresh_and_new(erkki: Service) -> None:
    """A remembered session is fresh only after its password; the token changes and the old one dies (B-61, B-86, ASVS 7.2.4)."""
    token = erkki.token(ERKKI, remember=True)
    before = erkki.auth.sessions.check(token)
    assert before is not None
    assert not erkki.auth.sessions.is_fresh(before)
    step = erkki.auth.sessions.confirm(erkki.live(token), PASSWORD)
    assert isinstance(step, Authenticated)
    renewed = step.session.token.get_secret_value()
    assert renewed != token
    assert not erkki.is_live(token)
    after = erkki.auth.sessions.check(renewed)
    assert after is not None
    assert erkki.auth.sessions.is_fresh(after)
    assert after.session.remembered
    erkki.wait(minutes=5)
    assert not erkki.auth.sessions.is_fresh(after)


def test_only_the_own_password_confirms(erkki: Service) -> None:
    """Another account's right password is a wrong one here (B-86)."""
    token = erkki.token(ERKKI)
    wrong = Refused(Problem(Code.PASSWORD_WRONG_CURRENT))
    for attempt in [OTHER_PASSWORD, "", None, ["x"], "x" * 5000, "\ud800"]:
        assert erkki.auth.sessions.confirm(erkki.live(token), attempt) == wrong
    assert erkki.is_live(token)


def test_confirming_is_counted_before_it_is_tried(erkki: Service) -> None:
    """Ten passwords in five minutes, then not even the right one is tried (B-50, B-98, ASVS 6.3.4)."""
    token = erkki.token(ERKKI)
    for _ in range(10):
        erkki.auth.sessions.confirm(erkki.live(token), "väärä")
    work = len(erkki.hasher.work)
    assert erkki.auth.sessions.confirm(erkki.live(token), PASSWORD) == Refused(Problem(Code.THROTTLE_REQUEST))
    assert len(erkki.hasher.work) == work
    erkki.wait(minutes=5)
    assert isinstance(erkki.auth.sessions.confirm(erkki.live(token), PASSWORD), Authenticated)


def test_a_change_needs_the_current_password(erkki: Service) -> None:
    """A wrong or missing current password changes nothing (ASVS 6.2.3)."""
    token = erkki.token(ERKKI)
    for current in ["väärä", "", None, 0]:
        declined = erkki.auth.accounts.change_password(erkki.live(token), current, NEW)
        assert declined == Refused(Problem(Code.PASSWORD_WRONG_CURRENT))
    assert erkki.is_live(erkki.token(ERKKI, PASSWORD))


def test_a_refused_new_password_changes_nothing(erkki: Service) -> None:
    """Too short, or the own address: refused with its reason (ASVS 6.2.1, 6.2.11)."""
    token = erkki.token(ERKKI)
    for new in ["lyhyt", "toinen@example.com", ERKKI, None]:
        assert isinstance(erkki.auth.accounts.change_password(erkki.live(token), PASSWORD, new), Refused)
    assert erkki.is_live(token)


def test_a_change_ends_every_other_session_and_tells_every_address(erkki: Service) -> None:
    """This session goes on under a new token, the others end, both addresses are told (B-58, ASVS 6.2.2, 6.3.7, 7.4.3)."""
    token, others = erkki.token(ERKKI), [erkki.token(ERKKI), erkki.token(ERKKI, remember=True)]
    step = erkki.auth.accounts.change_password(erkki.live(token), PASSWORD, NEW)
    assert isinstance(step, Authenticated)
    assert erkki.is_live(step.session.token.get_secret_value())
    assert not any(erkki.is_live(one) for one in [token, *others])
    assert erkki.is_live(erkki.token(ERKKI, NEW))
    assert not isinstance(erkki.attempt(ERKKI, PASSWORD), Authenticated)
    for address in (ERKKI, "toinen@example.com"):
        assert erkki.subjects(address) == ["salasanasi on vaihdettu"]


def test_a_change_overtaken_by_a_rehash_goes_on(erkki: Service) -> None:
    """A sign-in that renews the hash meanwhile does not end the change: the person's password was right."""
    token = erkki.token(ERKKI)
    id_ = AccountId("erkki")
    was = erkki.store.password_hash(id_)
    assert was is not None
    renewed = SecretStr(erkki.hash(PASSWORD))
    with happening_before(
        erkki.auth, PasswordHasher.hash, lambda: erkki.store.commit([PasswordReplaced(id_, was=was, now=renewed)])
    ):
        step = erkki.auth.accounts.change_password(erkki.live(token), PASSWORD, NEW)
    assert isinstance(step, Authenticated)
    assert erkki.is_live(step.session.token.get_secret_value())
    assert erkki.is_live(erkki.token(ERKKI, NEW))


def test_a_change_that_was_overtaken_is_declined(erkki: Service) -> None:
    """A reset that lands between verifying and committing wins: the change writes nothing (F3, C-08)."""
    token = erkki.token(ERKKI)
    erkki.auth.recovery.request(ERKKI)
    link = erkki.link("toinen@example.com")
    other = Service(store=erkki.store, hasher=erkki.hasher, clock=erkki.clock, entropy=SeededEntropy(b"other"))
    reset = []
    with happening_before(
        erkki.auth,
        PasswordHasher.hash,
        lambda: reset.append(other.auth.recovery.complete(link, "palautettu uusi salasana")),
    ):
        assert isinstance(erkki.auth.accounts.change_password(erkki.live(token), PASSWORD, NEW), Refused)
    assert isinstance(reset[0], Done)
    assert erkki.is_live(erkki.token(ERKKI, "palautettu uusi salasana"))


def test_a_session_that_ends_meanwhile_is_not_confirmed(erkki: Service) -> None:
    """All sessions end between verifying and committing: nothing is opened (C-11)."""
    token = erkki.token(ERKKI)
    with happening_before(
        erkki.auth, PasswordHasher.verify, lambda: erkki.auth.sessions.close_all_of_account(AccountId("erkki"))
    ):
        assert erkki.auth.sessions.confirm(erkki.live(token), PASSWORD) == Refused(Problem(Code.SESSION_ENDED))
    assert erkki.auth.sessions.list_of_account(AccountId("erkki")) == ()


def test_an_account_without_a_password_confirms_nothing(service: Service) -> None:
    """No password matches an account that has none, at the cost of one verification (B-16, B-72, B-73)."""
    service.add("Erkki", email=ERKKI)
    token = service.token(ERKKI)
    work = len(service.hasher.work)
    with stepping_in(service.auth, AccountStore.password_hash, lambda _: lambda _id: None):
        assert isinstance(service.auth.sessions.confirm(service.live(token), PASSWORD), Refused)
    assert len(service.hasher.work) == work + 1


@pytest.mark.parametrize("how", ["confirm", "change"])
def test_a_session_that_was_closed_meanwhile_does_not_come_back(erkki: Service, how: str) -> None:
    """Signed out during the hashing: no new session takes its place (C-12, ASVS 7.4.1)."""
    token = erkki.token(ERKKI)
    with happening_before(erkki.auth, PasswordHasher.verify, lambda: erkki.auth.sessions.sign_out(token)):
        step = (
            erkki.auth.sessions.confirm(erkki.live(token), PASSWORD)
            if how == "confirm"
            else erkki.auth.accounts.change_password(erkki.live(token), PASSWORD, NEW)
        )
    assert step == Refused(Problem(Code.SESSION_ENDED))
    assert erkki.auth.sessions.list_of_account(AccountId("erkki")) == ()
    assert erkki.is_live(erkki.token(ERKKI, PASSWORD))


def renewing(service: Service, times: int) -> Callable[[Answer], Answer]:
    """Before each of the first commits of a change, let another sign-in renew the stored hash."""
    left = [times]

    def step(commit: Answer) -> Answer:
        def renew_first(changes: Sequence[Change]) -> CommitOutcome:
            was = service.store.password_hash(ID)
            if left[0] and was is not None and any(isinstance(one, PasswordReplaced) for one in changes):
                left[0] -= 1
                commit([PasswordReplaced(ID, was=was, now=SecretStr(service.hash(PASSWORD)))])
            outcome: CommitOutcome = commit(changes)
            return outcome

        return renew_first

    return step


@pytest.mark.parametrize(("times", "changed"), [(1, True), (4, True), (5, False), (9, False)])
def test_a_change_meets_a_rehash_five_times_at_most(erkki: Service, times: int, *, changed: bool) -> None:
    """Sign-ins that renew the hash again and again end the change with "too many", and nothing is changed."""
    token = erkki.token(ERKKI)
    with stepping_in(erkki.auth, AccountStore.commit, renewing(erkki, times)):
        step = erkki.auth.accounts.change_password(erkki.live(token), PASSWORD, NEW)
    if changed:
        assert isinstance(step, Authenticated)
    else:
        assert step == Refused(Problem(Code.THROTTLE_REQUEST))
    erkki.sign_in(ERKKI, NEW if changed else PASSWORD)


def test_a_change_is_declined_when_the_hash_no_longer_matches(erkki: Service) -> None:
    """A migration replaced the hash by that of another password meanwhile: the current password is wrong now."""
    token = erkki.token(ERKKI)
    was = erkki.store.password_hash(ID)
    assert was is not None
    other = SecretStr(erkki.hash(OTHER_PASSWORD))
    with happening_before(
        erkki.auth, PasswordHasher.hash, lambda: erkki.store.commit([PasswordReplaced(ID, was=was, now=other)])
    ):
        step = erkki.auth.accounts.change_password(erkki.live(token), PASSWORD, NEW)
    assert step == Refused(Problem(Code.PASSWORD_WRONG_CURRENT))
    erkki.sign_in(ERKKI, OTHER_PASSWORD)


@pytest.mark.parametrize("how", ["confirm", "change"])
@pytest.mark.parametrize(
    "verdict",
    [
        Verdict(matched=True, outdated=True, defect=HashDefect.TRUNCATED),
        Verdict(matched=False, outdated=False, defect=HashDefect.CORRUPT),
        Verdict(matched=True, outdated=False),
    ],
    ids=["truncated", "corrupt", "sound"],
)
def test_the_audit_trail_has_the_defect_of_the_stored_hash(erkki: Service, how: str, verdict: Verdict) -> None:
    """Confirming and changing say what is wrong with the stored hash, as a sign-in does."""
    live = erkki.live(erkki.token(ERKKI))
    with stepping_in(erkki.auth, PasswordHasher.verify, lambda _: lambda _password, _stored: verdict):
        if how == "confirm":
            erkki.auth.sessions.confirm(live, PASSWORD)
        else:
            erkki.auth.accounts.change_password(live, PASSWORD, NEW)
    done = "password.confirmed" if how == "confirm" else "password.changed"
    event = erkki.store.events(ID)[-1]
    assert event.what == (done if verdict.matched else "password.not_confirmed")
    assert event.detail.get("defect", "") == (verdict.defect or "")
