"""`OutboxStore`: mails that were committed and are not yet sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from cityauth.core.mail import OutboxStatus, QueuedMail


class OutboxStore(Protocol):
    """What a store must do for the outbox. Mails are queued by `AccountStore.commit`."""

    def lease_mails(self, now: datetime, until: datetime, most: int) -> Sequence[QueuedMail]:
        """Take up to *most* mails that are due at *now*, oldest first, and hide them until *until*.

        Two workers never hold the same mail at once. Each taking counts as an attempt; a worker that
        dies gives its mails back when the lease ends (C-20).
        """
        ...

    def postpone_mail(self, mail_id: str, until: datetime) -> None:
        """Try the mail again at *until*."""
        ...

    def drop_mail(self, mail_id: str) -> None:
        """Forget the mail with all its text: it was sent, or is not worth sending any more."""
        ...

    def outbox_status(self) -> OutboxStatus:
        """Return how the outbox stands."""
        ...
