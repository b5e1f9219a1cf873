"""`MemoryMailer`: a mailbox in this process, for tests and demonstrations; and `NoMailer`, which never sends."""

from collections.abc import Sequence
from threading import Lock

from cityauth.core.mail import QueuedMail
from cityauth.errors import MailerUnavailableError


class MemoryMailer:
    """Keeps what it is given to send.

    Attributes:
        up: Set it to ``False`` to play a mail system that is down.
    """

    def __init__(self) -> None:
        """Start with an empty mailbox."""
        self.up = True
        self._lock = Lock()
        self._sent: list[QueuedMail] = []

    def is_up(self) -> bool:
        """See `Mailer.is_up`."""
        return self.up

    def send(self, mail: QueuedMail) -> None:
        """See `Mailer.send`."""
        if not self.up:
            msg = "the mail system is down"
            raise MailerUnavailableError(msg)
        with self._lock:
            self._sent.append(mail)

    def sent(self, to: str | None = None) -> Sequence[QueuedMail]:
        """Return the mails sent so far, oldest first; those to the address *to* when it is given."""
        with self._lock:
            return [mail for mail in self._sent if to is None or mail.to == to]


class NoMailer:
    """What a deployment without a mailer has: the pages say that no mail can be sent, and nothing is lost."""

    def is_up(self) -> bool:
        """Never."""
        return False

    def send(self, mail: QueuedMail) -> None:
        """Leave *mail* in the outbox."""
        msg = f"no mailer is configured; {mail.id} stays in the outbox"
        raise MailerUnavailableError(msg)
