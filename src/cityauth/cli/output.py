"""What the command writes. Text from outside reaches the terminal only with its control characters escaped."""

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cityauth.core.characters import is_clean

_WIDE: Final = 100_000
"""Columns of a pipe: nothing is wrapped for a reader that is a program."""


class OutputLostError(Exception):
    """Standard output did not take what the command wrote, such as on a full disk. The work itself was done."""


@contextmanager
def _writing() -> Iterator[None]:
    """Write at once, and raise `OutputLostError` where standard output takes nothing."""
    try:
        yield
        if sys.stdout is not None:  # a process may be started without one
            sys.stdout.flush()
    except OSError as error:
        discard_output()
        raise OutputLostError(error.strerror or "it cannot be written") from error


def discard_output() -> None:
    """Write nothing more on standard output: what is left in its buffer would fail again at the end."""
    with suppress(OSError, io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def plain(text: str) -> str:
    r"""Return *text* on one line and harmless in a terminal.

    Controls, bidi controls, surrogates, invisible characters and every space but the ASCII one are written as
    escapes, such as ``\x1b`` and ``\u202e``.
    """
    if is_clean(text):
        return text
    return "".join(char if is_clean(char) else char.encode("unicode_escape").decode() for char in text)


def say(text: str, style: str = "") -> None:
    """Print one line on standard output, in *style* where the terminal has colours."""
    with _writing():
        _console().print(Text(plain(text), style), soft_wrap=True)


def say_wrong(text: str) -> None:
    """Print one line on standard error, marked as an error. The exit status says it where that cannot be written."""
    line = Text.assemble(("Error:", "bold red"), f" {plain(text)}")
    with suppress(OSError):
        _console(wrong=True).print(line, soft_wrap=True)


def say_json(value: object) -> None:
    """Print *value* as JSON in printable ASCII."""
    text = json.dumps(value, ensure_ascii=True, indent=2).replace("\x7f", "\\u007f")
    _write(f"{text}\n")


def show_fields(fields: Iterable[tuple[str, str]]) -> None:
    """Print names with their values, one to a line."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column()
    grid.add_column(overflow="fold")
    for name, value in fields:
        grid.add_row(Text(name, "dim"), Text(plain(value)))
    _print(grid)


def show_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in head:
        table.add_column(name, overflow="fold")  # never cut: what is hidden could be what matters
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    _print(table)


def _print(table: Table) -> None:
    """Print a table without the blanks that fill its lines up."""
    console = _console()
    with console.capture() as captured:
        console.print(table)
    _write("\n".join(line.rstrip() for line in captured.get().split("\n")))


def _write(text: str) -> None:
    with _writing():
        if sys.stdout is not None:
            sys.stdout.write(text)


def error_console() -> Console:
    """Return the console of standard error, on which progress is shown."""
    return _console(wrong=True)


def _console(*, wrong: bool = False) -> Console:
    """A console that reads no markup, no emoji codes and no numbers out of what it is given."""
    console = Console(stderr=wrong, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = _WIDE
    return console
