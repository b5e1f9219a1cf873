"""Accounts, for a host and its customer service: all of one, or nothing."""

from dataclasses import replace
from typing import Any

import pytest

from cityauth import AccountRecord, AccountRefused, NewAccount, UsageError
from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.answers import Refused
from cityauth.core.audit import AuditEventType
from cityauth.core.changes import AccountAdded, Committed, ContactChanged, Precondition, Rejected
from cityauth.core.client import ClientContext
from cityauth.core.identifiers import BUILT_IN, Malformed
from cityauth.core.resolution import IdentifierStatus
from cityauth.flows.accounts import add, disable
from cityauth.policy import IdentifierPolicy
from cityauth.policy.realms import Phase
from cityauth.ports.services import AuditSink, Clock, Entropy
from cityauth.ports.stores import AccountStore
from cityauth.testing import race
from tests.support.deployments import deployment
from tests.support.fakes import NOON, SeededEntropy
from tests.support.recording import happening_before, stepping_in
from tests.support.service import CARD, POLICY, Service
from tests.support.stores import MakeStore
from tests.support.tracing import trace

ID, TAKEN = AccountId("erkki"), Precondition.IDENTIFIER_TAKEN


def test_an_account_is_added_whole(service: Service) -> None:
    """Everything that was given is stored and shown to customer service, the hash excepted (B-74)."""
    account = service.add(
        "Erkki",
        email="Erkki@Example.com",
        usernames=["Erkki", "erkki_83"],
        retired_usernames=["eki"],
        language="sv",
        phase=Phase.BOTH,
    )
    assert account == Account(
        AccountId("erkki"), "citizen", "Erkki", "sv", contact="Erkki@example.com", phase=Phase.BOTH
    )
    record = service.auth.accounts.show(account.id)
    assert isinstance(record, AccountRecord)
    assert record.account == account
    assert [(one.identifier.kind, one.identifier.shown, one.status) for one in record.account_identifiers] == [
        ("email", "Erkki@Example.com", IdentifierStatus.ACTIVE),
        ("username", "Erkki", IdentifierStatus.ACTIVE),
        ("username", "erkki_83", IdentifierStatus.ACTIVE),
        ("username", "eki", IdentifierStatus.RETIRED),
    ]
    assert "argon2" not in repr(record)


def test_an_account_id_is_random_and_never_the_same(service: Service) -> None:
    """Without an id of the host's own, it is 120 random bits."""
    ids = {service.auth.accounts.add(NewAccount("X")).id for _ in range(5)}  # type: ignore[union-attr]
    assert len(ids) == 5
    assert all(len(one) == 24 and one.isalnum() for one in ids)


def test_an_account_without_a_password_has_none(service: Service) -> None:
    """No password is no hash, and not the hash of nothing (B-73, B-72)."""
    service.add("Erkki", email="erkki@example.com", password=None)
    (found,) = service.store.find(["1:erkki@example.com"])
    assert found.password_hash is None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"email": "e@example.com", "usernames": ["e@example.com"]}, [("email", "e@example.com", "active")]),
        ({"email": "E@example.com", "usernames": ["e@EXAMPLE.com"]}, [("email", "E@example.com", "active")]),
        ({"email": "e@example.com", "retired_usernames": ["e@example.com"]}, [("email", "e@example.com", "active")]),
        ({"usernames": ["e", "E", "other"]}, [("username", "e", "active"), ("username", "other", "active")]),
        ({"usernames": ["E"], "retired_usernames": ["e"]}, [("username", "E", "active")]),
        ({"retired_usernames": ["e", "E"]}, [("username", "e", "retired")]),
        (
            {"identifiers": [("email", "e@example.com")], "usernames": ["e@example.com"]},
            [("email", "e@example.com", "active")],
        ),
    ],
    ids=lambda value: ascii(value)[:50] if isinstance(value, dict) else "",
)
def test_equal_keys_of_one_account_are_one_identifier(
    service: Service, given: dict[str, Any], kept: list[tuple[str, str, str]]
) -> None:
    """A username that equals the own e-mail address, or another spelling of it, is no conflict (F5)."""
    account = service.add("Erkki", **given)
    record = service.auth.accounts.show(account.id)
    assert isinstance(record, AccountRecord)
    assert [(one.identifier.kind, one.identifier.shown, one.status) for one in record.account_identifiers] == kept


@pytest.mark.parametrize(
    ("given", "why", "entered"),
    [
        ({"email": "a@b.fi,c@d.fi"}, "not_an_address", "a@b.fi,c@d.fi"),
        ({"email": ["a@b.fi", "c@d.fi"]}, "not_text", ["a@b.fi", "c@d.fi"]),
        ({"email": ""}, "empty", ""),
        ({"email": "a\uff20b.fi"}, "forbidden_character", "a\uff20b.fi"),
        ({"usernames": ["good", "a\0b"]}, "forbidden_character", "a\0b"),
        ({"usernames": ["\ud800"]}, "forbidden_character", "\ud800"),
        ({"usernames": ["x" * 1025]}, "too_long", "x" * 1025),
        ({"retired_usernames": [" "]}, "empty", " "),
        ({"usernames": ["Erkki"]}, "identifier_taken", "Erkki"),
        ({"usernames": ["ERKKI@example.COM"]}, "identifier_taken", "ERKKI@example.COM"),
        ({"email": "erkki@example.com", "usernames": ["free"]}, "identifier_taken", "erkki@example.com"),
        ({"usernames": ["free", "eki"]}, "identifier_taken", "eki"),
        ({"id": "erkki"}, "account_exists", ""),
    ],
    ids=lambda value: ascii(value)[:30] if isinstance(value, dict) else "",
)
def test_an_account_is_refused_whole(service: Service, given: dict[str, Any], why: str, entered: object) -> None:
    """One bad or taken identifier, over kinds and retired ones too, and nothing is written (B-5, B-6, B-11, C-47, F5)."""
    service.add("Erkki", email="erkki@example.com", usernames=["erkki"], retired_usernames=["eki"])
    told = len(service.audit.events)
    holder = "erkki" if why == "identifier_taken" and entered else None
    expected = AccountRefused(why, entered, holder)  # type: ignore[arg-type]  # plain text stands for enumeration and id
    assert service.auth.accounts.add(NewAccount("New", **{"id": "new", **given})) == expected
    assert service.auth.accounts.show(AccountId("new")) is None
    assert len(service.audit.events) == told
    assert not service.store.find(["1:fresh@example.com", "1:good"])


def test_a_realm_that_the_policy_lacks_is_a_mistake(service: Service) -> None:
    """The host is told at once, before anything is written."""
    with pytest.raises(UsageError, match="'guest' is not in the policy"):
        service.auth.accounts.add(NewAccount("Guest", realm="guest"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"usernames": "erkki"}, "not one text"),
        ({"retired_usernames": "erkki"}, "not one text"),
        ({"language": "de"}, "'de' is none of fi, sv, en"),
        ({"usernames": None}, "are a list of names"),
    ],
    ids=["usernames", "retired usernames", "language", "none"],
)
def test_what_can_never_be_right_is_a_mistake(service: Service, given: dict[str, Any], said: str) -> None:
    """A name where a list of names belongs is not taken for its letters, and a language has texts (B-66, ASVS 15.3.5)."""
    with pytest.raises(UsageError, match=said):
        service.auth.accounts.add(NewAccount("Guest", id="guest", **given))
    assert service.auth.accounts.show(AccountId("guest")) is None
    assert not service.store.find(["1:e", "1:r", "1:k", "1:i"])


def test_one_identifier_goes_to_one_account(service: Service) -> None:
    """Of sixteen threads that take one name as username or address, one gets it (B-11, C-06, C-07, ASVS 15.4.2)."""
    names = ["Erkki@example.com", "erkki@EXAMPLE.com"]
    new = [
        NewAccount(str(n), usernames=[names[n % 2]]) if n % 4 < 2 else NewAccount(str(n), email=names[n % 2])
        for n in range(16)
    ]
    outcomes = race([lambda one=one: service.auth.accounts.add(one) for one in new])  # type: ignore[misc]
    assert sum(isinstance(outcome, Account) for outcome in outcomes) == 1
    assert {outcome.why for outcome in outcomes if isinstance(outcome, AccountRefused)} == {"identifier_taken"}


def test_an_account_is_disabled_and_enabled(service: Service) -> None:
    """Each is a compare-and-set that says so when it was done already, is audited with the client, and ends the epoch (ASVS 7.4.2, 16.3.1)."""
    account = service.add("Erkki")
    client = ClientContext("192.0.2.9")
    disabled = service.auth.accounts.disable(account.id, client=client)
    assert isinstance(disabled, Account)
    assert (disabled.status, disabled.epoch) == (Status.DISABLED, 1)
    assert service.auth.accounts.disable(account.id) == AccountRefused("status_changed")  # type: ignore[arg-type]
    enabled = service.auth.accounts.enable(account.id)
    assert isinstance(enabled, Account)
    assert (enabled.status, enabled.epoch) == (Status.ACTIVE, 1)
    assert service.auth.accounts.enable(account.id) == AccountRefused("status_changed")  # type: ignore[arg-type]
    assert [event.what for event in service.audit.events[-2:]] == [
        AuditEventType.ACCOUNT_DISABLED,
        AuditEventType.ACCOUNT_ENABLED,
    ]
    assert service.audit.events[-2].address == "192.0.2.9"


@pytest.mark.parametrize("nobody", ["nobody", "", "x" * 1000])
def test_nobody_is_neither_shown_nor_disabled(service: Service, nobody: str) -> None:
    """An unknown id is told as missing, and nothing is written (C-47)."""
    assert service.auth.accounts.show(AccountId(nobody)) is None
    assert service.auth.accounts.disable(AccountId(nobody)) == AccountRefused("account_missing")  # type: ignore[arg-type]
    assert service.auth.accounts.enable(AccountId(nobody)) == AccountRefused("account_missing")  # type: ignore[arg-type]
    assert service.audit.events == []


def test_of_many_that_disable_one_does(service: Service) -> None:
    """Eight threads disable one account: one is told that it did, and one epoch passes (ASVS 15.4.2)."""
    account = service.add("Erkki")
    outcomes = race([lambda: service.auth.accounts.disable(account.id)] * 8)
    assert sum(isinstance(outcome, Account) for outcome in outcomes) == 1
    record = service.auth.accounts.show(account.id)
    assert record is not None
    assert record.account.epoch == 1


def test_an_account_that_is_erased_meanwhile_is_missing() -> None:
    """Between the commit and the answer the account may go; that is told, not raised (ASVS 16.5.3)."""
    answers = {
        Clock.now: NOON,
        Entropy.draw: bytes(12),
        AccountStore.commit: Committed(),
        AuditSink.emit: None,
        AccountStore.load: None,
    }
    assert trace(disable(AccountId("erkki")), answers).result == AccountRefused("account_missing")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "  ", "a\r\nBcc: b", "a\u202eb", "\ud800", "a" * 151])
def test_a_name_that_no_page_may_show_is_refused(service: Service, name: str) -> None:
    """An imported name is held to the rules of a typed one (B-9, B-92)."""
    refused = service.auth.accounts.add(NewAccount(name, email="erkki@example.com"))
    assert isinstance(refused, AccountRefused)
    assert refused.entered == name


@pytest.mark.parametrize("contact", ["", "home", "a@b.fi, c@d.fi", "A <a@b.fi>", "a@b.fi\r\nBcc: c@d.fi"])
def test_mail_can_go_to_one_plain_address_only(service: Service, contact: str) -> None:
    """A contact that is no single address is refused when the account is added, not when mail is due (B-5, B-7)."""
    refused = service.auth.accounts.add(NewAccount("Erkki", usernames=["erkki"], contact=contact))
    assert isinstance(refused, AccountRefused)
    assert (refused.entered, refused.about) == (contact, "contact")


@pytest.mark.parametrize(
    ("given", "about"),
    [
        ({"display_name": " "}, "display_name"),
        ({"email": "erkki"}, "email"),
        ({"usernames": ["erkki", ""]}, "usernames"),
        ({"retired_usernames": ["a\0b"]}, "retired_usernames"),
        ({"identifiers": [("username", "")]}, "identifiers"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_refusal_says_what_it_is_about(service: Service, given: dict[str, Any], about: str) -> None:
    """The host learns which of its values was refused, so that an empty one can be found."""
    refused = service.auth.accounts.add(NewAccount(**{"display_name": "Erkki", **given}))
    assert isinstance(refused, AccountRefused)
    assert refused.about == about


@pytest.mark.parametrize(
    ("contact", "stored"),
    [
        (" erkki@example.com\n", "erkki@example.com"),
        ("\t\r\nErkki@Example.COM ", "Erkki@example.com"),
        ("erkki@sähkö.example", "erkki@xn--shk-qla6g.example"),
        ("erkki@SÄHKÖ.example", "erkki@xn--shk-qla6g.example"),
        ("erkki@sa\u0308hko\u0308.example", "erkki@xn--shk-qla6g.example"),
        ("erkki@ｅｘａｍｐｌｅ．com", "erkki@example.com"),
        ("erkki@xn--shk-qla6g.example", "erkki@xn--shk-qla6g.example"),
        ("erkki@пример.example", "erkki@xn--e1afmkfd.example"),
    ],
)
def test_a_contact_is_stored_as_mail_reaches_it(service: Service, contact: str, stored: str) -> None:
    """Outer blanks are dropped and the domain is in A-labels, so that a mail to it is taken by any server."""
    account = service.add("Erkki", usernames=["erkki"], contact=contact)
    assert account.contact == stored
    shown = service.auth.accounts.show(account.id)
    assert shown is not None
    assert shown.account.contact == stored
    service.auth.recovery.request("erkki")
    service.link(stored)


def test_a_contact_that_the_mailer_cannot_reach_is_refused(service: Service) -> None:
    """Without SMTPUTF8 every mail to it would be abandoned; a deployment that has SMTPUTF8 takes it."""
    new = NewAccount("Päivi", usernames=["päivi"], contact="päivi@example.com")
    assert service.auth.accounts.add(new) == AccountRefused(Malformed.NEEDS_SMTPUTF8, "päivi@example.com")
    able = Service(policy=replace(POLICY, identifiers=IdentifierPolicy(mailer_supports_smtputf8=True)))
    assert able.add("Päivi", usernames=["päivi"], contact="päivi@example.com").contact == "päivi@example.com"


@pytest.mark.parametrize(
    "stored",
    [
        "my plain password",
        "x" * 10_000_000,
        "$argon2id$v=19$m=2097152,t=4294967295,p=1$c29tZXNhbHQ$" + "A" * 43,
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AA\0A",
        "",
        "!unusable",
        7,
        b"bytes",
    ],
    ids=lambda stored: str(stored)[:24].replace("\0", "NUL"),
)
def test_only_a_hash_that_could_be_verified_is_stored(service: Service, stored: Any) -> None:
    """A plain password, a bomb, a torn hash or no text at all is the caller's mistake, and nothing is stored (C-48)."""
    with pytest.raises(UsageError, match="password_hash"):
        service.auth.accounts.add(NewAccount("Erkki", id="erkki", usernames=["erkki"], password_hash=stored))
    assert service.auth.accounts.show(AccountId("erkki")) is None


@pytest.mark.parametrize("given", ["", "a\0b", "a\u202eb", "x" * 256, 7, ["x"], "a\nb", "\ud800"], ids=ascii)
def test_an_id_is_printable_text(service: Service, given: Any) -> None:
    """What cannot be printed or indexed is no account's id (C-47)."""
    with pytest.raises(UsageError, match="an account's id"):
        service.auth.accounts.add(NewAccount("Erkki", id=given, usernames=["erkki"]))


@pytest.mark.parametrize("phase", ["both", "rubbish", 1, True])
def test_a_phase_is_a_phase(service: Service, phase: Any) -> None:
    """A text that looks like a phase would fail only when the person signs in: it is refused at once."""
    with pytest.raises(UsageError, match="the phase"):
        service.auth.accounts.add(NewAccount("Erkki", id="erkki", usernames=["erkki"], phase=phase))
    assert service.auth.accounts.show(AccountId("erkki")) is None


def test_an_identifier_of_a_hosts_own_kind_is_registered(make_store: MakeStore) -> None:
    """The card goes through the kind's own rules, the tombstones and the trail, as an address does (B-11)."""
    service = Service(store=make_store(), kinds=(*BUILT_IN, CARD))
    added = service.auth.accounts.add(NewAccount("Lauri", id="lauri", identifiers=[("card", "2960 1234")]))
    assert isinstance(added, Account)
    assert service.auth.identifiers.resolve("29601234").account == added
    assert [event.what for event in service.store.events(added.id)] == [AuditEventType.ACCOUNT_ADDED]
    twin = service.auth.accounts.add(NewAccount("Lauri", identifiers=[("card", "29601234")]))
    assert twin == AccountRefused(Precondition.IDENTIFIER_TAKEN, "29601234", AccountId("lauri"))
    refused = service.auth.accounts.add(NewAccount("Lauri", identifiers=[("card", "a\0")]))
    assert refused == AccountRefused(Malformed.FORBIDDEN_CHARACTER, "a\0")


@pytest.mark.parametrize("given", [[("library", "1")], ["card"], [("card",)], [("card", "1", "2")], [7]], ids=ascii)
def test_an_identifier_is_of_a_kind(service: Service, given: Any) -> None:
    """A kind that the deployment does not have is the caller's mistake, and named."""
    with pytest.raises(UsageError, match="the kinds are email, username"):
        service.auth.accounts.add(NewAccount("Lauri", identifiers=given))


@pytest.mark.parametrize("order", [True, False], ids=["e-mail too", "username alone"])
@pytest.mark.parametrize("name", ["virve@kaupunki.example", "VIRVE@Kaupunki.example"])
def test_an_official_whose_username_is_the_own_address_signs_in(service: Service, name: str, order: bool) -> None:
    """Where no e-mail address signs in, a username that equals the person's own address stays a username (F5)."""
    given = "virve@kaupunki.example" if order else None
    added = service.auth.accounts.add(
        NewAccount("Virve Virkailija", realm="official", email=given, contact=given, usernames=[name])
    )
    assert isinstance(added, Account)
    found = service.auth.identifiers.resolve("virve@kaupunki.example")
    assert (found.outcome, found.kind) == ("resolved", "username")


def test_a_refusal_names_nobody_when_the_identifier_is_free_again() -> None:
    """Its holder left between the commit and the look-up: the account is refused, and no holder is named."""
    deployment_, taken = deployment(), Rejected(AccountAdded(Account(ID, "citizen", "E"), (), None, NOON), TAKEN)
    answers = {
        Clock.now: NOON,
        Entropy.draw: bytes(16),
        AccountStore.commit: taken,
        AccountStore.find: [(), ()],
        AccountStore.has_tombstone: [False, False],
    }
    new = NewAccount("Erkki", id="erkki", usernames=["erkki", "eki"])
    traced = trace(add(deployment_, new), answers)
    assert traced.result == AccountRefused(TAKEN)
    assert len(traced.asked(AccountStore.has_tombstone)) == 2


def test_only_the_second_identifier_of_an_erased_account_is_named(service: Service) -> None:
    """Of two identifiers, one free and one that an erased account had, the refusal names the latter."""
    service.add("Erkki", usernames=["erkki"])
    service.auth.accounts.delete(service.live(service.token("erkki")))
    refused = service.auth.accounts.add(NewAccount("New", usernames=["free", "erkki"]))
    assert refused == AccountRefused(TAKEN, "erkki")


def test_the_mail_of_a_change_of_contact_goes_to_the_contact_that_it_replaced(service: Service) -> None:
    """Of two changes at one moment each tells the address that it really replaced."""
    service.add("Erkki", email="erkki@example.com", contact="first@example.com")
    other = Service(store=service.store, clock=service.clock, entropy=SeededEntropy(b"other"))
    with happening_before(
        service.auth, AccountStore.commit, lambda: other.auth.accounts.change_contact(ID, "second@example.com")
    ):
        changed = service.auth.accounts.change_contact(ID, "third@example.com")
    assert isinstance(changed, Account)
    assert changed.contact == "third@example.com"
    service.auth.outbox.flush()
    assert [mail.to for mail in service.mailer.sent()] == ["first@example.com", "second@example.com"]


def test_a_change_of_contact_gives_up_when_others_change_it_again_and_again(service: Service) -> None:
    """Five times overtaken: nothing is written and no mail leaves, and customer service is told."""
    service.add("Erkki", email="erkki@example.com")
    rejected = Rejected(ContactChanged(ID, None), Precondition.CONTACT_CHANGED)
    with stepping_in(service.auth, AccountStore.commit, lambda _: lambda _changes: rejected):
        assert service.auth.accounts.change_contact(ID, "new@example.com") == AccountRefused("contact_changed")  # type: ignore[arg-type]
    assert service.subjects() == []


def test_a_change_of_contact_of_an_account_that_is_erased_meanwhile(service: Service) -> None:
    """The account goes between the look-up and the commit: that is told, and nothing is written."""
    service.add("Erkki", email="erkki@example.com")
    live = service.live(service.token("erkki@example.com"))
    other = Service(store=service.store, clock=service.clock, entropy=SeededEntropy(b"other"))
    with happening_before(service.auth, AccountStore.commit, lambda: other.auth.accounts.delete(live)):
        assert service.auth.accounts.change_contact(ID, "new@example.com") == AccountRefused("account_missing")  # type: ignore[arg-type]
    assert "new@example.com" not in {mail.to for mail in service.mailer.sent()}


@pytest.mark.parametrize("language", ["fi", "sv", "en"])
@pytest.mark.parametrize("about", ["display_name", "email", "contact", "usernames", "identifiers", ""])
def test_every_refusal_of_an_account_has_a_sentence(about: str, language: str) -> None:
    """A page of customer service can show any of them, in each language, as it shows every other refusal."""
    for why in [*Malformed, *Precondition]:
        refused = AccountRefused(why, "x", about=about)
        assert isinstance(refused, Refused)
        assert refused.problem.text(language)
        assert refused.problems == (refused.problem,)
