"""Links of every purpose tried at every use: each works for its own, and nothing else reaches a new password."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from cityauth import AccountRefused, Problem
from cityauth.core.accounts import Account, AccountId
from cityauth.core.answers import Done, Refused
from cityauth.core.audit import AuditEventType
from cityauth.core.changes import TokenIssued
from cityauth.core.identifiers import Identifier
from cityauth.core.links import LinkLive, LinkRefused, OneTimeToken, digest_of_id, id_of
from cityauth.core.login import Authenticated
from cityauth.core.resolution import AccountIdentifier
from cityauth.core.signing import Purpose
from cityauth.errors import StoreUnavailableError
from cityauth.messages.codes import Code
from cityauth.policy import IdentifierPolicy, LinkPolicy
from cityauth.ports.stores import AccountStore
from tests.support.deployments import deployment
from tests.support.fakes import NOON
from tests.support.recording import happening_before, stepping_in
from tests.support.service import KEY, OTHER_KEY, PASSWORD, POLICY, Service

NEW = "aivan uusi pitkä salasana"

USES: dict[Purpose, Callable[[Service, str], object]] = {
    Purpose.RESET: lambda s, token: s.auth.recovery.complete(token, NEW),
    Purpose.SIGN_UP: lambda s, token: s.auth.accounts.confirm_sign_up(token, "Uusi", NEW),
    Purpose.EMAIL_CHANGE: lambda s, token: s.auth.accounts.confirm_email(token),
    Purpose.EMAIL_UNDO: lambda s, token: s.auth.accounts.undo_email(token),
    Purpose.PENDING_LOGIN: lambda s, token: s.auth.login.submit_password(token, NEW),
}
LOOKS: dict[Purpose, Callable[[Service, str], object]] = {
    Purpose.RESET: lambda s, token: s.auth.recovery.inspect(token),
    Purpose.SIGN_UP: lambda s, token: s.auth.accounts.inspect_sign_up(token),
    Purpose.EMAIL_CHANGE: lambda s, token: s.auth.accounts.inspect_email(token),
    Purpose.EMAIL_UNDO: lambda s, token: s.auth.accounts.inspect_undo(token),
}


def _reset(service: Service) -> str:
    service.auth.recovery.request("erkki@example.com")
    return service.link("erkki@example.com")


def _invitation(service: Service) -> str:
    invited = service.auth.accounts.invite(AccountId("erkki"))
    assert not isinstance(invited, AccountRefused)
    return service.link("erkki@example.com")


def _sign_up(service: Service) -> str:
    service.auth.accounts.sign_up("uusi@example.com")
    return service.link("uusi@example.com")


def _email_change(service: Service) -> str:
    live = service.auth.sessions.check(service.token("erkki@example.com"))
    assert live is not None
    service.auth.accounts.change_email(live, "erkki.uusi@example.com")
    return service.link("erkki.uusi@example.com")


def _email_undo(service: Service) -> str:
    assert isinstance(service.auth.accounts.confirm_email(_email_change(service)), Done)
    return service.link("erkki@example.com")


def _pending(service: Service) -> str:
    step = service.auth.login.identify("erkki@example.com")
    return str(getattr(step, "pending", ""))


MAKERS: dict[str, tuple[Callable[[Service], str], Purpose]] = {
    "reset": (_reset, Purpose.RESET),
    "invitation": (_invitation, Purpose.RESET),
    "sign_up": (_sign_up, Purpose.SIGN_UP),
    "email_change": (_email_change, Purpose.EMAIL_CHANGE),
    "email_undo": (_email_undo, Purpose.EMAIL_UNDO),
    "pending_login": (_pending, Purpose.PENDING_LOGIN),
}


@pytest.mark.parametrize("made", MAKERS)
@pytest.mark.parametrize("use", USES)
def test_a_token_works_for_its_own_purpose_alone(service: Service, made: str, use: Purpose) -> None:
    """Of the n by n matrix of purposes and uses only the diagonal does anything (B-25, B-33, ASVS 6.6.2, 9.2.2)."""
    service.add("Erkki", email="erkki@example.com")
    make, own = MAKERS[made]
    token = make(service)
    looked = LOOKS[use](service, token) if use in LOOKS else None
    result = USES[use](service, token)
    if use is own:
        assert isinstance(result, Done) or use is Purpose.PENDING_LOGIN
        assert not isinstance(looked, LinkRefused)
    else:
        assert not isinstance(result, Done | Authenticated)
        assert looked is None or isinstance(looked, LinkRefused)


@pytest.mark.parametrize("made", MAKERS)
def test_a_stolen_key_is_revoked_with_all_that_it_signed(service: Service, made: str) -> None:
    """Once the old secret is out of the ring, links of every purpose and pending logins are dead, and sessions live on (C-39)."""
    service.add("Erkki", email="erkki@example.com", usernames=["erkki"])
    make, use = MAKERS[made]
    token, cookie = make(service), service.token("erkki")
    beside, alone = (replace(service, secrets=secrets) for secrets in ((KEY, OTHER_KEY), (OTHER_KEY,)))
    if use is Purpose.PENDING_LOGIN:
        assert isinstance(beside.auth.login.submit_password(token, PASSWORD), Authenticated)
        assert alone.auth.login.submit_password(token, PASSWORD) == Refused(Problem(Code.LOGIN_EXPIRED))
    else:
        assert isinstance(LOOKS[use](beside, token), LinkLive)
        for answer in (LOOKS[use], USES[use]):
            assert answer(alone, token) == LinkRefused(Problem(Code.LINK_INVALID))
    assert alone.is_live(cookie)


def test_a_commit_whose_outcome_was_lost_can_be_repeated(service: Service) -> None:
    """The connection drops after COMMIT: the repeated commit is answered as committed, and done once (C-25)."""
    service.add("Erkki", email="erkki@example.com")
    token = _reset(service)
    lost: list[object] = []

    def losing(answer: Callable[..., object]) -> Callable[..., object]:
        def commit(changes: object) -> object:
            outcome = answer(changes)
            if not lost:
                lost.append(outcome)
                raise StoreUnavailableError
            return outcome

        return commit

    with stepping_in(service.auth, AccountStore.commit, losing):
        assert isinstance(service.auth.recovery.complete(token, NEW), Done)
    assert len(lost) == 1
    assert service.is_live(service.token("erkki@example.com", NEW))
    assert service.subjects("erkki@example.com").count("salasanasi on vaihdettu") == 1


@pytest.mark.parametrize("purpose", [Purpose.RESET, Purpose.EMAIL_CHANGE, Purpose.EMAIL_UNDO])
def test_a_token_without_an_account_does_nothing_to_one(service: Service, purpose: Purpose) -> None:
    """A one-time token that names no account, whatever address it holds, opens none (B-33)."""
    service.add("Erkki", email="erkki@example.com")
    name = id_of(bytes(16))
    expires = NOON + timedelta(minutes=30)
    one_time_token = OneTimeToken(digest_of_id(name) or b"", purpose, None, None, "erkki@example.com", NOON, expires)
    service.store.commit([TokenIssued(one_time_token)])
    token = deployment().signer.sign(purpose, {"token_id": name}, NOON)
    assert isinstance(LOOKS[purpose](service, token), LinkRefused | LinkLive)
    assert isinstance(USES[purpose](service, token), LinkRefused)


def past_its_own_end(service: Service) -> tuple[str, Service]:
    """A link that was issued for an hour, 61 minutes ago, and the service under a policy of two hours."""
    service.add("Erkki", email="erkki@example.com")
    token = _reset(service)
    longer = replace(POLICY, links=LinkPolicy(reset=timedelta(hours=2)))
    later = Service(store=service.store, clock=service.clock, policy=longer)
    service.wait(minutes=61)
    return token, later


def test_a_links_own_end_counts_when_the_policy_grew_longer(service: Service) -> None:
    """A link that was issued for an hour dies after an hour, though new ones live for two (B-27, C-31)."""
    token, later = past_its_own_end(service)
    assert later.auth.recovery.complete(token, NEW) == LinkRefused(Problem(Code.LINK_EXPIRED))


def test_an_address_that_the_rules_refuse_meanwhile_is_a_dead_link(service: Service) -> None:
    """A link to an address that today's rules refuse takes nothing into use, and raises nothing."""
    lenient = replace(POLICY, identifiers=IdentifierPolicy(mailer_supports_smtputf8=True))
    before = Service(store=service.store, clock=service.clock, policy=lenient, mailer=service.mailer)
    before.add("Erkki", email="erkki@example.com")
    live = before.auth.sessions.check(before.token("erkki@example.com"))
    assert live is not None
    before.auth.accounts.change_email(live, "väinö@example.com")
    change = before.link("väinö@example.com")
    before.auth.accounts.sign_up("åsa@example.com")
    sign_up = before.link("åsa@example.com")
    assert isinstance(service.auth.accounts.confirm_email(change), LinkRefused)
    assert isinstance(service.auth.accounts.confirm_sign_up(sign_up, "Åsa", NEW), LinkRefused)


def test_an_undo_that_was_overtaken_does_nothing(service: Service) -> None:
    """The same undo link, used once more between looking and committing (C-01)."""
    service.add("Erkki", email="erkki@example.com")
    undo = _email_undo(service)
    first: list[object] = []
    with happening_before(
        service.auth, AccountStore.commit, lambda: first.append(service.auth.accounts.undo_email(undo))
    ):
        assert isinstance(service.auth.accounts.undo_email(undo), LinkRefused)
    assert isinstance(first[0], Done)


def test_an_account_of_an_unknown_realm_is_invited_without_a_login_name(service: Service) -> None:
    """What signs in with nothing has no login name, and nothing raises (ASVS 16.5.1)."""
    guest = Account(AccountId("guest"), "guest", "Vieras", contact="guest@example.com")
    service.plant(guest, AccountIdentifier(Identifier("username", "vieras", "1:vieras")))
    assert not isinstance(service.auth.accounts.invite(guest.id), AccountRefused)
    assert service.auth.recovery.inspect(service.link("guest@example.com")) == LinkLive(Purpose.INVITATION, "")


@pytest.mark.parametrize("made", ["reset", "sign_up", "email_change"])
def test_a_use_that_was_overtaken_does_nothing(service: Service, made: str) -> None:
    """The same link, used once more between looking and committing: the later commit loses (C-01, F4)."""
    service.add("Erkki", email="erkki@example.com")
    make, purpose = MAKERS[made]
    token = make(service)
    first: list[object] = []
    with happening_before(service.auth, AccountStore.commit, lambda: first.append(USES[purpose](service, token))):
        assert isinstance(USES[purpose](service, token), LinkRefused)
    assert isinstance(first[0], Done)


@pytest.mark.parametrize("made", ["reset", "sign_up", "email_change", "email_undo"])
def test_a_used_link_that_is_used_again_is_in_the_audit_trail(service: Service, made: str) -> None:
    """A refused use is recorded once, a forged token and a mere look never (B-55, ASVS 16.3.1)."""
    service.add("Erkki", email="erkki@example.com")
    make, purpose = MAKERS[made]
    token = make(service)
    USES[purpose](service, token)
    USES[purpose](service, token)
    USES[purpose](service, token[:-9] + "forgeries")
    LOOKS[purpose](service, token)
    assert [event.what for event in service.audit.events].count(AuditEventType.LINK_REFUSED) == 1


@pytest.mark.parametrize("made", [name for name in MAKERS if name != "pending_login"])
def test_an_expired_link_that_is_used_is_in_the_audit_trail(service: Service, made: str) -> None:
    """A refused use of an expired link is recorded, a look never, and repeating it cannot fill the trail."""
    service.add("Erkki", email="erkki@example.com")
    make, purpose = MAKERS[made]
    token = make(service)
    service.wait(days=31)

    def recorded() -> int:
        return [event.what for event in service.audit.events].count(AuditEventType.LINK_REFUSED)

    assert LOOKS[purpose](service, token) == LinkRefused(Problem(Code.LINK_EXPIRED))
    assert recorded() == 0
    assert USES[purpose](service, token) == LinkRefused(Problem(Code.LINK_EXPIRED))
    assert recorded() == 1
    for _ in range(30):
        USES[purpose](service, token)
    assert recorded() == POLICY.throttle.refusals_recorded[0].count


def test_a_link_that_outlived_its_own_end_is_in_the_audit_trail(service: Service) -> None:
    """A link whose stored end has passed is recorded as well, where the signature still holds."""
    token, later = past_its_own_end(service)
    later.auth.recovery.complete(token, NEW)
    assert [event.what for event in later.audit.events].count(AuditEventType.LINK_REFUSED) == 1
