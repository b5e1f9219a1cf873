"""What customer service decided about accounts that could not move, read from a spreadsheet and checked row by row.

A row with a fault is not used, and its account stays undecided: it keeps its username.
"""

import csv
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from cityauth.core.accounts import Account, AccountId, Status
from cityauth.core.characters import FORMULA_STARTS
from cityauth.core.identifiers import Identifier
from cityauth.core.migration_plan import Decision
from cityauth.core.population import KeyUse
from cityauth.errors import UsageError

COLUMNS: Final = ("external_id", "decision", "email")
"""The columns that are read. A file may have others."""

Reference: TypeAlias = tuple[str, str]
"""An external id and an empty text; or an empty text and an account id."""

_OF_A_SPREADSHEET: Final = frozenset({"group", "kind", "class", "account"})
"""Columns by which a spreadsheet of collisions is known."""


class DecisionFault(StrEnum):
    """Why a decision is not used. The codes stay the same in every release."""

    UNREADABLE_ROW = "unreadable_row"
    """The row has more cells than the header, names no account, or has a line break in a cell, as after a stray
    quote."""
    UNKNOWN_DECISION = "unknown_decision"
    """The decision is none of `Decision`."""
    UNKNOWN_ACCOUNT = "unknown_account"
    """No account has that external id; or, where the row has none, that account id."""
    ANOTHER_ACCOUNT = "another_account"
    """The external id is not that of the account in the same row of the spreadsheet; a program may have changed it."""
    DECIDED_TWICE = "decided_twice"
    """Another row decides for the same account. Neither of them is used."""
    EXEMPT_ACCOUNT = "exempt_account"
    """The account's realm does not move."""
    ALREADY_MOVED = "already_moved"
    """The account has an active e-mail identifier."""
    DISABLED_ACCOUNT = "disabled_account"
    """The account is disabled, so no address can sign in to it."""
    ADDRESS_NOT_WANTED = "address_not_wanted"
    """An address stands beside another decision than ``use_email``."""
    ADDRESS_MISSING = "address_missing"
    """The decision is ``use_email``, and there is no address in the row or on file."""
    BAD_ADDRESS = "bad_address"
    """The address does not pass the rules."""
    ADDRESS_IN_USE = "address_in_use"
    """Another account has the address for an identifier, or an erased account had it; or it is not the account's own
    address on file, and another account has it on file."""
    ADDRESS_DECIDED_TWICE = "address_decided_twice"
    """Another row gives the same address to another account. Neither of them is used."""


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One row that could be read.

    Attributes:
        number: Its line in the file, from 1.
        external_id: The account; empty where the row names it by its id.
        decision: What was decided.
        email: The address that is to sign in; empty for the one on file.
        account: The account's id, in a spreadsheet of collisions or where *external_id* is empty; else empty.
    """

    number: int
    external_id: str
    decision: Decision
    email: str = ""
    account: str = field(default="", compare=False)

    @property
    def reference(self) -> Reference:
        """What the row names its account by."""
        return self.external_id, "" if self.external_id else self.account


@dataclass(frozen=True, slots=True)
class RefusedDecision:
    """One row that is not used.

    Attributes:
        number: Its line in the file, from 1.
        external_id: The account as the row names it.
        faults: Everything that is wrong with it.
        account: The account's id, where the row names it by that; else empty.
    """

    number: int
    external_id: str
    faults: tuple[DecisionFault, ...]
    account: str = ""


@dataclass(frozen=True, slots=True)
class DecidedAccount:
    """What is known of the account that a row names, for checking the row.

    Attributes:
        account: The account.
        is_exempt: Whether its realm does not move.
        has_email: Whether it has an active e-mail identifier.
        on_file: The address on file as an identifier, if it passes the rules.
    """

    account: Account
    is_exempt: bool
    has_email: bool
    on_file: Identifier | None


def read_decisions(lines: Iterable[str]) -> Iterator[DecisionRow | RefusedDecision]:
    """Read the rows of a file with the columns ``external_id``, ``decision`` and ``email``, in any order.

    A row without an external id names its account by its id, in a column ``account``.
    Commas or semicolons part the cells, as the spreadsheet's language has it. Rows whose decision is empty are left
    out: they are not decided yet.

    Raises:
        UsageError: the first row lacks a column.
    """
    source = iter(lines)
    first = next(source, "").lstrip("\ufeff")
    delimiter = ";" if first.count(";") > first.count(",") else ","
    head = [cell.strip().lower() for cell in next(csv.reader([first], delimiter=delimiter), [])]
    if missing := [name for name in COLUMNS[:2] if name not in head]:
        raise UsageError(f"the first row of the decisions has no column {missing[0]!r}: it needs {','.join(COLUMNS)}")
    rows = csv.reader(source, delimiter=delimiter, strict=True)
    for cells in rows:
        number = rows.line_num + 1
        row = dict(zip(head, map(_cell, cells), strict=False))
        is_broken = any("\n" in row.get(name, "") or "\r" in row.get(name, "") for name in COLUMNS)
        names_nobody = any(cells) and not row.get("external_id") and not row.get("account")
        if is_broken or len(cells) > len(head) or names_nobody:
            yield RefusedDecision(number, *_named(row, DecisionFault.UNREADABLE_ROW))
        elif row.get("decision"):
            yield _row(number, row)


def _cell(text: str) -> str:
    """Return a cell without blanks around it and without the mark that `harmless_cell` put before it."""
    text = text.strip()
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULA_STARTS) else text


def harmless_cell(text: str) -> str:
    """Return *text* as a cell that no spreadsheet runs as a formula; `read_decisions` takes the mark away again."""
    return f"'{text}" if text.lstrip("'").startswith(FORMULA_STARTS) else text


def _row(number: int, row: Mapping[str, str]) -> DecisionRow | RefusedDecision:
    try:
        decision = Decision(row["decision"].lower())
    except ValueError:
        return RefusedDecision(number, *_named(row, DecisionFault.UNKNOWN_DECISION))
    account = row.get("account", "") if row.keys() >= _OF_A_SPREADSHEET or not row["external_id"] else ""
    return DecisionRow(number, row["external_id"], decision, row.get("email", ""), account)


def _named(row: Mapping[str, str], fault: DecisionFault) -> tuple[str, tuple[DecisionFault, ...], str]:
    """Return what a `RefusedDecision` says of the row: the account and the fault."""
    external_id = row.get("external_id", "")
    return external_id, (fault,), "" if external_id else row.get("account", "")


def decided_twice(rows: Collection[DecisionRow | RefusedDecision]) -> set[str]:
    """Return the external ids and account ids that more than one row names, also where one of them cannot be read."""
    counted = Counter(row.external_id or row.account for row in rows)
    return {name for name, count in counted.items() if count > 1}


def check_account(row: DecisionRow, decided: DecidedAccount | None) -> tuple[DecisionFault, ...]:
    """Return what is wrong with a decision, whatever address it gives."""
    if decided is None:
        return (DecisionFault.UNKNOWN_ACCOUNT,)
    uses_email = row.decision is Decision.USE_EMAIL
    holding = (
        (DecisionFault.ANOTHER_ACCOUNT, row.account not in {"", decided.account.id}),
        (DecisionFault.EXEMPT_ACCOUNT, decided.is_exempt),
        (DecisionFault.ALREADY_MOVED, uses_email and decided.has_email),
        (DecisionFault.DISABLED_ACCOUNT, uses_email and decided.account.status is not Status.ACTIVE),
        (DecisionFault.ADDRESS_NOT_WANTED, not uses_email and bool(row.email)),
        (DecisionFault.ADDRESS_MISSING, uses_email and not row.email and decided.on_file is None),
    )
    return tuple(fault for fault, holds in holding if holds)


def check_address(
    decided: DecidedAccount, wanted: Identifier, uses: Sequence[KeyUse], *, has_tombstone: bool
) -> tuple[DecisionFault, ...]:
    """Return what is wrong with the address that is to sign in.

    A household may give its shared address to one of its people. The others keep their usernames.

    Args:
        decided: The account.
        wanted: The address.
        uses: Who has it, as a contact or as an identifier.
        has_tombstone: Whether an erased account had it.
    """
    others = [use for use in uses if use.account_id != decided.account.id]
    is_own = decided.on_file is not None and decided.on_file.key == wanted.key
    if has_tombstone or any(use.status is not None or not is_own for use in others):
        return (DecisionFault.ADDRESS_IN_USE,)
    return ()


def addresses_decided_twice(wanted: Mapping[AccountId, Identifier]) -> set[AccountId]:
    """Return the accounts to which one and the same address was given."""
    counted = Counter(identifier.key for identifier in wanted.values())
    return {account_id for account_id, identifier in wanted.items() if counted[identifier.key] > 1}
