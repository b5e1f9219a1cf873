"""``cityauth import``: add the people of an older system, and write rows with a fault to a quarantine file."""

import csv
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import BinaryIO, Final, Literal, TextIO, TypeAlias

import click
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from cityauth.api.plan_files import Earlier, refuse_to_replace
from cityauth.cli.errors import Misuse
from cityauth.cli.hashes import as_dictionary, say_wrapped, wrap_weak
from cityauth.cli.identifiers import FROM_COMMAND
from cityauth.cli.operations import Load
from cityauth.cli.output import error_console, say, say_json, show_table
from cityauth.core.hash_kinds import WrapReport
from cityauth.core.import_file import read_people
from cityauth.core.import_row import ImportRow
from cityauth.core.population import ImportOptions, ImportReport
from cityauth.core.quarantine import QUARANTINE_COLUMNS, QuarantinedRow

_Format: TypeAlias = Literal["csv", "jsonl"]
_EARLIER: Final = Earlier("quarantine file", f"{','.join(QUARANTINE_COLUMNS)}\n".encode())
_SUFFIXES: Final[dict[str, _Format]] = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}


@click.command("import")
@click.argument("people", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would happen, on a connection that cannot write.")
@click.option(
    "--quarantine",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("quarantine.csv"),
    show_default=True,
    help="Where rows with a fault are written; an earlier quarantine file is replaced.",
)
@click.option(
    "--verified",
    is_flag=True,
    help="The older system has verified the addresses. Without this option they count as not verified.",
)
@click.option("--batch", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="People in one commit.")
@click.option(
    "--accept-invalid-email", is_flag=True, help="Add people whose address does not pass, without an address on file."
)
@click.option(
    "--cut-passwords/--whole-passwords",
    "truncates",
    default=None,
    help="Whether the older system let bcrypt cut a password at 72 bytes; else the configuration decides.",
)
@click.option("--nul-ends", is_flag=True, help="The older system ended a password at its first NUL.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "jsonl"]),
    help="The format; else the file's name decides.",
)
@click.option(
    "--wrap/--no-wrap",
    "wraps",
    default=True,
    help="Whether weak hashes are put inside Argon2id after the import; if not, do it by: cityauth hashes wrap",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
@click.pass_context
def import_(  # noqa: PLR0913 - one for each option
    context: click.Context,
    load: Load,
    *,
    people: Path,
    dry_run: bool,
    quarantine: Path,
    verified: bool,
    batch: int,
    accept_invalid_email: bool,
    truncates: bool | None,
    nul_ends: bool,
    kind: _Format | None,
    wraps: bool,
    as_json: bool,
) -> None:
    """Import the people in the file PEOPLE. Rows with a fault go to the quarantine file.

    Run it again after a crash, after mending rows, or with a newer export: people who were imported
    before are compared and not added twice. The exit status is 0 when every row was imported, and 1 when some rows are
    in quarantine.
    """
    format_ = kind or _SUFFIXES.get(people.suffix.lower())
    if format_ is None:
        raise click.UsageError("the name of the file does not say its format: give --format")
    if quarantine.resolve() == people.resolve():
        raise click.UsageError("the quarantine file is the file to import: name another by --quarantine")
    refuse_to_replace(quarantine)
    configuration = load()
    options = ImportOptions(batch, verified, accept_invalid_email, dry_run, truncates, nul_ends)
    with closing(configuration.store(read_only=dry_run)) as store:
        auth = configuration.auth(store, check_mailer=False)
        with ExitStack() as stack:
            file = stack.enter_context(people.open("rb"))
            refuse = stack.enter_context(_quarantine(quarantine))
            show = stack.enter_context(_progress(people.stat().st_size, file))
            report = auth.population.import_people(
                _before_any_lands(read_people(file, format_), quarantine),
                options=options,
                on_quarantined=refuse,
                on_progress=show,
                client=FROM_COMMAND,
            )
        wrapped = wrap_weak(auth) if wraps and not dry_run else None
    _tell(report, quarantine, wrapped, dry_run=dry_run, as_json=as_json)
    context.exit(1 if report.quarantined else 0)


def _before_any_lands(rows: Iterable[ImportRow], quarantine: Path) -> Iterator[ImportRow]:
    """Give the rows; look at the quarantine file once the header of *rows* was read, and before anybody is added."""
    for row in rows:
        if row.number == 1:
            refuse_to_replace(quarantine, earlier=_EARLIER)
        yield row


class _QuarantineFile:
    """Writes rows to a file that its owner alone may read. It is a class because it opens the file at the first row."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._path = path
        self._stack = stack
        self._file: TextIO | None = None

    def write(self, quarantined: QuarantinedRow) -> None:
        """Write one row."""
        with self._telling():
            writer = csv.writer(self._begin(), quoting=csv.QUOTE_ALL, lineterminator="\n")
            writer.writerow(quarantined.cells())

    def end(self) -> None:
        """Write what is left, or a file of the header alone."""
        with self._telling():
            self._begin().flush()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Misuse(f"the quarantine file {self._path} cannot be written: {error.strerror}") from error

    def _begin(self) -> TextIO:
        """Open the file and write its header, once."""
        if self._file is None:
            refuse_to_replace(self._path, earlier=_EARLIER)
            self._path.unlink(missing_ok=True)
            opener = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            file = os.fdopen(opener, "w", encoding="utf-8", newline="")
            self._file = self._stack.enter_context(file)
            csv.writer(file, lineterminator="\n").writerow(QUARANTINE_COLUMNS)
        return self._file


@contextmanager
def _quarantine(path: Path) -> Iterator[Callable[[QuarantinedRow], None]]:
    """Give a function that writes a row to the file. A file without rows is written at the end, with its header."""
    with ExitStack() as stack:
        file = _QuarantineFile(path, stack)
        yield file.write
        file.end()


class _RowsPerSecond(ProgressColumn):
    """How many rows were read, and how many in a second."""

    def render(self, task: Task) -> Text:
        """Return the text of the column."""
        rows = task.fields["rows"]
        speed = rows / task.elapsed if task.elapsed else 0
        return Text(f"{rows} rows, {speed:.0f}/s")


@contextmanager
def _progress(size: int, file: BinaryIO) -> Iterator[Callable[[ImportReport], None]]:
    """Give a function that shows how far the import is. Nothing is shown where no terminal shows it."""
    console = error_console()
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("Importing"), BarColumn(), _RowsPerSecond(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=size or None, rows=0)
        can_tell = file.seekable()  # a pipe cannot
        yield lambda report: progress.update(task, completed=file.tell() if can_tell else 0, rows=report.rows)


def _tell(report: ImportReport, quarantine: Path, wrapped: WrapReport | None, *, dry_run: bool, as_json: bool) -> None:
    """Print what came of the import."""
    if as_json:
        say_json(
            {
                "dry_run": dry_run,
                "rows": report.rows,
                "added": report.added,
                "updated": report.updated,
                "unchanged": report.unchanged,
                "quarantined": report.quarantined,
                "codes": dict(sorted(report.codes.items())),
                "quarantine": str(quarantine),
                "wrapped": None if wrapped is None else as_dictionary(wrapped),
            }
        )
        return
    what = "would be" if dry_run else "were"
    say(
        f"Read {report.rows} rows: {report.added} people {what} added, {report.updated} {what} updated,"
        f" {report.unchanged} are unchanged, {report.quarantined} rows are in quarantine.",
        "yellow" if report.quarantined else "green",
    )
    if dry_run:
        say("Nothing was written: the connection to the database was open for reading alone.")
    if wrapped is not None and wrapped.found:
        say_wrapped(wrapped)
    if report.quarantined:
        codes = sorted(report.codes.items(), key=lambda one: (-one[1], one[0]))
        show_table(("code", "rows", "meaning"), [(code, str(count), code.sentence) for code, count in codes])
        say(f"The rows with all their faults are in {quarantine}. Mend them in the source, and import again.")
