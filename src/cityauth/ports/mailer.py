"""`Mailer`: what sends mail."""

from typing import Protocol

from cityauth.core.mail import QueuedMail


class Mailer(Protocol):
    """Sends one mail at a time."""

    def is_up(self) -> bool:
        """Whether mail leaves just now, as far as is known; never raises, answers within seconds.

        The answer is the same for everyone: it is asked before anybody is looked up.
        """
        ...

    def send(self, mail: QueuedMail) -> None:
        """Hand *mail* over to the mail system.

        Raises:
            MailerUnavailableError: the mail system cannot be reached or will not take mail now; the
                mail stays in the outbox.
            MailRefusedError: it will never take this mail.
        """
        ...
