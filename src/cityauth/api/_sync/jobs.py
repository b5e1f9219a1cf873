"""What a job calls: it sends mail, and clears away what is past its time."""

from cityauth.api.assembly import Namespace
from cityauth.api.drivers import Answers, run
from cityauth.core.mail import OutboxStatus
from cityauth.flows import housekeeping, outbox
from cityauth.flows.housekeeping import Purged
from cityauth.flows.outbox import Flushed


class Outbox(Namespace[Answers]):
    """Mail on its way: send it from a job that runs every few seconds, outside any request."""

    def flush(self) -> Flushed:
        """Send the mails that are due, a batch of them; return what came of it. Never raises for a mailer that is down.

        Raises:
            StoreError: the store cannot answer; nothing is lost.
        """
        return run(outbox.flush(self._deployment), self._answers)

    def status(self) -> OutboxStatus:
        """Return how the outbox stands."""
        return run(outbox.status(), self._answers)


class Housekeeping(Namespace[Answers]):
    """Clearing away, for a nightly job. Nothing depends on it: what has expired is dead while its row is there."""

    def purge(self) -> Purged:
        """Delete sessions, links and counts that are past their time; return how many of each.

        Accounts, the audit trail, the tombstones of erased accounts and waiting mail are left alone.

        Raises:
            StoreError: the store cannot answer; call it again.
        """
        return run(housekeeping.purge(self._deployment), self._answers)
