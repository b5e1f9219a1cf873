"""What the mails hold, whichever flow queues them: nothing that somebody typed and nobody verified."""

import html
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser

from cityauth.core.answers import Done
from cityauth.core.changes import MailQueued
from cityauth.core.client import ClientContext
from cityauth.core.login import Authenticated
from cityauth.core.mail import QueuedMail, as_html
from cityauth.core.sessions import LiveSession
from cityauth.messages import Mail, text
from cityauth.ports.stores import AccountStore
from tests.support.recording import stepping_in
from tests.support.service import PASSWORD, Service, patient
from tests.support.stores import MakeStore

CANARY = "canary"
TYPED = f'<a href="https://{CANARY}.example/">{CANARY} & co</a>'
OFFICE = "office@example.com"
"""What a stranger types wherever text goes: a tag, and a page of one's own."""
NEW, HOME = "uusi pitkä salasana keväältä", "erkki@example.com"
CLIENT = ClientContext("192.0.2.1", user_agent=TYPED)
NAMING = {Mail.RESET, Mail.INVITATION}
"""The mails that name the account's own login name."""


@contextmanager
def queueing(service: Service) -> Iterator[list[QueuedMail]]:
    """Give a list that fills with every mail that is queued, dummies too."""
    queued: list[QueuedMail] = []

    def keeping(answer: Callable[..., object]) -> Callable[..., object]:
        def commit(changes: list[object]) -> object:
            queued.extend(change.mail for change in changes if isinstance(change, MailQueued))
            return answer(changes)

        return commit

    with stepping_in(service.auth, AccountStore.commit, keeping):
        yield queued


def drive(service: Service) -> None:
    """Let every flow that mails queue its mails, with the canary in all that can be typed."""
    auth, own = service.auth, f"{CANARY}'&b=/own@example.com"
    account = service.add(TYPED, usernames=[TYPED], contact=HOME)
    for unknown in (TYPED, f"{CANARY}'&b=/unknown@example.com"):
        auth.recovery.request(unknown, client=CLIENT)
    auth.accounts.sign_up(f"{CANARY}'&b=/new@example.com", client=CLIENT)
    token = service.link(f"{CANARY}'&b=/new@example.com")
    assert isinstance(auth.accounts.confirm_sign_up(token, TYPED, NEW, client=CLIENT), Done)
    service.wait(minutes=2)
    auth.accounts.sign_up(f"{CANARY}'&b=/new@example.com", client=CLIENT)
    auth.accounts.invite(account.id, client=CLIENT)
    auth.recovery.request(TYPED, client=CLIENT)
    assert isinstance(auth.recovery.complete(service.link(HOME), PASSWORD, client=CLIENT), Done)
    signed_in = auth.accounts.change_password(service.live(service.token(TYPED)), PASSWORD, NEW, client=CLIENT)
    assert isinstance(signed_in, Authenticated)
    auth.accounts.change_email(live(service), own, client=CLIENT)
    assert isinstance(auth.accounts.confirm_email(service.link(own), client=CLIENT), Done)
    assert isinstance(auth.accounts.undo_email(service.link(HOME), client=CLIENT), Done)
    assert isinstance(auth.recovery.complete(service.link(HOME), NEW, client=CLIENT), Done)
    assert isinstance(auth.accounts.delete(live(service), client=CLIENT), Done)
    first, _ = (service.add(name, usernames=[name], contact=OFFICE) for name in ("first", "second"))
    auth.recovery.request(OFFICE, client=CLIENT)
    auth.accounts.change_contact(first.id, None, client=CLIENT)
    guessed = service.add("guessed", usernames=["guessed"], contact=OFFICE)
    for number in range(112):
        service.attempt("guessed", TYPED, client=ClientContext(f"198.51.100.{number}", user_agent=TYPED))
        if number == 11:
            service.sign_in(guessed.id, client=CLIENT)


def live(service: Service) -> LiveSession:
    """A fresh session of the one with the hostile username."""
    found = service.auth.sessions.check(service.token(TYPED, NEW, client=CLIENT))
    assert found is not None
    return found


class Tags(HTMLParser):
    """Every tag of a page with its attributes.

    Attributes:
        found: The tags in order.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.found.append((tag, dict(attrs)))


def test_no_mail_of_any_flow_echoes_what_was_typed(make_store: MakeStore) -> None:
    """Names, identifiers and user agents reach no mail; the own stored login name does where it is named, escaped (B-10)."""
    service = Service(store=make_store(), policy=patient(1000))
    with queueing(service) as queued:
        drive(service)
    subjects = {mail: text(mail.subject, "fi", service=service.policy.mail.service) for mail in Mail}
    assert Counter(one.content.subject for one in queued) >= Counter(subjects.values())  # one of each
    for one in queued:
        named = one.content.subject in {subjects[mail] for mail in NAMING}
        body, page = one.content.body, as_html(one.content, one.language)
        assert (body.count(TYPED), page.count(html.escape(TYPED))) == (named, named)
        assert CANARY not in body.replace(TYPED, "") + page.replace(html.escape(TYPED), "")
        tags = Tags(page).found
        assert {tag for tag, _ in tags} <= {"html", "head", "meta", "title", "body", "p", "br", "a"}
        assert all(str(given["href"]).startswith("http://localhost/") for tag, given in tags if tag == "a")
