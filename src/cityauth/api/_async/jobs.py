"""What a job calls: it sends mail, and deletes what has expired."""

from cityauth.api.assembly import Namespace
from cityauth.api.drivers import AsyncAnswers, run_async
from cityauth.core.mail import OutboxStatus
from cityauth.flows import housekeeping, outbox
from cityauth.flows.housekeeping import Purged
from cityauth.flows.outbox import Flushed


class Outbox(Namespace[AsyncAnswers]):
    """Queued mail: send it from a job that runs every few seconds, outside any request."""

    async def flush(self) -> Flushed:
        """Send one batch of the mails that are due; return what became of them. A mailer that is down raises nothing.

        Raises:
            StoreError: the store cannot answer; nothing is lost.
        """
        return await run_async(outbox.flush(self._deployment), self._answers)

    async def status(self) -> OutboxStatus:
        """Return how many mails wait, how many failed before, and since when the oldest waits."""
        return await run_async(outbox.status(), self._answers)


class Housekeeping(Namespace[AsyncAnswers]):
    """Deletes what has expired, for a nightly job. What has expired has no effect, even while it is still stored."""

    async def purge(self) -> Purged:
        """Delete sessions, links and counts that have expired; return how many of each.

        Accounts, the audit trail, the tombstones of erased accounts and waiting mail are left alone.

        Raises:
            StoreError: the store cannot answer; call it again.
        """
        return await run_async(housekeeping.purge(self._deployment), self._answers)
