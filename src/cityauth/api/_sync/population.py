"""A whole population: its people on their way in from another system."""

from collections.abc import Callable, Iterable, Mapping

from cityauth.api.assembly import Namespace
from cityauth.api.drivers import Answers, has_port, require_port, run
from cityauth.core.client import UNKNOWN_CLIENT, ClientContext
from cityauth.core.import_report import ImportOptions, ImportReport
from cityauth.core.import_row import ImportRow
from cityauth.core.quarantine import QuarantinedRow
from cityauth.flows import population
from cityauth.flows.population import ignore
from cityauth.ports.services import HashImporter
from cityauth.ports.stores import PopulationStore


class Population(Namespace[Answers]):
    """The population: import the people of an older system."""

    def import_people(
        self,
        rows: Iterable[ImportRow | Mapping[str, object]],
        *,
        options: ImportOptions | None = None,
        on_quarantined: Callable[[QuarantinedRow], object] = ignore,
        on_progress: Callable[[ImportReport], object] = ignore,
        client: ClientContext = UNKNOWN_CLIENT,
    ) -> ImportReport:
        """Import people: good rows land, a batch in each commit, and every other row is handed back with its faults.

        It may be stopped at any moment and run again from the first row: what has landed is compared and not added
        twice. The same call takes a newer export over.

        Args:
            rows: What `read_people` gives of a file, or mappings by column of the host's own making. They are read as
                they are needed and never kept.
            options: How people are imported; the defaults when ``None``.
            on_quarantined: Is called with each row that has a fault.
            on_progress: Is called with the report so far, after each commit.
            client: Who runs the import, for the audit trail.

        Returns:
            What it came to. Each row counts once: as added, updated, unchanged or quarantined.

        Raises:
            UsageError: the file has another header than the published one, or the batch is not 1 to 10,000.
            WiringError: the store is no `PopulationStore`.
            StoreError: the store cannot answer; the batches before have landed, and it may be run again.
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
        return run(flow, self._answers)
