"""The report on a plan: what it says, and that nothing from outside is more than text in it."""

import csv
import io
import re
from collections import Counter
from datetime import UTC, datetime
from html import unescape
from html.parser import HTMLParser

import pytest

from cityauth.core.accounts import AccountId
from cityauth.core.migration import StepAction
from cityauth.core.migration_decisions import DecisionRow, read_decisions
from cityauth.core.migration_plan import AccountClass, Collision, Decision, PlanHeader, PlanLine
from cityauth.core.plan_report import CSV_HEAD, MOST_ROWS, page, spreadsheet_row
from cityauth.core.similarity import AddressWarning
from cityauth.messages import LANGUAGES, PlanText, Texts, text
from cityauth.policy.realms import Phase

COUNTS = {one: 1000 * place for place, one in enumerate(AccountClass)}
HEADER = PlanHeader(
    plan_id="abcd",
    version="1.0",
    population="0",
    at=datetime(2026, 5, 4, 12, 30, tzinfo=UTC),
    accounts=sum(COUNTS.values()),
    classes=COUNTS,
    phase=Phase.EMAIL_PREFERRED,
    warnings={AddressWarning.LOOKALIKE: 3, AddressWarning.DOT_TWIN: 0},
    actions={StepAction.MOVE: 9000, StepAction.KEEP: 30000},
)
HOSTILE = (
    '<script>alert(1)</script>"',
    "'><img src=x onerror=alert(1)>",
    '=HYPERLINK("http://evil.example")',
    "+358401234567",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r\n=1+1",
    "\u202eevil",
    'a,b;c"d',
    "&lt;b&gt;",
)


def shared(external_id: str | None, address: str = "pair@example.com", **other: object) -> PlanLine:
    """An account that shares its address."""
    line = PlanLine(
        AccountId("id"),
        external_id,
        AccountClass.SHARED_EMAIL,
        ("shared_email",),
        address,
        ("other",),
        f"1:{address}",
        collision=Collision.HOUSEHOLD,
    )
    return line._replace(**other)  # type: ignore[arg-type]  # any field


def report(*lines: PlanLine, language: str = "en", texts: Texts | None = None, header: PlanHeader = HEADER) -> str:
    """The whole page."""
    return "".join(page(header, lines, language, texts or Texts()))


class Tags(HTMLParser):
    """Counts the tags of a page, and keeps what they are nested in and their attributes."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.opened: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(source)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count a tag."""
        self.opened[tag] += 1
        self.attributes += attrs
        if tag != "meta":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Every tag ends in its place."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text += data


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_whole_in_every_language(language: str) -> None:
    """The page says its language, has one main heading, heads every column and row, and needs no other file."""
    whole = report(shared("7"), language=language)
    tags = Tags(whole)
    assert ("lang", language) in tags.attributes
    assert tags.opened["h1"] == tags.opened["main"] == tags.opened["title"] - 1 == 1
    assert tags.opened["h2"] == tags.opened["table"] == 4
    assert Counter(value for name, value in tags.attributes if name == "scope")["row"] == 10 + 1 + 1 + 4
    assert tags.opened.keys().isdisjoint({"script", "link", "img", "iframe"})
    assert not any(name in {"src", "href", "style", "onclick"} for name, _ in tags.attributes)
    for member in AccountClass:
        assert text(f"plan.class_{member}", language) in tags.text
        assert text(f"plan.next_{member}", language) in tags.text


def test_the_chart_has_a_bar_for_each_class_and_a_text() -> None:
    """The picture has a bar for each class, as long as the class is large, and a text for those who do not see it."""
    whole = report()
    tags = Tags(whole)
    assert tags.opened["rect"] == len(AccountClass)
    assert ("role", "img") in tags.attributes
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)"', whole)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == 0
    assert widths[0] == 9 * widths[-2]
    assert text(PlanText.CHART, "en") in tags.text


def test_numbers_are_written_as_the_language_has_them() -> None:
    """Thousands are parted by a space that does not break in Finnish and Swedish, and by a comma in English."""
    assert "9,000" in report()
    assert "9\xa0000" in report(language="fi")
    assert "9\xa0000" in report(language="sv")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_text(hostile: str) -> None:
    """An external id or an address that looks like markup or a formula is text, in the page and in the spreadsheet."""
    line = shared(hostile, f"{hostile}@example.com", collides_with=(hostile,), right_domain=hostile)
    plain, whole = Tags(report(shared("7"))), report(line)
    tags = Tags(whole)
    assert tags.opened == plain.opened
    assert "\u202e" not in whole
    cells = spreadsheet_row(line)
    assert len(cells) == len(CSV_HEAD)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)
    assert not any("\n" in cell or "\r" in cell for cell in cells)


@pytest.mark.parametrize("hostile", ["=1+1", "+358401234567", "-7", "@home", 'a,b;c"d'])
def test_an_external_id_comes_back_from_the_spreadsheet(hostile: str) -> None:
    """What is guarded against spreadsheets in the file of collisions is the same id when it comes back decided."""
    out = io.StringIO(newline="")
    row = spreadsheet_row(shared(hostile))
    row[CSV_HEAD.index("decision")] = "skip"
    csv.writer(out).writerows([CSV_HEAD, row])
    assert list(read_decisions(io.StringIO(out.getvalue(), newline=""))) == [DecisionRow(2, hostile, Decision.SKIP)]


def test_no_address_is_shown_whole() -> None:
    """The page and the spreadsheet have masked addresses, and no key and no contact."""
    line = shared("7", "matti.virtanen@example.com", contact="matti.virtanen@example.com")
    for shown in (report(line), ",".join(spreadsheet_row(line))):
        assert "m•••@example.com" in unescape(shown)
        assert "virtanen" not in shown


def test_the_page_lists_the_first_accounts_only() -> None:
    """A page of thousands of rows helps nobody: it lists the first ones, and says that the spreadsheet has all."""
    few, many = report(*[shared(f"{n}") for n in range(MOST_ROWS)]), report(*[shared(f"{n}") for n in range(999)])
    said = text(PlanText.FIRST_ROWS, "en", count=MOST_ROWS)
    assert said not in few
    assert said in many
    assert len(many) - len(few) < 1000


def test_nothing_to_decide_is_said() -> None:
    """Without collisions the page says so, and without warnings it has no table of them."""
    calm = report(header=PlanHeader("p", "1", "0", HEADER.at, 0, {}, Phase.BOTH))
    assert text(PlanText.NO_COLLISIONS, "en") in calm
    assert text(PlanText.WARNINGS_HEADING, "en") not in calm


def test_a_service_may_use_its_own_words() -> None:
    """The texts of the service stand in place of the shipped ones, escaped."""
    own = Texts({PlanText.TITLE: {"fi": "A & B", "sv": "A & B", "en": "A & B"}})
    assert "<h1>A &amp; B</h1>" in report(texts=own)


def test_another_language_reads_as_english() -> None:
    """A language without texts is English, and the page says so."""
    assert '<html lang="en">' in report(language="de")


def test_accounts_of_one_misspelt_domain_are_a_group() -> None:
    """Everybody at one misspelt domain stands together, and so does everybody at one address."""
    typos = [shared(f"{n}", f"n{n}@gmial.com", collision=Collision.TYPO, collides_with=()) for n in range(3)]
    assert {spreadsheet_row(line)[0] for line in typos} == {"gmial.com"}
    both = shared("b", collides_with=("a", "c")), shared("c", collides_with=("a", "b"))
    assert {spreadsheet_row(line)[0] for line in both} == {"a"}


def test_an_account_without_an_external_id_is_listed_by_its_id() -> None:
    """Reports name an account that the host has no key for by its id."""
    row = dict(zip(CSV_HEAD, spreadsheet_row(shared(None)), strict=True))
    assert (row["external_id"], row["account"], row["group"]) == ("", "id", "id")
    assert ">id<" in report(shared(None))
