"""Decisions come back in a spreadsheet: each row is read and checked by itself."""

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cityauth.core.accounts import Account, AccountId
from cityauth.core.identifiers import Identifier
from cityauth.core.migration_decisions import (
    DecidedAccount,
    DecisionFault,
    DecisionRow,
    RefusedDecision,
    check_account,
    decided_twice,
    harmless_cell,
    read_decisions,
)
from cityauth.core.migration_plan import Decision
from cityauth.errors import UsageError


def read(text: str) -> list[DecisionRow | RefusedDecision]:
    """The rows of a file."""
    return list(read_decisions(io.StringIO(text, newline="")))


@pytest.mark.parametrize("head", ["external_id,decision,email", "\ufeffExternal_ID, Decision ,EMAIL"])
def test_rows_are_read(head: str) -> None:
    """Each row gives an account, a decision and perhaps an address; blanks and case make no difference."""
    assert read(f"{head}\r\n7,use_email,a@example.com\r\n 8 , Keep_Username ,\r\n") == [
        DecisionRow(2, "7", Decision.USE_EMAIL, "a@example.com"),
        DecisionRow(3, "8", Decision.KEEP_USERNAME),
    ]


def test_a_spreadsheet_may_use_semicolons_and_more_columns() -> None:
    """The columns may stand in any order among others, and be parted as a Finnish spreadsheet does."""
    assert read("kind;email;decision;external_id\nhousehold;;skip;7\n") == [DecisionRow(2, "7", Decision.SKIP)]


def test_rows_that_are_not_decided_are_left_out() -> None:
    """An empty decision is none yet, and an empty line is no row."""
    assert read("external_id,decision,email\n7,,\n\n,,\n8\n") == []


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("7,maybe,", DecisionFault.UNKNOWN_DECISION),
        (",use_email,", DecisionFault.UNREADABLE_ROW),
        ("7,skip,,,x", DecisionFault.UNREADABLE_ROW),
    ],
)
def test_a_row_that_cannot_be_read_has_a_code(row: str, fault: DecisionFault) -> None:
    """A row that is wrong by itself is refused with its line and a code, and the next one is read."""
    first, second = read(f"external_id,decision,email\n{row}\n9,skip,\n")
    assert first == RefusedDecision(2, row.partition(",")[0], (fault,))
    assert second == DecisionRow(3, "9", Decision.SKIP)


@pytest.mark.parametrize("text", ["", "external_id,email\n7,\n", "7,skip,\n"])
def test_a_file_without_the_columns_is_refused(text: str) -> None:
    """A file that lacks a column is refused as a whole, with the columns that it needs."""
    with pytest.raises(UsageError, match="it needs external_id,decision,email"):
        read(text)


def test_a_quotation_mark_that_closes_late_swallows_nothing_in_silence() -> None:
    """Rows that a stray quotation mark has made one are refused, and the next one is read."""
    first, second = read('external_id,decision,email\n"7,skip,\n8",use_email,\n9,skip,\n')
    assert first == RefusedDecision(3, "7,skip,\n8", (DecisionFault.UNREADABLE_ROW,))
    assert second == DecisionRow(4, "9", Decision.SKIP)


def test_a_quotation_mark_that_never_closes_is_said() -> None:
    """A stray quotation mark swallows no decisions in silence."""
    with pytest.raises(csv.Error):
        read('external_id,decision,email\n"7,skip,\n8,skip,\n')


HEAD = "group,kind,external_id,account,class,decision,email"


def test_a_row_of_the_spreadsheet_names_its_account_twice() -> None:
    """An external id that a spreadsheet has changed, such as 007 to 7, decides for nobody else."""
    (row,) = read(f"{HEAD}\n7,stranger,7,id-of-007,shared_email,use_email,\n")
    assert isinstance(row, DecisionRow)
    account = Account(AccountId("id-of-7"), "citizen", "Seven", external_id="7", contact="seven@example.com")
    on_file = Identifier("email", "seven@example.com", "1:seven@example.com")
    decided = DecidedAccount(account, is_exempt=False, has_email=False, on_file=on_file)
    assert check_account(row, decided) == (DecisionFault.ANOTHER_ACCOUNT,)
    assert check_account(replace(row, account="id-of-7"), decided) == ()
    (own,) = read("external_id,account,decision,email\n7,4711,skip,\n")
    assert isinstance(own, DecisionRow)
    assert own.account == ""


def test_a_row_without_an_external_id_names_its_account_by_the_id() -> None:
    """The column `account` counts where the external id is empty, and a row with neither cannot be read."""
    rows = read("account,external_id,decision,email\nid-7,,use_email,a@example.com\n,,skip,\nid-8,,maybe,\nx,9,skip,\n")
    assert rows == [
        DecisionRow(2, "", Decision.USE_EMAIL, "a@example.com"),
        RefusedDecision(3, "", (DecisionFault.UNREADABLE_ROW,)),
        RefusedDecision(4, "", (DecisionFault.UNKNOWN_DECISION,), "id-8"),
        DecisionRow(5, "9", Decision.SKIP),
    ]
    assert [one.reference for one in rows if isinstance(one, DecisionRow)] == [("", "id-7"), ("9", "")]


def test_who_is_decided_twice_is_named() -> None:
    """Two rows for one account are both suspect."""
    rows = [DecisionRow(2, "7", Decision.SKIP), DecisionRow(3, "8", Decision.SKIP), DecisionRow(4, "7", Decision.SKIP)]
    assert decided_twice(rows) == {"7"}


@example("'=1")
@example("''=1")
@example("%0a")
@example("\uff1d1")
@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=8))
def test_a_guarded_cell_comes_back_as_it_was(text: str) -> None:
    """No external id is lost by the mark that keeps a spreadsheet from running it as a formula."""
    assert not harmless_cell(text).startswith(("=", "+", "-", "@", "%", "|", "\uff1d", "\uff0b", "\uff20", "\u2212"))
    out = io.StringIO(newline="")
    csv.writer(out).writerow([harmless_cell(text), "skip", ""])
    (row,) = read(f"external_id,decision,email\r\n{out.getvalue()}")
    assert row.external_id == text
