"""Invitations: the first password is the person's own, set by a link."""

from cityauth import AccountRefused
from cityauth.core.account import AccountId
from cityauth.core.change import Precondition
from cityauth.core.link import Done, LinkDead, LinkLive
from cityauth.core.signing import Purpose
from cityauth.flows.invitation import Invited
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
    assert isinstance(service.auth.recovery.complete(token, NEW), LinkDead)
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
    assert isinstance(service.auth.recovery.inspect(older), LinkDead)
    assert isinstance(service.auth.recovery.inspect(newer), LinkLive)
    service.wait(hours=24)
    assert isinstance(service.auth.recovery.inspect(newer), LinkDead)


def test_nobody_and_disabled_accounts_are_not_invited(service: Service) -> None:
    """A missing or disabled account is refused, and nothing is queued (B-88)."""
    assert service.auth.accounts.invite(VIRVE) == AccountRefused(Precondition.ACCOUNT_MISSING)
    service.add("Virve", email="virve@example.com", password=None)
    service.auth.accounts.disable(VIRVE)
    assert service.auth.accounts.invite(VIRVE) == AccountRefused(Precondition.STATUS_CHANGED)
    assert service.auth.outbox.status().waiting == 0
