"""Signing in: what is asked, in which order, and how little the answers tell."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.answers import Problem, Refused
from cityauth.core.audit import AuditEventType
from cityauth.core.changes import Committed, EventRecorded
from cityauth.core.client import ClientContext
from cityauth.core.hash_kinds import HashKind
from cityauth.core.hashing import HashDefect, StoredHash
from cityauth.core.identifiers import EMAIL, USERNAME, Identifier
from cityauth.core.login import UNIFORM_REFUSAL, Authenticated, PasswordRequired, RefusalReason
from cityauth.core.resolution import AccountIdentifier, IdentifierStatus, Match
from cityauth.core.secret import SecretStr
from cityauth.core.signing import Purpose
from cityauth.core.throttling import Exhausted, FailureCounted, Reserved
from cityauth.errors import StoreUnavailableError
from cityauth.flows.login import identify, submit_password
from cityauth.messages.codes import Code
from cityauth.policy.realms import Phase
from cityauth.ports.services import AuditSink, Clock, Entropy, HashImporter, PasswordHasher, Verdict
from cityauth.ports.stores import AccountStore, ThrottleStore
from tests.support.deployments import deployment
from tests.support.fakes import FORMATS, NOON, SpyHasher, typed
from tests.support.service import CARD, PASSWORD, Service
from tests.support.tracing import Trace, trace

ENTERED = "2001"
"""With the card's kind, this is a username and a card at once."""

KINDS = (EMAIL, USERNAME, CARD)
DEPLOYMENT = deployment(kinds=KINDS)
ACCOUNT = Account(AccountId("erkki"), "citizen", "Erkki Esimerkki")
OTHER = Account(AccountId("matti"), "citizen", "Matti Meikäläinen")
USERNAME_READ, CARD_READ = (
    Identifier("username", ENTERED, "1:2001"),
    Identifier("card", ENTERED, "1:card:2001"),
)
STORED = SecretStr(SpyHasher().hash(typed(PASSWORD)))
RIGHT, WRONG = Verdict(matched=True), Verdict(matched=False)
CLIENT = ClientContext("192.0.2.7", "Firefox", "fi")


EDGE: dict[Any, Any] = {Clock.now: NOON, Entropy.draw: bytes(range(32))}
"""What the edge answers where nothing else matters."""

BEGINNING = ["Clock.now", "Entropy.draw"]
"""When it is, and a name for the commit."""

RECORDED = ["ThrottleStore.reserve", "ThrottleStore.reserve", "AccountStore.commit", "AuditSink.emit"]
"""A refusal that cost no work is recorded only within the limits of the network and of all networks."""


def match(
    identifier_status: IdentifierStatus = IdentifierStatus.ACTIVE,
    stored: SecretStr | None = STORED,
    of: Account = ACCOUNT,
    **changed: Any,
) -> Match:
    """What the store finds under the username."""
    return Match(replace(of, **changed), AccountIdentifier(USERNAME_READ, identifier_status), stored)


CARD_OF_OTHER = Match(OTHER, AccountIdentifier(CARD_READ), STORED)

#: Every way to be refused: what the store finds, what the hasher says, and the true reason.
REFUSED: dict[str, tuple[list[Match], Verdict, RefusalReason]] = {
    "unknown": ([], WRONG, RefusalReason.UNKNOWN),
    "wrong password": ([match()], WRONG, RefusalReason.WRONG_PASSWORD),
    "disabled": ([match(status=Status.DISABLED)], RIGHT, RefusalReason.DISABLED),
    "disabled, wrong password": ([match(status=Status.DISABLED)], WRONG, RefusalReason.WRONG_PASSWORD),
    "contested": ([match(IdentifierStatus.CONTESTED)], RIGHT, RefusalReason.AMBIGUOUS),
    "several accounts": ([match(), CARD_OF_OTHER], RIGHT, RefusalReason.AMBIGUOUS),
    "several accounts, one retired": ([match(IdentifierStatus.RETIRED), CARD_OF_OTHER], RIGHT, RefusalReason.AMBIGUOUS),
    "retired, wrong password": ([match(IdentifierStatus.RETIRED)], WRONG, RefusalReason.RETIRED),
    "retired and disabled": ([match(IdentifierStatus.RETIRED, status=Status.DISABLED)], RIGHT, RefusalReason.DISABLED),
    "kind retired by the phase": ([match(phase=Phase.EMAIL_ONLY)], WRONG, RefusalReason.RETIRED),
    "no password": ([match(stored=None)], RIGHT, RefusalReason.NO_PASSWORD),
    "unusable password": (
        [match(stored=SecretStr("!"))],
        replace(WRONG, defect=HashDefect.UNUSABLE),
        RefusalReason.WRONG_PASSWORD,
    ),
    "corrupt hash": (
        [match(stored=SecretStr("$argon2id$"))],
        replace(WRONG, defect=HashDefect.CORRUPT),
        RefusalReason.WRONG_PASSWORD,
    ),
    "pending identifier": ([match(IdentifierStatus.PENDING)], RIGHT, RefusalReason.UNKNOWN),
}
NOT_YET = (
    [
        Match(
            replace(ACCOUNT, phase=Phase.LEGACY_ONLY),
            AccountIdentifier(Identifier("email", "a@b.fi", "1:a@b.fi")),
            STORED,
        )
    ],
    RIGHT,
)


def attempt(matches: list[Match], verdict: Verdict, entered: str = ENTERED, **given: Any) -> Trace[Any]:
    """The password step for *entered*, answered by hand."""
    pending = DEPLOYMENT.signer.sign(Purpose.PENDING_LOGIN, {"state": "Identified", "entered": entered}, NOON)
    answers = {
        Clock.now: NOON + timedelta(minutes=1),
        AccountStore.find: tuple(matches),
        AccountStore.commit: Committed(),
        AuditSink.emit: None,
        AccountStore.account_identifiers: (),
        PasswordHasher.verify: verdict,
        PasswordHasher.hash: "new hash",
        HashImporter.describe: HashKind("argon2", "", "sample"),
        ThrottleStore.reserve: Reserved(),
        ThrottleStore.reserve_all: given.pop("allowance", Reserved()),
        ThrottleStore.refund: None,
        Entropy.draw: bytes(range(32)),
    }
    return trace(submit_password(DEPLOYMENT, pending, given.pop("password", PASSWORD), client=CLIENT, **given), answers)


UNKNOWN = attempt(*REFUSED["unknown"][:2])


def shape(found: Trace[Any]) -> list[tuple[Any, ...]]:
    """The questions up to their values: which method, how many keys, what is written, what a hash costs."""
    told: list[tuple[Any, ...]] = []
    for question in found.questions:
        detail: object = len(question.args)
        if question.method is AccountStore.find:
            detail = question.args
        elif question.method is AccountStore.commit:
            detail = [type(change) for change in question.args[0]]
        told.append((question.method.__qualname__, detail, question.kwargs))
    return told


def test_the_order_of_a_refused_attempt() -> None:
    """One look-up, one verification, one line of audit: written out once, so that it is changed on purpose (B-15, C-16)."""
    assert UNKNOWN.names == [
        *BEGINNING,
        "AccountStore.find",
        "ThrottleStore.reserve_all",
        "PasswordHasher.verify",
        "ThrottleStore.reserve",
        "AccountStore.commit",
        "AuditSink.emit",
    ]


@pytest.mark.parametrize("case", REFUSED)
def test_every_refused_attempt_asks_the_same(case: str) -> None:
    """Whatever was found, the questions are equal up to their values (B-15, B-16, B-19, B-20, B-21, B-23, ASVS 6.3.8)."""
    matches, verdict, _ = REFUSED[case]
    assert shape(attempt(matches, verdict)) == shape(UNKNOWN)


@pytest.mark.parametrize("case", REFUSED)
def test_every_refused_attempt_answers_the_same(case: str) -> None:
    """Whatever was found, the step is equal byte for byte, the signed login in it too (B-20, B-23, ASVS 6.3.8, 16.5.1)."""
    matches, verdict, _ = REFUSED[case]
    step = attempt(matches, verdict).result
    assert step == UNKNOWN.result == PasswordRequired(step.pending, ENTERED, UNIFORM_REFUSAL)
    assert [repr(step), *(step.problem.text(language) for language in ("fi", "sv", "en"))] == [
        repr(UNKNOWN.result),
        *(UNKNOWN.result.problem.text(language) for language in ("fi", "sv", "en")),
    ]


@pytest.mark.parametrize("case", REFUSED)
def test_every_refused_attempt_verifies_once(case: str) -> None:
    """Exactly one verification runs, of the stored hash or of a dummy with the same parameters (B-15, B-16, B-17, F6)."""
    matches, verdict, reason = REFUSED[case]
    ((_, against),) = attempt(matches, verdict).asked(PasswordHasher.verify)
    if (
        len(matches) == 1
        and matches[0].password_hash
        and reason not in {RefusalReason.UNKNOWN, RefusalReason.AMBIGUOUS}
    ):
        assert against == matches[0].password_hash.get_secret_value()
    else:
        assert cost(against) == cost(STORED.get_secret_value())
        assert against != STORED.get_secret_value(), "the password never decides between accounts"


def cost(stored: str) -> tuple[Any, ...]:
    """What verifying a stored hash costs."""
    found = FORMATS.examine(stored)
    assert isinstance(found, StoredHash)
    return found.format.name, found.parameters.costs, len(found.parameters.salt), len(found.parameters.digest)


@pytest.mark.parametrize("case", REFUSED)
def test_the_audit_trail_alone_knows_the_reason(case: str) -> None:
    """The true reason stands in the audit line and nowhere else (B-20, ASVS 16.3.1, 16.3.3)."""
    matches, verdict, reason = REFUSED[case]
    found = attempt(matches, verdict)
    ((changes,),) = found.asked(AccountStore.commit)
    counted, recorded = changes
    assert isinstance(recorded, EventRecorded)
    assert counted == FailureCounted(ACCOUNT.id if len(matches) == 1 else AccountId(""), 100)
    event = recorded.event
    assert (event.what, event.reason) == (AuditEventType.LOGIN_REFUSED, reason)
    assert event.account_id == (ACCOUNT.id if len(matches) == 1 else None)
    assert (event.address, event.user_agent) == ("192.0.2.7", "Firefox")
    assert event.detail.get("defect", "") == (verdict.defect or "")
    assert found.asked(AuditSink.emit) == [(event,)]


def test_a_kind_that_does_not_sign_in_yet_is_as_unknown() -> None:
    """Before the change, an official's e-mail looks and costs like nobody's (B-15, ASVS 6.3.8)."""
    held, unheld = attempt(*NOT_YET, entered="a@b.fi"), attempt([], WRONG, entered="a@b.fi")
    assert shape(held) == shape(unheld)
    assert held.result == unheld.result
    assert [cost(args[1]) for args in held.asked(PasswordHasher.verify)] == [cost(STORED.get_secret_value())]


@pytest.mark.parametrize("case", REFUSED)
def test_a_malformed_password_costs_every_one_the_same(case: str) -> None:
    """What can be no password is refused before hashing, for all identifiers alike (B-23, B-62, C-45, C-47, ASVS 15.3.5)."""
    matches, verdict, _ = REFUSED[case]
    for password in ("", None, ["x"], b"x", 7, "x" * 1025, "\ud800"):
        found = attempt(matches, verdict, password=password)
        assert found.names == [*BEGINNING, "AccountStore.find", "ThrottleStore.reserve_all", *RECORDED]
        assert found.result == UNKNOWN.result


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize(("seconds", "minutes"), [(0.5, 1), (1, 1), (60, 1), (61, 2), (900, 15)])
def test_a_throttled_attempt_is_one_for_everybody(case: str, seconds: float, minutes: int) -> None:
    """Above a limit nothing is verified, and questions and answer are equal for every identifier (B-43, ASVS 6.3.1, 6.3.8)."""
    retry_at = NOON + timedelta(minutes=1, seconds=seconds)
    found = attempt(*REFUSED[case][:2], allowance=Exhausted(retry_at))
    other = attempt(*REFUSED["unknown"][:2], allowance=Exhausted(retry_at))
    assert found.names == [*BEGINNING, "AccountStore.find", "ThrottleStore.reserve_all", *RECORDED]
    assert shape(found) == shape(other)
    assert found.result == other.result
    assert found.result.problem == Problem(Code.THROTTLE_LOGIN, {"minutes": minutes})
    assert found.result.retry_after == max(1, -int(-seconds // 1))


@pytest.mark.parametrize("order", [1, -1])
def test_several_accounts_are_never_decided_by_order(order: int) -> None:
    """Ambiguity is refused in whatever order the store answers, even to the right password (B-11, B-12, F5)."""
    matches = [match(), CARD_OF_OTHER][::order]
    found = attempt(matches, RIGHT)
    assert found.result == UNKNOWN.result


def test_identify_asks_only_the_time() -> None:
    """The first step asks no store, so its answer cannot depend on one (ASVS 6.3.8, B-21)."""
    found = trace(identify(DEPLOYMENT, ENTERED), {Clock.now: NOON})
    assert found.names == ["Clock.now"]
    assert isinstance(found.result, PasswordRequired)
    assert (found.result.entered, found.result.problem) == (ENTERED, None)


def test_the_order_of_an_accepted_attempt() -> None:
    """After the password was accepted come the session's bytes and one commit; no rehash unless it is due."""
    found = attempt([match()], RIGHT)
    assert isinstance(found.result, Authenticated)
    verified = UNKNOWN.names[: UNKNOWN.names.index("ThrottleStore.reserve")]
    assert found.names[: len(verified)] == verified
    assert found.names[len(verified) :] == [
        "Entropy.draw",
        "AccountStore.commit",
        "AuditSink.emit",
        "ThrottleStore.refund",
    ]
    rehashed = attempt([match()], Verdict(matched=True, outdated=True))
    assert rehashed.names[len(verified) :] == [
        "PasswordHasher.hash",
        "HashImporter.describe",
        "Entropy.draw",
        "AccountStore.commit",
        "AuditSink.emit",
        "ThrottleStore.refund",
    ]


def test_a_store_that_is_down_is_no_refusal() -> None:
    """A failing store raises at the same question for everyone; nobody is signed in (C-24, B-87, ASVS 16.5.3)."""
    pending = DEPLOYMENT.signer.sign(Purpose.PENDING_LOGIN, {"state": "Identified", "entered": ENTERED}, NOON)
    answers = {**EDGE, AccountStore.find: StoreUnavailableError("down")}
    with pytest.raises(StoreUnavailableError):
        trace(submit_password(DEPLOYMENT, pending, PASSWORD), answers)


@pytest.mark.parametrize("payload", [{}, {"entered": 7}, {"other": "x"}], ids=repr)
def test_a_pending_login_without_an_identifier_begins_again(payload: dict[str, str | int]) -> None:
    """A genuine token that names nobody is refused, never raised (B-28, B-52)."""
    pending = DEPLOYMENT.signer.sign(Purpose.PENDING_LOGIN, payload, NOON)
    found = trace(submit_password(DEPLOYMENT, pending, PASSWORD), EDGE)
    assert isinstance(found.result, Refused)
    assert found.result.problem.code == "login.expired"


def test_an_identifier_that_no_kind_reads_any_more_is_refused_alike() -> None:
    """A login that is pending while the host drops a kind ends in the uniform refusal (ASVS 6.3.8, 16.5.1)."""
    cards = deployment(kinds=(CARD,))
    pending = cards.signer.sign(Purpose.PENDING_LOGIN, {"state": "Identified", "entered": "erkki"}, NOON)
    found = trace(
        submit_password(cards, pending, PASSWORD),
        {**EDGE, ThrottleStore.reserve: Reserved(), AccountStore.commit: Committed(), AuditSink.emit: None},
    )
    assert found.result == PasswordRequired(pending, "erkki", UNIFORM_REFUSAL)
    assert found.names == [*BEGINNING, *RECORDED]


def held(*lives: IdentifierStatus, address: str = "erkki.esimerkki@example.com") -> tuple[AccountIdentifier, ...]:
    """A retired username, and an e-mail address in each of the lives."""
    email = Identifier("email", address, f"1:{address}")
    return (
        AccountIdentifier(USERNAME_READ, IdentifierStatus.RETIRED),
        *(AccountIdentifier(email, status) for status in lives),
    )


def prove_retired(found: Match, account_identifiers: tuple[AccountIdentifier, ...]) -> Trace[Any]:
    """The right password under an identifier that no longer signs in."""
    pending = DEPLOYMENT.signer.sign(Purpose.PENDING_LOGIN, {"state": "Identified", "entered": ENTERED}, NOON)
    answers = {
        **EDGE,
        AccountStore.find: (found,),
        ThrottleStore.reserve: Reserved(),
        ThrottleStore.reserve_all: Reserved(),
        ThrottleStore.refund: None,
        PasswordHasher.verify: RIGHT,
        AccountStore.commit: Committed(),
        AuditSink.emit: None,
        AccountStore.account_identifiers: account_identifiers,
    }
    return trace(submit_password(DEPLOYMENT, pending, PASSWORD), answers)


@pytest.mark.parametrize(
    "found", [match(IdentifierStatus.RETIRED), match(phase=Phase.EMAIL_ONLY)], ids=["retired", "by the phase"]
)
def test_the_owner_of_a_retired_identifier_is_told_the_new_one(found: Match) -> None:
    """After the right password, and only then, the new address is named, masked, and nobody is signed in (B-20, ASVS 6.3.8)."""
    proven = prove_retired(found, held(IdentifierStatus.RETIRED, IdentifierStatus.ACTIVE))
    problem = proven.result.problem
    assert isinstance(proven.result, PasswordRequired)
    assert (problem.code, problem.params) == ("login.identifier_retired", {"email": "e•••@example.com"})
    assert proven.names[: len(UNKNOWN.names)] == UNKNOWN.names
    ((changes,),) = proven.asked(AccountStore.commit)
    assert [type(change) for change in changes] == [EventRecorded]


@pytest.mark.parametrize(
    ("found", "account_identifiers"),
    [
        (match(IdentifierStatus.RETIRED), held()),
        (match(IdentifierStatus.RETIRED), held(IdentifierStatus.PENDING, IdentifierStatus.RETIRED)),
        (match(IdentifierStatus.RETIRED, phase=Phase.LEGACY_ONLY), held(IdentifierStatus.ACTIVE)),
    ],
    ids=["no address", "none that is active", "none that signs in"],
)
def test_no_address_is_named_that_does_not_sign_in(
    found: Match, account_identifiers: tuple[AccountIdentifier, ...]
) -> None:
    """Where no address signs in, the owner reads the uniform refusal instead of a lie (ASVS 6.3.8)."""
    assert prove_retired(found, account_identifiers).result.problem == UNIFORM_REFUSAL


def test_whitespace_around_an_identifier_is_not_carried_along() -> None:
    """However much outer whitespace was typed, the signed login stays small enough to be opened (C-46)."""
    step = trace(identify(DEPLOYMENT, "\v" * 1000 + ENTERED + " "), {Clock.now: NOON}).result
    assert isinstance(step, PasswordRequired)
    assert step == trace(identify(DEPLOYMENT, ENTERED), {Clock.now: NOON}).result


@pytest.mark.parametrize(
    ("entered", "code"),
    [
        ("", "login.malformed.empty"),
        (" \t\r\n", "login.malformed.empty"),
        (None, "login.malformed.not_text"),
        (["erkki"], "login.malformed.not_text"),
        ({"erkki": 1}, "login.malformed.not_text"),
        (b"erkki", "login.malformed.not_text"),
        (83, "login.malformed.not_text"),
        ("x" * 1025, "login.malformed.too_long"),
        ("å" * 513, "login.malformed.too_long"),
        ("erk\0ki", "login.malformed.forbidden_character"),
        ("erk\ud800ki", "login.malformed.forbidden_character"),
        ("erk\u202eki", "login.malformed.forbidden_character"),
    ],
    ids=lambda value: ascii(value)[:16],
)
def test_what_can_be_no_identifier_is_said_at_once(entered: object, code: str) -> None:
    """Malformed text is judged by itself on both steps, without a store (C-46, C-47, ASVS 15.3.5)."""
    first = trace(identify(DEPLOYMENT, entered), {Clock.now: NOON})
    assert isinstance(first.result, Refused)
    assert (first.result.problem.code, first.names) == (code, ["Clock.now"])
    if entered is not None:
        pending = DEPLOYMENT.signer.sign(Purpose.PENDING_LOGIN, {"state": "Identified", "entered": ENTERED}, NOON)
        second = trace(submit_password(DEPLOYMENT, pending, PASSWORD, identifier=entered), EDGE)
        assert second.result == first.result


def test_a_flood_of_empty_passwords_does_not_fill_the_trail(service: Service) -> None:
    """Refusals that cost no work are recorded ten times a minute per network, a hundred times in all, and refused all the same."""
    step = service.auth.login.identify("erkki")
    assert isinstance(step, PasswordRequired)
    given = ["", None, 7, "x" * 5000, "\ud800"]
    before = len(service.audit.events)
    for number in range(60):
        answer = service.auth.login.submit_password(
            step.pending, given[number % len(given)], client=ClientContext(f"192.0.2.{number % 2}")
        )
        assert answer == replace(step, problem=UNIFORM_REFUSAL)
    assert len(service.audit.events) - before == 20
    for number in range(300):
        service.auth.login.submit_password(step.pending, "", client=ClientContext(f"198.51.{number}.7"))
    assert len(service.audit.events) - before == 100
