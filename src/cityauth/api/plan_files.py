"""A plan on disk: write it whole or not at all, read it, and make the reports of it.

What is written takes the place of an older file only when it is complete, and only its owner can read it.
"""

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, AnyStr, BinaryIO, Final, NamedTuple, cast

from cityauth.core.migration_decisions import DecisionRow, RefusedDecision, read_decisions
from cityauth.core.migration_plan import PlanHeader, PlanLine
from cityauth.core.migration_run import Plan
from cityauth.core.plan_builder import PlanBuilder
from cityauth.core.plan_file import PlanReader, parse_line
from cityauth.core.plan_report import CSV_HEAD, REPORT_START, group_of, page, spreadsheet_row
from cityauth.errors import PlanError, UsageError
from cityauth.messages.texts import SHIPPED, Texts

_BLOCK = 1 << 20
"""Bytes that are read and written at once."""

_LONGEST_LINE = 1_000_002
"""Characters, more than a line of a plan and its line break may have."""

_LONGEST_START = 512
"""Bytes by which a file is known."""

_DATABASE = (b"SQLite format 3\0", b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83", b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7")
"""How the files of SQLite begin: a database, the two forms of its write-ahead log, and its journal."""


class Earlier(NamedTuple):
    """What an earlier file must be that a new one may take the place of. An empty file may always be replaced.

    Attributes:
        what: What it is called.
        start: How it begins.
    """

    what: str
    start: bytes


EARLIER_PLAN: Final = Earlier("plan", b'{"plan": "')
EARLIER_REPORT: Final = Earlier("report", REPORT_START.encode("ascii"))
EARLIER_GROUPS: Final = Earlier("list of accounts to decide about", f"\ufeff{','.join(CSV_HEAD)}\r\n".encode())


def refuse_to_replace(path: Path, *others: Path | None, earlier: Earlier | None = None) -> None:
    """Refuse to write *path* where that would destroy what nothing can make again.

    That is a database, a device, another file of the same command, and any file that is not what *earlier* says.

    Args:
        path: The file that is to be written.
        others: Files that the same command reads or writes.
        earlier: What a file that is there must be; ``None`` for anything but a database.

    Raises:
        UsageError: it must not be written; the message says why.
    """
    try:
        if any(other is not None and other.resolve() == path.resolve() for other in others):
            raise UsageError(f"{path} is named for two things: name another file")
        if not path.exists() or path.is_dir():
            return
        if not path.is_file():
            raise UsageError(f"{path} is no ordinary file: name another one")
        with path.open("rb") as file:
            start = file.read(_LONGEST_START)
        if start.startswith(_DATABASE):
            raise UsageError(f"{path} is a database and is not replaced: name another file")
        if earlier is not None and start and not start.startswith(earlier.start):
            raise UsageError(f"{path} is no earlier {earlier.what} and is not replaced: name another file")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def building(path: Path) -> Iterator[PlanBuilder]:
    """Give a builder whose plan becomes the file *path* when the block ends well.

    Raises:
        UsageError: the file cannot be written.
    """
    with replacing(path) as out, tempfile.TemporaryFile(dir=path.parent, buffering=_BLOCK) as scratch:
        yield PlanBuilder(cast("BinaryIO", scratch), cast("BinaryIO", out))


@contextmanager
def replacing(path: Path, earlier: Earlier | None = None) -> Iterator[IO[bytes]]:
    """Give a new file that takes the place of *path* when the block ends well, and vanishes when it does not.

    Raises:
        UsageError: the file cannot be written, is a database or no ordinary file, or is not what *earlier* says.
    """
    refuse_to_replace(path, earlier=earlier)
    unfinished = None
    try:
        with tempfile.NamedTemporaryFile("w+b", buffering=_BLOCK, dir=path.parent, delete=False) as out:
            unfinished = Path(out.name)
            yield out
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        if unfinished is not None:
            with suppress(FileNotFoundError):
                unfinished.unlink()


@contextmanager
def open_plan(path: str | os.PathLike[str]) -> Iterator[PlanReader]:
    """Open a plan and read its header; iterate over what is given to read the accounts.

    Raises:
        UsageError: the file cannot be read.
        PlanError: it is no plan, or a line of it was changed; the message names the line.
    """
    try:
        lines = Path(path).open(encoding="utf-8", errors="replace", newline="\n")  # noqa: SIM115 - closed below
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    with lines:
        yield PlanReader(_pieces(lines.readline))


def read_plan(path: str | os.PathLike[str]) -> Plan:
    """Read a plan's header; its lines are read when they are needed, from the first one each time.

    Raises:
        UsageError: the file cannot be read.
        PlanError: it is no plan. Reading its lines raises it as well where one of them was changed, and where another
            plan has taken the place of the file.
    """

    def lines() -> Iterator[PlanLine]:
        with open_plan(path) as again:
            if again.header != reader.header:
                raise PlanError("line 1 is the header of another plan than before: the file was replaced", 1)
            yield from again

    with open_plan(path) as reader:
        return Plan(reader.header, lines)


def read_decision_file(path: str | os.PathLike[str] | None) -> list[DecisionRow | RefusedDecision]:
    """Read the rows of a file of decisions; none where *path* is ``None``.

    Raises:
        UsageError: the file cannot be read as UTF-8, or lacks a column.
    """
    if path is None:
        return []
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as lines:
            return list(read_decisions(_whole_lines(lines, path)))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no CSV file in UTF-8: save it again as CSV in UTF-8") from error
    except csv.Error as error:
        raise UsageError(f"{path} is no CSV file: {error}") from error


def _pieces(read_line: Callable[[int], AnyStr]) -> Iterator[AnyStr]:
    """Give lines, and a line that is longer than any of a plan in pieces: that of a device may never end."""
    while piece := read_line(_LONGEST_LINE):
        yield piece


def _whole_lines(file: IO[str], path: str | os.PathLike[str]) -> Iterator[str]:
    """Give lines; refuse a file with one that is too long."""
    for line in _pieces(file.readline):
        if len(line) == _LONGEST_LINE:
            raise UsageError(f"{path} is no CSV file in UTF-8: it has a line of more than a million characters")
        yield line


def write_report(
    plan: str | os.PathLike[str],
    report: str | os.PathLike[str],
    *,
    language: str = "fi",
    texts: Texts = SHIPPED,
) -> PlanHeader:
    """Write the report on a plan: one page of HTML that needs no other file.

    It has a chart and a table of how many accounts are in each class and what to do next, and it lists the first 200
    accounts that people must decide about, by the host's own key and with masked addresses.

    Args:
        plan: The file of the plan.
        report: Where the page goes. An earlier report is replaced; any other file is not.
        language: ``fi``, ``sv`` or ``en``; any other reads as English.
        texts: The texts of the service.

    Returns:
        The plan's header.

    Raises:
        UsageError: a file cannot be read or written.
        PlanError: the file is no plan, or a line of it was changed.
    """
    refuse_to_replace(Path(report), Path(plan))
    with _collisions_of(Path(plan)) as (header, lines), replacing(Path(report), EARLIER_REPORT) as out:
        for piece in page(header, lines, language, texts):
            out.write(piece.encode("utf-8", "replace"))
    return header


def write_collisions(plan: str | os.PathLike[str], groups: str | os.PathLike[str]) -> int:
    """Write the accounts that people must decide about as a CSV file, those of one group one after the other.

    The columns ``decision`` and ``email`` are empty: filled in, the file goes back to the plan as its decisions.
    No cell is a formula for a spreadsheet. The file begins with a mark by which spreadsheets know UTF-8.

    Returns:
        How many accounts it lists.

    Raises:
        UsageError: a file cannot be read or written.
        PlanError: the file is no plan, or a line of it was changed.
    """
    refuse_to_replace(Path(groups), Path(plan))
    with _collisions_of(Path(plan)) as (_, lines), replacing(Path(groups), EARLIER_GROUPS) as out:
        out.write(_csv_row(CSV_HEAD, mark="\ufeff"))
        return sum(bool(out.write(_csv_row(spreadsheet_row(line)))) for line in lines)


def _csv_row(cells: Iterable[str], mark: str = "") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return f"{mark}{text.getvalue()}".encode("utf-8", "replace")


@contextmanager
def _collisions_of(plan: Path) -> Iterator[tuple[PlanHeader, Iterator[PlanLine]]]:
    """Give the header of a plan, and its accounts that collide, by groups. Only their places are held in memory.

    All of the plan is read first, so that no report is made of a plan that was changed.
    """
    places: list[tuple[str, int]] = []
    try:
        with plan.open("rb", buffering=_BLOCK) as file:
            starts = _Starts(file)
            reader = PlanReader(starts)
            places = [(group_of(line), starts.last) for line in reader if line.collision is not None]
            places.sort()
            yield reader.header, (_line_at(file, start) for _, start in places)
    except OSError as error:
        raise UsageError(f"{plan} cannot be read: {error.strerror}") from error


class _Starts:
    """The lines of a file. It is a class because who reads them also asks where the last one began.

    Attributes:
        last: The place of the last line that was given.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.last = 0

    def __iter__(self) -> Iterator[str]:
        place = 0
        for raw in _pieces(self._file.readline):
            self.last = place
            place += len(raw)
            yield raw.decode("utf-8", "replace")


def _line_at(file: IO[bytes], start: int) -> PlanLine:
    file.seek(start)
    return parse_line(file.readline().decode("ascii"), 0)
