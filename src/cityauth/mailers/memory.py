"""`MemoryMailer`: a mailbox in this process, for tests and demonstrations; and `NoMailer`, which never sends."""

from collections.abc import Sequence
from threading import Lock
from typing import Final

from cityauth.core.mail import QueuedMail
from cityauth.errors import MailerUnavailableError


class MemoryMailer:
    """Keeps the mails in memory instead of sending them.

    Attributes:
        up: Set it to ``False`` to play a mail system that is down.
        is_local: True: no mail leaves this machine.
    """

    is_local: Final = True

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
        """Return the mails that were sent, oldest first; with *to*, only those to that address."""
        with self._lock:
            return [mail for mail in self._sent if to is None or mail.to == to]


class NoMailer:
    """Stands for the mailer of a deployment that has none: pages say that no mail can be sent, and the outbox keeps it.

    Attributes:
        is_local: No mail leaves this machine.
    """

    is_local: Final = True

    def is_up(self) -> bool:
        """Return ``False``."""
        return False

    def send(self, mail: QueuedMail) -> None:
        """Leave *mail* in the outbox.

        Raises:
            MailerUnavailableError: always.
        """
        msg = f"no mailer is configured; {mail.id} stays in the outbox"
        raise MailerUnavailableError(msg)
