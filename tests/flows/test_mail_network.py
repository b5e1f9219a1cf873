"""The network's limit on mails is told to the person: nobody is promised a mail that is not sent."""

import pytest

from cityauth import ClientContext, MailAwaited, Refused
from cityauth.messages import Code
from tests.support.recording import recording
from tests.support.service import Service

OFFICE = ClientContext("192.0.2.7")


@pytest.fixture
def office(service: Service) -> Service:
    """Twenty-five people behind one address."""
    for number in range(25):
        service.add(f"P{number}", email=f"p{number}@example.com")
    return service


@pytest.mark.parametrize("how", ["reset", "sign-up", "strangers' resets"])
def test_as_many_mails_are_sent_as_were_promised(office: Service, how: str) -> None:
    """Of twenty-five people behind one address twenty are promised a mail and get it, and five are told to try later (C-54)."""
    answers = []
    for number in range(25):
        if how == "sign-up":
            answers.append(office.auth.accounts.sign_up(f"new{number}@example.com", client=OFFICE))
        else:
            who = "p" if how == "reset" else "nobody"
            answers.append(office.auth.recovery.request(f"{who}{number}@example.com", client=OFFICE))
    assert [isinstance(one, MailAwaited) for one in answers] == [True] * 20 + [False] * 5
    assert {one.problem.code for one in answers if isinstance(one, Refused)} == {Code.THROTTLE_REQUEST}
    while office.auth.outbox.flush().sent:
        pass
    assert len(office.mailer.sent()) == 20
    other = office.auth.recovery.request("p24@example.com", client=ClientContext("192.0.2.8"))
    assert isinstance(other, MailAwaited)
    office.wait(minutes=1)
    assert isinstance(office.auth.recovery.request("p23@example.com", client=OFFICE), MailAwaited)


def test_the_refusal_of_a_network_knows_no_account(office: Service) -> None:
    """Above the network's limit known and unknown are asked and answered alike (B-21, ASVS 6.3.8)."""
    for number in range(20):
        office.auth.recovery.request(f"p{number}@example.com", client=OFFICE)
    for call in (office.auth.recovery.request, office.auth.accounts.sign_up):
        found = []
        for identifier in ("p24@example.com", "nobody@example.com"):
            with recording(office.auth) as asked:
                answer = call(identifier, client=OFFICE)
            found.append((asked, answer))
        assert found[0] == found[1]


def test_a_proof_passes_by_the_network(office: Service) -> None:
    """A signed-in person, and the owner of the mailbox, get a link although the network is used up."""
    live = office.live(office.token("p24@example.com"))
    for number in range(25):
        office.auth.recovery.request(f"p{number}@example.com", client=OFFICE)
    assert isinstance(office.auth.recovery.request("p24@example.com", proof=live, client=OFFICE), MailAwaited)
