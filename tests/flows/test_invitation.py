"""Invitations: the first password is the person's own, set by a link."""

import pytest

from cityauth import AccountRefused, Problem
from cityauth.core.accounts import Account, AccountId
from cityauth.core.answers import Done, Refused
from cityauth.core.audit import AuditEventType
from cityauth.core.changes import Precondition
from cityauth.core.client import ClientContext
from cityauth.core.identifiers import Malformed
from cityauth.core.links import LinkLive, LinkRefused
from cityauth.core.signing import Purpose
from cityauth.flows.invitation import Invited
from cityauth.messages.codes import Code
from tests.support.service import Service

NEW = "kutsutun oma pitkä salasana"
VIRVE = AccountId("virve")


def test_an_invitation_sets_the_first_password(service: Service) -> None:
    """Single use, mailed to the account's address, naming its login name (ASVS 6.4.1, 6.4.6)."""
    service.add("Virve", email="virve@example.com", password=None)
    invited = service.auth.accounts.invite(VIRVE)
    assert isinstance(invited, Invited)
    assert invited.mailed_to == "virve@example.com"
    assert invited.link is None, "an administrator needs no link that was mailed"
    token = service.link("virve@example.com")
    assert service.auth.recovery.inspect(token) == LinkLive(Purpose.INVITATION, "virve@example.com")
    assert isinstance(service.auth.recovery.complete(token, NEW), Done)
    assert isinstance(service.auth.recovery.complete(token, NEW), LinkRefused)
    assert service.is_live(service.token("virve@example.com", NEW))


def test_an_official_without_an_address_is_handed_the_link(service: Service) -> None:
    """Without an address no mail is queued, and the link itself is returned."""
    service.add("Virve", realm="official", usernames=["virve.v"], password=None)
    invited = service.auth.accounts.invite(VIRVE)
    assert isinstance(invited, Invited)
    assert invited.mailed_to is None
    assert service.auth.outbox.status().waiting == 0
    assert "token" not in repr(invited)
    assert invited.link is not None
    token = invited.link.get_secret_value().partition("token=")[2]
    assert isinstance(service.auth.recovery.complete(token, NEW), Done)
    assert service.is_live(service.token("virve.v", NEW))


def test_a_newer_invitation_kills_the_older(service: Service) -> None:
    """Only the newest link works, and for 24 hours (NIST 4.2.1.2)."""
    service.add("Virve", email="virve@example.com", password=None)
    links = []
    for _ in range(2):
        assert isinstance(service.auth.accounts.invite(VIRVE), Invited)
        links.append(service.link("virve@example.com"))
    older, newer = links
    assert isinstance(service.auth.recovery.inspect(older), LinkRefused)
    assert isinstance(service.auth.recovery.inspect(newer), LinkLive)
    service.wait(hours=24)
    assert isinstance(service.auth.recovery.inspect(newer), LinkRefused)


def test_nobody_and_disabled_accounts_are_not_invited(service: Service) -> None:
    """A missing or disabled account is refused, and nothing is queued (B-88)."""
    assert service.auth.accounts.invite(VIRVE) == AccountRefused(Precondition.ACCOUNT_MISSING)
    service.add("Virve", email="virve@example.com", password=None)
    service.auth.accounts.disable(VIRVE)
    assert service.auth.accounts.invite(VIRVE) == AccountRefused(Precondition.STATUS_CHANGED)
    assert service.auth.outbox.status().waiting == 0


def test_a_dead_address_gets_no_invitation(service: Service) -> None:
    """Where customer service knows that the address is dead, nothing is mailed and the link is handed over."""
    service.add("Virve", email="virve@example.com", password=None)
    invited = service.auth.accounts.invite(VIRVE, by_mail=False)
    assert isinstance(invited, Invited)
    assert invited.link is not None
    assert invited.mailed_to is None
    assert service.auth.outbox.status().waiting == 0
    token = invited.link.get_secret_value().partition("token=")[2]
    assert isinstance(service.auth.recovery.complete(token, NEW), Done)


def test_customer_service_changes_the_contact(service: Service) -> None:
    """Mail goes to the new address, the old one is told, and every session and mailed link of before is over."""
    service.add("Virve", realm="official", usernames=["virve.v"], contact="vanha@example.com")
    token = service.token("virve.v")
    service.auth.recovery.request("virve.v")
    link = service.link("vanha@example.com")
    changed = service.auth.accounts.change_contact(VIRVE, " Uusi@ESIMERKKI.fi\n")
    assert isinstance(changed, Account)
    assert changed.contact == "Uusi@esimerkki.fi"
    assert service.subjects("vanha@example.com")[-1] == "viestit lähetetään jatkossa toiseen osoitteeseen"
    assert not service.is_live(token)
    assert isinstance(service.auth.recovery.inspect(link), LinkRefused)
    assert service.audit.events[-1].what is AuditEventType.CONTACT_CHANGED
    invited = service.auth.accounts.invite(VIRVE)
    assert isinstance(invited, Invited)
    assert invited.mailed_to == "Uusi@esimerkki.fi"
    removed = service.auth.accounts.change_contact(VIRVE, None)
    assert isinstance(removed, Account)
    assert removed.contact is None
    handed = service.auth.accounts.invite(VIRVE)
    assert isinstance(handed, Invited)
    assert handed.link is not None


@pytest.mark.parametrize("contact", ["", " ", "virve", "a@b.fi, c@d.fi", 7], ids=ascii)
def test_a_contact_that_is_no_address_changes_nothing(service: Service, contact: object) -> None:
    """What mail cannot reach is refused with its reason, and so is an account that does not exist."""
    service.add("Virve", realm="official", usernames=["virve.v"], contact="vanha@example.com")
    refused = service.auth.accounts.change_contact(VIRVE, contact)
    assert isinstance(refused, AccountRefused)
    assert isinstance(refused.why, Malformed)
    record = service.auth.accounts.show(VIRVE)
    assert record is not None
    assert record.account.contact == "vanha@example.com"
    missing = service.auth.accounts.change_contact(AccountId("nobody"), "a@example.com")
    assert missing == AccountRefused(Precondition.ACCOUNT_MISSING)


def test_a_mailbox_gets_so_many_invitations_and_no_more(service: Service) -> None:
    """By way of many accounts and tags one mailbox gets three invitations a minute; the next is declined, and writes nothing."""
    ids = [
        service.add(f"P{number}", usernames=[f"p{number}"], contact=f"office+{number}@example.com").id
        for number in range(5)
    ]
    answers = [service.auth.accounts.invite(one) for one in ids]
    assert [isinstance(one, Invited) for one in answers] == [True, True, True, False, False]
    assert answers[3:] == [Refused(Problem(Code.THROTTLE_REQUEST))] * 2
    assert len(service.subjects()) == 3
    assert not [event for event in service.store.events(ids[4]) if event.what == "account.invited"]
    handed_over = service.auth.accounts.invite(ids[4], by_mail=False)
    assert isinstance(handed_over, Invited)
    assert handed_over.link is not None
    service.wait(minutes=1)
    assert isinstance(service.auth.accounts.invite(ids[3]), Invited)


def test_strangers_keep_nobody_from_being_invited(service: Service) -> None:
    """Requests of strangers fill the mailbox's budget, and customer service invites the person all the same."""
    account = service.add("Erkki", email="erkki@example.com")
    for number in range(12):
        for ask in (service.auth.recovery.request, service.auth.accounts.sign_up):
            ask("erkki@example.com", client=ClientContext(f"192.0.2.{number}"))
        service.wait(minutes=5)
    assert isinstance(service.auth.accounts.invite(account.id), Invited)
