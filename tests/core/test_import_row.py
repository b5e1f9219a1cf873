"""One row of an import: a person, or everything that is wrong with the row, each with its published code."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityauth.core.accounts import Status
from cityauth.core.identifiers import EMAIL
from cityauth.core.import_cells import find_accidents
from cityauth.core.import_fault import SENTENCES, ImportFault, RowFault
from cityauth.core.import_file import row_of
from cityauth.core.import_row import COLUMNS, ImportRow, ImportRules, SourcePerson, address_on_file, read_row

RULES = ImportRules(frozenset({"citizen", "official"}), EMAIL)
LENIENT = ImportRules(frozenset({"citizen"}), EMAIL, accept_invalid_email=True)
GOOD = {
    "external_id": "4711",
    "realm": "citizen",
    "username": "Matti",
    "email": "Matti.M@Example.com",
    "display_name": "Matti Meikäläinen",
    "language": "sv",
    "status": "active",
}


def row(faults: Iterable[RowFault] = (), /, **cells: str) -> ImportRow:
    """A row that is good but for the cells given."""
    return ImportRow(2, 1, {column: {**GOOD, **cells}.get(column, "") for column in COLUMNS}, tuple(faults))


def faults_of(one: ImportRow, rules: ImportRules = RULES) -> list[tuple[str, str]]:
    """The column and the code of each fault; empty for a person."""
    read = read_row(one, rules)
    return [] if isinstance(read, SourcePerson) else [(fault.column, fault.code.value) for fault in read]


def test_a_good_row_is_a_person() -> None:
    """A row without faults gives a person with the username as it was and the address as mail is sent to it."""
    person = read_row(row(), RULES)
    assert isinstance(person, SourcePerson)
    assert (person.external_id, person.realm, person.display_name) == ("4711", "citizen", "Matti Meikäläinen")
    assert person.username is not None
    assert (person.username.kind, person.username.shown, person.username.key) == ("username", "Matti", "1:matti")
    assert (person.email, person.address) == ("Matti.M@Example.com", "Matti.M@example.com")
    assert (person.language, person.status) == ("sv", Status.ACTIVE)


def test_nobody_gets_an_invented_address() -> None:
    """A row without an address gives a person without one, and nothing is made of the username."""
    person = read_row(row(email=""), RULES)
    assert isinstance(person, SourcePerson)
    assert (person.address, person.email) == (None, "")


def test_the_email_is_the_address_where_both_are_given() -> None:
    """The column email becomes the contact; the column contact stays beside it for the source record."""
    person = read_row(row(contact="huoltaja@example.com"), RULES)
    assert isinstance(person, SourcePerson)
    assert (person.address, person.contact) == ("Matti.M@example.com", "huoltaja@example.com")
    person = read_row(row(email="", contact="huoltaja@example.com"), RULES)
    assert isinstance(person, SourcePerson)
    assert (person.address, person.email) == ("huoltaja@example.com", "")


def test_an_empty_language_and_status_have_their_documented_meaning() -> None:
    """An empty language is Finnish and an empty status is active, as for an account that is added by hand."""
    person = read_row(row(language="", status=""), RULES)
    assert isinstance(person, SourcePerson)
    assert (person.language, person.status) == ("fi", Status.ACTIVE)


def test_all_faults_of_a_row_are_named() -> None:
    """A row with a fault in every column names every one of them, in the order of the columns read."""
    bad = row(
        external_id="",
        realm="citizn",
        username="a\u202eb",
        email="matti@",
        contact="a@example.com;b@example.com",
        display_name="",
        language="fin",
        status="1",
    )
    assert faults_of(bad) == [
        ("external_id", "external_id.missing"),
        ("realm", "realm.unknown"),
        ("username", "username.forbidden_character"),
        ("email", "email.not_an_address"),
        ("contact", "contact.not_an_address"),
        ("display_name", "name.missing"),
        ("language", "language.unknown"),
        ("status", "status.unknown"),
    ]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"external_id": "x" * 256}, "external_id.too_long"),
        ({"external_id": "47\u200b11"}, "external_id.forbidden_character"),
        ({"external_id": "47\ud80011"}, "external_id.forbidden_character"),
        ({"realm": ""}, "realm.missing"),
        ({"realm": "Citizen"}, "realm.unknown"),
        ({"username": "x" * 1025}, "username.too_long"),
        ({"username": "mat\x07ti"}, "username.forbidden_character"),
        ({"username": "", "email": ""}, "username.missing"),
        ({"email": "x" * 1025}, "email.too_long"),
        ({"email": "matti@localhost"}, "email.not_an_address"),
        ({"email": "Matti <matti@example.com>"}, "email.not_an_address"),
        ({"email": "äiti@example.com"}, "email.needs_smtputf8"),
        ({"email": "m\u0430tti@example.com"}, "email.mixed_script"),
        ({"email": "mat\x00ti@example.com"}, "email.forbidden_character"),
        ({"contact": "nobody"}, "contact.not_an_address"),
        ({"display_name": "M" * 151}, "name.too_long"),
        ({"display_name": "Matti\u202eM"}, "name.forbidden_character"),
        ({"display_name": "Matti\nM"}, "name.forbidden_character"),
        ({"language": "de"}, "language.unknown"),
        ({"status": "Active"}, "status.unknown"),
        ({"status": "deleted"}, "status.unknown"),
    ],
)
def test_each_rule_has_its_code(cells: dict[str, str], code: str) -> None:
    """A cell that breaks one rule gives the code of that rule and no other."""
    assert [found for _, found in faults_of(row(**cells))] == [code]


def test_a_row_of_empty_cells_is_named_as_such() -> None:
    """A row with nothing in it has one fault and not one for every column."""
    assert faults_of(ImportRow(2, 1, dict.fromkeys(COLUMNS, " "))) == [("", "row.empty")]


def test_an_invalid_address_may_be_accepted() -> None:
    """With accept_invalid_email the person has no address on file, and the text of the source is kept."""
    person = read_row(row(email="matti@localhost"), LENIENT)
    assert isinstance(person, SourcePerson)
    assert (person.address, person.email) == (None, "matti@localhost")
    assert faults_of(row(email="NULL"), LENIENT) == [("email", "cell.null_word")]
    assert faults_of(row(email="m\x07@x"), LENIENT) == [("email", "email.forbidden_character")]


ACCIDENTS = {
    "cell.null_word": ["NULL", "null", "\\N", "None", "nan", "NaN", "N/A", "<NA>", "(null)", "undefined", "NIL", "NA"],
    "cell.number": ["1.00E+05", "1,00E+05", "1E+05", "1e+21", "1.5e-05", "-1.2E3", "100000.0", "12,00", "100 000",
                    "1\u00a0234\u00a0567,5"],
    "cell.date": ["3.5.2024", "03/05/24", "2024-05-03", "2024-05-03 00:00:00", "2024-05-03T10:00:00Z", "5-Mar",
                  "Mar-05", "05.maalis", "kesä.12", "12-maj", "31.12.", "5 March 2024", "elo.70", "5. toukokuuta 2024", "12:30", "12:30:15", "3-5-2024"],
    "cell.quotes": ['"matti"', "'matti'", "”matti”", "«matti»", "'00123", 'matti"', "`matti`"],
    "cell.trailing_separator": ["matti;", "matti,", ";matti", "matti|", "matti; ", "matti\t", "mat\tti"],
    "cell.sheet_error": ["#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "####", "#PUUTTUU!", "#SAKNAS!", "#ARVO!"],
    "cell.mojibake": ["MÃ¤kinen", "Ã…ngstrÃ¶m", "M\ufffdkinen", "Ã\x85ke", "KÃ¤yttÃ¤jÃ¤"],
}  # fmt: skip


@pytest.mark.parametrize("column", ["external_id", "username", "email", "contact", "display_name", "password_hash"])
def test_an_accident_is_named_in_every_column(column: str) -> None:
    """What a spreadsheet or an export did to a cell has its own code, whichever column it stands in."""
    cells = [(code, cell) for code, cells in ACCIDENTS.items() for cell in cells]
    passed = [cell for code, cell in cells if (column, code) not in faults_of(row(**{column: cell}))]
    assert passed == (["'00123", 'matti"'] if column == "display_name" else [])  # a name may have one quotation mark


def test_what_is_no_accident_passes() -> None:
    """Names, numbers and keys as people and systems really have them are not taken for accidents."""
    cells = [
        "matti", "matti.virtanen", "o'brien", "d'arc-1", "2024", "00123", "+358401234567", "010180-123A", "10.0.0.1",
        "matti@example.com", "Åke.Öberg", "maarit", "marko.05", "junior", "Nathalie", "na", "nat", "nulla", "e5", "1E5",
        "550e8400-e29b-41d4-a716-446655440000", "5,5", "A-12", "$2b$12$abc", "SÃO", "JOÃO", "Ääkkönen", "x", "1.2",
        "mar", "desember", "jan.05", "marjatta-80", "toukola 12", "marssi.44", "elon 1970", "1234567890123456789", "matti;virtanen",
    ]  # fmt: skip
    assert [cell for cell in cells if find_accidents(cell)] == []


def test_a_cell_may_have_several_accidents() -> None:
    """Each accident of one cell is named."""
    assert find_accidents('"matti";') == (ImportFault.CELL_QUOTES, ImportFault.CELL_TRAILING_SEPARATOR)


def test_blanks_around_a_cell_do_not_count() -> None:
    """Blanks that columns of a fixed width leave are dropped, in every column."""
    plain, padded = read_row(row(), RULES), row(**{column: f" {text}\u00a0 " for column, text in GOOD.items()})
    assert read_row(padded, RULES) == plain


def test_cells_are_not_judged_where_the_columns_are_in_doubt() -> None:
    """A row with a column too few has that one fault: nobody knows which cell belongs to which column."""
    one = row([RowFault(ImportFault.ROW_COLUMNS)], realm="matti")
    assert faults_of(one) == [("", "row.columns")]


def test_a_row_of_another_encoding_is_judged_where_it_can_be_read() -> None:
    """Beside the encoding, the faults of the cells that can be read are named, and no others."""
    one = row([RowFault(ImportFault.ROW_ENCODING)], display_name="M\udce4kinen", realm="citizn")
    assert faults_of(one) == [("", "row.encoding"), ("realm", "realm.unknown")]


def test_every_code_has_a_sentence() -> None:
    """Each code has a sentence, and no two codes have the same."""
    assert set(SENTENCES) == set(ImportFault)
    assert len(set(SENTENCES.values())) == len(ImportFault)
    assert RowFault(ImportFault.ROW_COLUMNS, "", "2 cells, not 11").message.endswith("(2 cells, not 11)")
    assert RowFault(ImportFault.REALM_MISSING, "realm").message == "realm: the row has no realm"


@given(st.dictionaries(st.sampled_from(COLUMNS), st.text(st.characters(codec=None), max_size=40)))
def test_any_text_gives_a_person_or_faults(cells: dict[str, str]) -> None:
    """Whatever the cells hold, the answer is a person whose texts can be stored, or at least one fault."""
    read = read_row(ImportRow(2, 1, cells), RULES)
    if isinstance(read, SourcePerson):
        for text in (read.external_id, read.email, read.display_name, read.contact or ""):
            text.encode()
    else:
        assert read


def test_a_cell_that_is_no_text_has_one_fault() -> None:
    """A number in the place of a text is named as such, and not judged as an empty username besides."""
    given = {"external_id": "1", "realm": "citizen", "username": 5, "display_name": "A", "email": "a@example.com"}
    found = faults_of(row_of(given, line=1, number=1))
    assert [one for one in found if "username" in one] == [("username", "cell.not_text")]


def test_mail_goes_to_the_first_address_that_passes() -> None:
    """The e-mail address goes before the contact; where neither passes there is no address."""
    assert address_on_file("a@example.com", "b@example.com", EMAIL) == "a@example.com"
    assert address_on_file("worse", "b@example.com", EMAIL) == "b@example.com"
    assert address_on_file("bad", "worse", EMAIL) is None
    assert address_on_file("", "", EMAIL) is None


def test_a_cell_of_blanks_has_no_accident() -> None:
    """What is invisible is as good as nothing: the column's own rule says whether it may be empty."""
    assert [find_accidents(cell) for cell in ("", " ", "\u00a0", "\u200b\u200b")] == [()] * 4
    assert find_accidents(";") == find_accidents(" ; ") == (ImportFault.CELL_TRAILING_SEPARATOR,)
