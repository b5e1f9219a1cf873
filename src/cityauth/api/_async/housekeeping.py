"""What a nightly job calls."""

from cityauth.api._async.namespace import Namespace
from cityauth.api.drivers import run_async
from cityauth.flows import housekeeping
from cityauth.flows.housekeeping import Purged


class Housekeeping(Namespace):
    """Clearing away, for a nightly job. Nothing depends on it: what has expired is dead while its row is there."""

    async def purge(self) -> Purged:
        """Delete sessions, links and counts that are past their time; return how many of each.

        Accounts, the audit trail, the tombstones of erased accounts and waiting mail are left alone.

        Raises:
            StoreError: the store cannot answer; call it again.
        """
        return await run_async(housekeeping.purge(self._deployment), self._answers)
