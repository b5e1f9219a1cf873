"""What a nightly job calls."""

from cityauth.flows import housekeeping
from cityauth.flows.housekeeping import Purged
from cityauth.run.calling.part import Part
from cityauth.run.driving import run


class Housekeeping(Part):
    """Clearing away, for a nightly job. Nothing depends on it: what has expired is dead while its row is there."""

    def purge(self) -> Purged:
        """Delete sessions, links and counts that are past their time; return how many of each.

        Accounts, the audit trail, the ledger of erased accounts and waiting mail are left alone.

        Raises:
            StoreError: the store cannot answer; call it again.
        """
        return run(housekeeping.purge(self._desk), self._answers)
