"""Import the people of another system."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from cityauth.api.assembly import Namespace
from cityauth.api.drivers import AsyncAnswers, has_port, require_port, run_async
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.hash_kinds import StoredKind, WrapReport
from cityauth.core.import_row import ImportRow
from cityauth.core.population import ImportOptions, ImportReport
from cityauth.core.quarantine import QuarantinedRow
from cityauth.flows import hash_kinds, population
from cityauth.flows.population import ignore
from cityauth.ports.services import HashImporter
from cityauth.ports.stores import HashCountStore, PopulationStore


class Population(Namespace[AsyncAnswers]):
    """The population: import the people of an older system, and wrap their weak hashes."""

    async def import_people(
        self,
        rows: Iterable[ImportRow | Mapping[str, object]],
        *,
        options: ImportOptions | None = None,
        on_quarantined: Callable[[QuarantinedRow], object] = ignore,
        on_progress: Callable[[ImportReport], object] = ignore,
        client: ClientContext = UNKNOWN_CLIENT,
    ) -> ImportReport:
        """Import people. Each commit stores a batch of good rows; *on_quarantined* gets each other row with its faults.

        It may be stopped at any moment and run again from the first row: a row that was stored before is compared and
        not added twice. The same call also imports a newer export.

        Args:
            rows: The rows that `read_people` reads from a file, or the host's own mappings from column to value. Each
                row is read when it is needed, and not kept.
            options: How people are imported; the defaults when ``None``.
            on_quarantined: Is called with each row that has a fault.
            on_progress: Is called with the report so far, after each commit.
            client: Who runs the import, for the audit trail.

        Returns:
            The counts. Each row counts once: as added, updated, unchanged or quarantined.

        Raises:
            UsageError: the file has another header than the published one, or the batch is not 1 to 10,000.
            WiringError: the store is no `PopulationStore`.
            StoreError: the store cannot answer; the earlier batches are stored, and it may be run again.
        """
        require_port(PopulationStore, self._answers)
        how = options or ImportOptions()
        flow = population.import_people(
            self._deployment,
            rows,
            how,
            on_quarantined=on_quarantined,
            on_progress=on_progress,
            client=client,
            adopts=has_port(HashImporter, self._answers),
        )
        return await run_async(flow, self._answers)

    async def hash_kinds(self) -> Sequence[StoredKind]:
        """Return which kinds of password hashes are stored, and how many accounts have each, the most frequent first.

        Accounts without a password do not count.

        Raises:
            WiringError: the store is no `HashCountStore`, or the hasher is no `HashImporter`.
            StoreError: the store cannot answer.
        """
        self._require_hashes()
        return await run_async(hash_kinds.list_hash_kinds(), self._answers)

    async def wrap_weak_hashes(
        self, *, on_progress: Callable[[WrapReport], object] = ignore, client: ClientContext = UNKNOWN_CLIENT
    ) -> WrapReport:
        """Wrap every weak hash in Argon2id: those without a salt, and those of a few rounds of a fast digest.

        A person signs in with the same password as before, and the first sign-in makes a plain Argon2id hash of it.
        Each hash takes one run of Argon2; the cores of the machine share the work. It may be stopped at any moment and
        called again, and run beside the service and beside itself: a sign-in or a new password always wins.

        Args:
            on_progress: Is called with the report so far, after each commit.
            client: Who runs it, for the audit trail.

        Returns:
            The counts. Afterwards no weak hash is left but those under ``left``.

        Raises:
            WiringError: the store is no `HashCountStore`, or the hasher is no `HashImporter`.
            HasherBusyError: there is not enough memory now; what was wrapped so far is stored.
            StoreError: the store cannot answer; what was wrapped so far is stored.
        """
        self._require_hashes()
        return await run_async(hash_kinds.wrap_weak_hashes(self._deployment, on_progress, client), self._answers)

    def _require_hashes(self) -> None:
        require_port(HashCountStore, self._answers)
        require_port(HashImporter, self._answers, of="hasher")
