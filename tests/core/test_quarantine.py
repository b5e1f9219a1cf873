"""What a quarantine file says of a row: the codes and the reasons, no formula, and no secret."""

import pytest

from cityauth.core.import_fault import ImportFault, RowFault
from cityauth.core.import_file import read_csv
from cityauth.core.import_row import COLUMNS, ImportRow
from cityauth.core.quarantine import QUARANTINE_COLUMNS, REDACTED, QuarantinedRow, harmless, redact

HASH = "$2b$12$abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01"
REALM = (RowFault(ImportFault.REALM_UNKNOWN, "realm"),)
FEW = (RowFault(ImportFault.ROW_COLUMNS),)


def test_a_row_is_written_with_where_and_why() -> None:
    """The line, the row, every code once and every reason stand before the cells, as the header says."""
    cells = dict(zip(COLUMNS, [*"abcdefgh", HASH, "bcrypt", "utf-8"], strict=True))
    faults = (*REALM, RowFault(ImportFault.CELL_DATE, "email"), RowFault(ImportFault.CELL_DATE, "contact"))
    written = dict(zip(QUARANTINE_COLUMNS, QuarantinedRow(ImportRow(9, 7, cells), faults).cells(), strict=True))
    assert (written["line"], written["row"], written["codes"]) == ("9", "7", "realm.unknown cell.date")
    assert written["reasons"].count("; ") == 2 + 2
    assert (written["external_id"], written["status"], written["password_format"]) == ("a", "h", "bcrypt")
    assert written["password_hash"] == REDACTED


@pytest.mark.parametrize("text", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "|cmd", "\uff1d1", "%x"])
def test_no_cell_begins_a_formula(text: str) -> None:
    """A cell that a spreadsheet would run gets an apostrophe before it, and keeps its text on one line."""
    assert harmless(text).startswith("'")
    assert "\n" not in harmless(text)
    assert "\t" not in harmless(text)


def test_what_cannot_be_printed_is_escaped() -> None:
    """Controls, bidi controls and bytes that are not UTF-8 are written as escapes."""
    assert harmless("a\x1b\u202e\udce4ä") == "a\\x1b\\u202e\\xe4ä"


@pytest.mark.parametrize(
    "secret",
    [
        HASH,
        f'"{HASH}"',
        "{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
        "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19",
        "pbkdf2_sha256$1$suola$soms",
        "sha1$suola$abc",
        "0x0100ABCDEF",
    ],
)
def test_a_hash_in_a_wrong_column_is_redacted(secret: str) -> None:
    """What begins like a stored hash is left out, whichever column it stands in."""
    written = {column: "".join(redact(ImportRow(2, 1, {column: secret}), REALM)) for column in COLUMNS}
    assert written == dict.fromkeys(COLUMNS, REDACTED)


@pytest.mark.parametrize("secret", [HASH, "kissa123", "5f4dcc3b5aa765d61d8327deb882cf99", "X03MO1qnZdYdgyfeuILPmQ=="])
def test_a_row_with_a_column_too_few_shows_no_secret(secret: str) -> None:
    """Whichever cell is missing, the stored hash or password is left out, and the first cells are there."""
    for dropped in range(11):
        cells = ["1", "citizen", "matti", "m@example.com", "", "Matti", "fi", "active", secret, "", ""]
        del cells[dropped]
        text = "".join(redact(ImportRow(2, 1, dict(zip(COLUMNS, cells, strict=False))), FEW))
        assert secret not in text, dropped
        assert ("matti" if dropped == 3 else "m@example.com") in text, dropped


def test_a_row_that_lost_many_columns_shows_no_secret() -> None:
    """However many cells are missing before it, a password of plain letters is left out."""
    for kept in range(2, 11):
        cells = ["1", *["x"] * (kept - 2), "kissa123"]
        assert "kissa123" not in "".join(redact(ImportRow(2, 1, dict(zip(COLUMNS, cells, strict=False))), FEW)), kept


def test_a_row_under_another_order_of_columns_shows_no_secret() -> None:
    """Where the file has its own order of columns, a shifted row shows its first cell alone."""
    order = ["username", "password_hash", *(one for one in COLUMNS if one not in {"username", "password_hash"})]
    (row,) = read_csv([(",".join(order) + "\nkissa123,1,citizen\n").encode()])
    assert "kissa123" not in "".join(redact(row, row.faults))


def test_rows_that_cannot_be_read_show_nothing() -> None:
    """A row without cells is written with its line and its reason."""
    assert QuarantinedRow(ImportRow(2, 1, {}), (RowFault(ImportFault.ROW_QUOTES),)).cells()[4:] == ("",) * 11
