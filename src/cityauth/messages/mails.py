"""The mails: what cityauth writes to a person, and how a mail is put together."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from cityauth.messages.catalogue import N_

# Translators: the first line of every mail; without a name, for a name would be text that a stranger chose
OPENING: Final = N_("mail.opening")
# Translators: the end of every mail; {contact} is customer service, {service} the name of the service
CLOSING: Final = N_("mail.closing")


class Mail(Enum):
    """A mail: the codes of its subject and of its body.

    No mail holds text that a stranger may have typed. Every subject has the placeholder ``service``. The comments of
    the members name the placeholders of the bodies.
    """

    RESET = (
        N_("mail.reset.subject"),
        # Translators: {login_name} is the stored login name; {link} is a web address; {valid} such
        # as "1 hour"
        N_("mail.reset.body"),
    )
    NO_ACCOUNT = (
        N_("mail.no_account.subject"),
        # Translators: a reset was asked for an address that has no account
        N_("mail.no_account.body"),
    )
    RESET_DONE = (
        N_("mail.reset_done.subject"),
        # Translators: the password was set by a mailed link; {link} leads to the page for a
        # forgotten password
        N_("mail.reset_done.body"),
    )
    SIGNUP = (
        N_("mail.signup.subject"),
        # Translators: {link} finishes the creation of an account; {valid} such as "1 hour"
        N_("mail.signup.body"),
    )
    ADDRESS_TAKEN = (
        N_("mail.address_taken.subject"),
        # Translators: an account was asked for an address that has one; {link} leads to the page
        # for a forgotten password
        N_("mail.address_taken.body"),
    )
    EMAIL_CHANGE = (
        N_("mail.email_change.subject"),
        # Translators: to the new address; {link} confirms it; {valid} such as "2 hours"
        N_("mail.email_change.body"),
    )
    EMAIL_CHANGED = (
        N_("mail.email_changed.subject"),
        # Translators: to the old address; {email} is the new one, masked; {link} undoes the change;
        # {valid} such as "7 days"
        N_("mail.email_changed.body"),
    )
    EMAIL_RESTORED = (
        N_("mail.email_restored.subject"),
        # Translators: a change of address was undone; {email} is the one that signs in again, masked. In the mail to
        # that address {link} sets a new password, once; to other addresses it leads to the page that asks for a link
        N_("mail.email_restored.body"),
    )
    PASSWORD_CHANGED = (
        N_("mail.password_changed.subject"),
        # Translators: the signed-in person changed the password; {link} leads to the page for a
        # forgotten password
        N_("mail.password_changed.body"),
    )
    PASSWORD_DISABLED = (
        N_("mail.password_disabled.subject"),
        # Translators: {count} sign-ins failed in a row, 10 or more, and the password no longer works; {link} leads to
        # the page for a forgotten password
        N_("mail.password_disabled.body"),
    )
    SIGN_IN_AFTER_FAILURES = (
        N_("mail.sign_in_after_failures.subject"),
        # Translators: somebody signed in at {at}, such as "24.12.2026 18:05 UTC", after {count} attempts with a wrong
        # password, 1 or more; {link} leads to the page for a forgotten password
        N_("mail.sign_in_after_failures.body"),
    )
    INVITATION = (
        N_("mail.invitation.subject"),
        # Translators: an administrator made the account; {login_name} as stored; {link} sets the
        # password; {valid} such as "1 day"
        N_("mail.invitation.body"),
    )
    CONTACT_SHARED = (
        N_("mail.contact_shared.subject"),
        # Translators: a link was asked for an address that is the contact of several accounts and the login name
        # of none; {link} leads to the page for a forgotten password
        N_("mail.contact_shared.body"),
    )
    CONTACT_CHANGED = (
        N_("mail.contact_changed.subject"),
        # Translators: customer service changed or removed the address that mail goes to; this mail goes to the
        # old one; {link} leads to the page for a forgotten password
        N_("mail.contact_changed.body"),
    )
    ACCOUNT_DELETED = (
        N_("mail.account_deleted.subject"),
        # Translators: the person deleted the own account
        N_("mail.account_deleted.body"),
    )

    def __init__(self, subject: str, body: str) -> None:
        self.subject = subject
        self.body = body


@dataclass(frozen=True, slots=True)
class MailContent:
    """A mail that is ready to send, as plain text.

    Attributes:
        subject: One line.
        body: Paragraphs with an empty line between them; a link is a paragraph of its own. ``repr`` does not show
            the body, because anybody who has the link can use it.
    """

    subject: str
    body: str

    def __repr__(self) -> str:
        return f"MailContent(subject={self.subject!r})"
