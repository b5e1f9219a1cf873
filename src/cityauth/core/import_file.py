"""The lines of a CSV or JSON file, read as rows of an import: one at a time, whatever a line holds.

No row is dropped and none is repaired. What cannot be read becomes a row with a fault that says why.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, Protocol, TypeAlias

from cityauth.core.characters import strip_invisible
from cityauth.core.import_fault import ImportFault, RowFault
from cityauth.core.import_row import COLUMNS, ImportRow
from cityauth.errors import UsageError

MAX_LINE: Final = 65_536
"""The most bytes of one row. A longer one is passed over without being kept in memory."""

_ENDLESS: Final = 1 << 28
"""After this many bytes without a line end, the file is refused."""

MAX_LINES: Final = 100
"""The most lines of one row of CSV; a quotation mark that is not closed by then was opened by mistake."""

_BOM: Final = b"\xef\xbb\xbf"
_ZIP: Final = b"PK\x03\x04"
"""The first bytes of a ZIP archive, such as the file of a spreadsheet."""

_WIDE_BOMS: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00", b"e\x00", b"{\x00")
_OTHER_SEPARATORS: Final = (";", "\t", "|")

Line: TypeAlias = tuple[int, bytes]
"""The number of a line, and its bytes without its end. A line that is too long has one byte more than `MAX_LINE`."""


def read_csv(pieces: Iterable[bytes]) -> Iterator[ImportRow]:
    """Read the rows of a CSV file in UTF-8, with or without a byte order mark, with the published header.

    Cells are separated by commas and quoted by ``"`` (RFC 4180). A blank line is no row.

    Args:
        pieces: The file's bytes in order, such as `bounded_lines` gives. Lines may be cut anywhere.

    Raises:
        UsageError: the first line is not the published header. The message says what is wrong with it.
    """
    lines = _PushBack(_number_lines(pieces))
    header: tuple[str, ...] = ()
    for _, line in lines:
        if line.strip():
            header = _read_header(line)
            break
    if not header:
        raise UsageError(f"the file is empty: its first line must be {','.join(COLUMNS)}")
    yield from _read_body(lines, header)


def read_json_lines(pieces: Iterable[bytes]) -> Iterator[ImportRow]:
    """Read JSON lines: one object a line, its keys the columns, its values text or null. A blank line is no row.

    A key that is not there counts as an empty cell.

    Args:
        pieces: The file's bytes in order, such as `bounded_lines` gives. Lines may be cut anywhere.

    Raises:
        UsageError: the file is not UTF-8 but UTF-16 or UTF-32, or a line of it does not end within 256 MiB.
    """
    number = 0
    for at, line in _number_lines(pieces):
        if not line.strip():
            continue
        if not number and line.startswith(_WIDE_BOMS):
            raise UsageError("the file is UTF-16 or UTF-32: save it as UTF-8")
        number += 1
        text, faults = _decode(line)
        yield _object_row(text, at, number, faults) if _is_readable(faults) else ImportRow(at, number, {}, faults)


class _Readable(Protocol):
    def readline(self, size: int, /) -> bytes:
        """Return a line, or as much of it as *size* allows."""
        ...


def read_people(file: _Readable, kind: Literal["csv", "jsonl"]) -> Iterator[ImportRow]:
    """Read the rows of a file of people that is open for reading bytes, one at a time.

    Args:
        file: The file.
        kind: ``csv``: the published header, cells separated by commas. ``jsonl``: one object a line with the same keys.

    Raises:
        UsageError: the first line is not the published header, or the file is not UTF-8. It is raised when the first
            row is asked for.
    """
    pieces = bounded_lines(file.readline)
    return read_csv(pieces) if kind == "csv" else read_json_lines(pieces)


def row_of(values: Mapping[str, object], *, line: int, number: int) -> ImportRow:
    """Return the row of a mapping by column, as a host or a line of JSON has it. ``None`` is an empty cell."""
    return _row_of_pairs(tuple(values.items()), line, number, ())


def bounded_lines(read_line: Callable[[int], bytes]) -> Iterator[bytes]:
    """Return the pieces of an open file by its ``readline``, none longer than `MAX_LINE`."""
    return iter(lambda: read_line(MAX_LINE), b"")


def _number_lines(pieces: Iterable[bytes]) -> Iterator[Line]:
    """Put *pieces* together to lines and number them. Of a line that is too long, only its beginning is kept.

    Raises:
        UsageError: a line never ends, as of a device.
    """
    number, kept, over = 1, b"", 0
    for piece in pieces:
        over = over + len(piece) if len(kept) > MAX_LINE and b"\n" not in piece else 0
        if over > _ENDLESS:
            raise UsageError(f"line {number} of the file does not end: this is no file of people")
        *ended, rest = piece.split(b"\n")
        for part in ended:
            yield number, (kept + part)[: MAX_LINE + 1].removesuffix(b"\r")
            number, kept = number + 1, b""
        kept = (kept + rest)[: MAX_LINE + 1]
    if kept:
        yield number, kept


def _read_header(line: bytes) -> tuple[str, ...]:
    """Return the columns that the first line names.

    Raises:
        UsageError: they are not the published ones.
    """
    if line.startswith(_WIDE_BOMS):
        raise UsageError("the file is UTF-16 or UTF-32: save it as UTF-8")
    if line.startswith(_ZIP):
        raise UsageError("the file is a spreadsheet or an archive, and no text: save it as CSV in UTF-8")
    text = line.removeprefix(_BOM).decode("utf-8", "replace")
    cells = _split(text)
    header = tuple(strip_invisible(cell) for cell in cells or ())
    if set(header) == set(COLUMNS) and len(header) == len(COLUMNS):
        return header
    raise UsageError(
        f"the first line of the file is not the header: {_why_no_header(text, header)}. It must be {','.join(COLUMNS)}"
    )


def _why_no_header(text: str, header: Sequence[str]) -> str:
    """Say what is wrong with the first line."""
    for separator in _OTHER_SEPARATORS:
        if set(COLUMNS) <= {strip_invisible(cell).strip('"') for cell in text.split(separator)}:
            return f"its cells are separated by {separator!r}: export the file with ',' between the cells"
    if "\r" in text:
        return "its lines end in a carriage return alone: export the file with line feeds"
    twice = [column for column in COLUMNS if header.count(column) > 1]
    if twice:
        return f"{ImportFault.ROW_DUPLICATE_HEADER}: {' and '.join(twice)}, named twice"
    missing = [column for column in COLUMNS if column not in header]
    if missing and len(missing) < len(COLUMNS):
        return f"{ImportFault.ROW_COLUMNS}: it lacks {', '.join(missing)}"
    if header:
        return f"{ImportFault.ROW_COLUMNS}: it holds a name that is no column, or it is no header at all"
    return f"{ImportFault.ROW_QUOTES}: its quotation marks are wrong"


class _PushBack(Iterator[Line]):
    """Lines that can be put back. It is a class because it keeps the lines that were put back: they come first."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._again: list[Line] = []

    def __next__(self) -> Line:
        return self._again.pop() if self._again else next(self._lines)

    def give_back(self, lines: Sequence[Line]) -> None:
        """Put *lines* back: they come next."""
        self._again += reversed(lines)


def _read_body(lines: _PushBack, header: tuple[str, ...]) -> Iterator[ImportRow]:
    """Read the rows after the header."""
    number, shifted = 0, 0
    for at, line in lines:
        if not line or line.isspace():
            continue
        number += 1
        text, faults = _decode(line)
        if not _is_readable(faults):
            yield ImportRow(at, number, {}, faults)
            continue
        cells = text.split(",") if '"' not in text else _quoted_cells(lines, text, len(header))
        if cells is None:
            yield ImportRow(at, number, {}, (*faults, RowFault(ImportFault.ROW_QUOTES)))
            continue
        if cells[0] in _NAMES or strip_invisible(cells[0]) in _NAMES:
            named = tuple(strip_invisible(cell) for cell in cells)
            if _is_header(named):
                shifted = 0 if named == header else at
                faults = (*faults, RowFault(ImportFault.ROW_SECOND_HEADER))
        if shifted and shifted != at:
            faults = (*faults, RowFault(ImportFault.ROW_OTHER_HEADER, "", f"line {shifted}"))
        if len(cells) != len(header):
            faults = (*faults, RowFault(ImportFault.ROW_COLUMNS, "", f"{len(cells)} cells, not {len(header)}"))
        yield ImportRow(at, number, dict(zip(header, cells, strict=False)), faults)


_NAMES: Final = frozenset(COLUMNS)


def _is_header(cells: Sequence[str]) -> bool:
    """Whether every cell that is not empty names a column, and more than one does."""
    named = [cell for cell in cells if cell]
    return len(named) > 1 and all(cell in _NAMES for cell in named)


def _quoted_cells(lines: _PushBack, text: str, width: int) -> Sequence[str] | None:
    """Return the cells of a row with quotation marks, which may go on in the next lines.

    ``None`` where the marks of the first line are wrong. The lines after it are given back then, so that one mark too
    many spoils one row and no other.
    """
    taken: list[Line] = []
    whole = text
    while whole.count('"') % 2 and len(taken) < MAX_LINES and len(whole) <= MAX_LINE:
        following = next(lines, None)
        if following is None:
            break
        taken.append(following)
        more, faults = _decode(following[1])
        if faults:
            break
        whole += "\n" + more
    cells = _split(whole)
    if cells is not None and (not taken or len(cells) == width):
        return cells
    lines.give_back(taken)
    return _split(text) if taken and not text.count('"') % 2 else None


def _split(text: str) -> Sequence[str] | None:
    """Return the cells of one row of CSV, or ``None`` where its quotation marks are wrong."""
    if text.count('"') % 2:
        return None
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        return None
    return rows[0] if len(rows) == 1 else None


def _decode(line: bytes) -> tuple[str, tuple[RowFault, ...]]:
    """Return the text of a line, and what is wrong with its bytes. Bytes that are not UTF-8 become surrogates."""
    if len(line) > MAX_LINE:
        return "", (RowFault(ImportFault.ROW_TOO_LONG),)
    if b"\0" in line:
        return "", (RowFault(ImportFault.ROW_NUL),)
    try:
        return line.removeprefix(_BOM).decode(), ()
    except UnicodeDecodeError as error:
        detail = f"byte {error.start + 1} of the line; it may be Latin-1 or Windows-1252"
        return line.removeprefix(_BOM).decode("utf-8", "surrogateescape"), (
            RowFault(ImportFault.ROW_ENCODING, "", detail),
        )


def _is_readable(faults: Sequence[RowFault]) -> bool:
    return all(fault.code is ImportFault.ROW_ENCODING for fault in faults)


def _object_row(text: str, line: int, number: int, faults: tuple[RowFault, ...]) -> ImportRow:
    """Read one line of JSON."""
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        pairs = None
    if not isinstance(pairs, _Pairs):
        return ImportRow(line, number, {}, (*faults, RowFault(ImportFault.ROW_JSON)))
    return _row_of_pairs(pairs, line, number, faults)


class _Pairs(tuple[tuple[str, object], ...]):
    """The keys and values of a JSON object as they stand, so that a key that comes twice is seen."""

    __slots__ = ()


def _row_of_pairs(
    pairs: Sequence[tuple[str, object]], line: int, number: int, faults: tuple[RowFault, ...]
) -> ImportRow:
    """Return the row of keys and values; what is no column or no text is a fault."""
    found = list(faults)
    cells: dict[str, str] = {}
    for column, value in pairs:
        if column not in _NAMES:
            found.append(RowFault(ImportFault.ROW_COLUMNS, "", "a key that is no column"))
        elif column in cells:
            found.append(RowFault(ImportFault.ROW_DUPLICATE_HEADER, column))
        else:
            cells[column] = value if isinstance(value, str) else ""
            if value is not None and not isinstance(value, str):
                found.append(RowFault(ImportFault.CELL_NOT_TEXT, column))
    return ImportRow(line, number, cells, tuple(dict.fromkeys(found)))
