"""The report on a plan: one page of HTML with pictures, and the rows of a spreadsheet, for those who decide.

It names accounts by the host's own key, and shows addresses masked. Everything from outside is escaped.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from itertools import islice
from typing import Final

from cityauth.core.migration import StepAction
from cityauth.core.migration_decisions import harmless_cell
from cityauth.core.migration_plan import AccountClass, Collision, Decision, PlanHeader, PlanLine
from cityauth.core.similarity import AddressWarning
from cityauth.messages.catalogue import FALLBACK, LANGUAGES
from cityauth.messages.names import mask_email
from cityauth.messages.plan_texts import PlanText
from cityauth.messages.texts import SHIPPED, Texts

MOST_ROWS: Final = 200
"""Accounts that the page lists; the spreadsheet has all of them."""

CSV_HEAD: Final = (
    "group", "kind", "external_id", "account", "class", "reasons", "address", "with", "right_domain", "decision",
    "email",
)  # fmt: skip
"""The columns of the spreadsheet. The last two are empty: they are for those who decide."""

REPORT_START: Final = "<!doctype html>\n<!-- cityauth migrate plan -->\n"
"""How the page begins: an earlier page is known by it."""

_STYLE: Final = """
:root { color-scheme: light }
body { font: 1rem/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem }
h1 { font-size: 1.7rem; line-height: 1.25 } h2 { font-size: 1.3rem; margin-top: 2.5rem }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
caption { text-align: left; padding: .3rem 0; color: #444 }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #c4c4c4;
  overflow-wrap: anywhere }
th[scope="col"] { overflow-wrap: normal }
td.number { text-align: right; white-space: nowrap }
svg { width: 100%; height: auto } svg text { font: 13px system-ui, sans-serif; fill: #1b1b1b }
rect { fill: #00567a } rect.good { fill: #00663a } rect.stop { fill: #a13800 }
code { font-size: .95em } figure { margin: 1rem 0 }
@media (max-width: 40rem) {
  figure { display: none } table { table-layout: fixed; font-size: .9rem }
  h1, h2, p { overflow-wrap: anywhere; hyphens: auto } h1 { font-size: 1.4rem }
  th, th[scope="col"], td, td.number { overflow-wrap: anywhere; hyphens: auto; white-space: normal }
}
"""

_BAR_LEFT, _BAR_WIDTH, _ROW_HEIGHT, _CHART_WIDTH = 310, 360, 26, 760
_CALM: Final = {AccountClass.EXEMPT: "", AccountClass.ALREADY: "good", AccountClass.READY: "good"}

_Say = Callable[..., str]


def page(
    header: PlanHeader, rows: Iterable[PlanLine], language: str, texts: Texts = SHIPPED, title: str = ""
) -> Iterator[str]:
    """Give the page in pieces.

    Args:
        header: The plan's header.
        rows: The accounts that people must decide about, those of one group one after the other.
        language: ``fi``, ``sv`` or ``en``; any other reads as English.
        texts: The texts of the service.
        title: What stands in place of the shipped title; plain text.
    """
    language = language if language in LANGUAGES else FALLBACK

    def say(code: str, **params: str | int) -> str:
        return escape(texts.text(code, language, **params))

    heading = escape(title) or say(PlanText.TITLE)
    yield (
        f'{REPORT_START}<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{heading}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{heading}</h1>\n"
    )
    yield from _summary(header, say, language)
    yield from _classes(header, say, language)
    yield from _warnings(header, say, language)
    yield from _collisions(rows, say)
    yield from _decisions(say)
    yield "</main>\n</body>\n</html>\n"


def spreadsheet_row(line: PlanLine) -> list[str]:
    """Return an account's row under `CSV_HEAD`; no cell is a formula."""
    cells = (
        group_of(line),
        line.collision or "",
        line.external_id or "",
        line.account,
        line.account_class,
        " ".join(line.reasons),
        "" if line.identifier is None else mask_email(line.identifier),
        " ".join(line.collides_with),
        line.right_domain or "",
        line.decision or "",
        "",
    )
    return [harmless_cell(_one_line(cell)) for cell in cells]


def group_of(line: PlanLine) -> str:
    """Return a name that the accounts of one group have in common.

    It is the misspelt domain for a typo, and else the first of the accounts in the order of their names.
    """
    if line.collision is Collision.TYPO and line.key is not None:
        return line.key.rpartition("@")[2]
    return min((line.reference, *line.collides_with))


def _one_line(text: str) -> str:
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def _summary(header: PlanHeader, say: _Say, language: str) -> Iterator[str]:
    moved, kept = (header.actions.get(one, 0) for one in (StepAction.MOVE, StepAction.KEEP))
    rest = header.accounts - moved - kept
    date = header.at.strftime("%Y-%m-%d %H:%M UTC")
    counts = {"move": moved, "keep": kept, "rest": rest}
    yield f"<p>{say(PlanText.MADE, plan=header.plan_id, date=date, count=_number(header.accounts, language))}</p>\n"
    shown = {name: _number(count, language) for name, count in counts.items()}
    yield f"<p><strong>{say(PlanText.SUMMARY, **shown)}</strong> {say(PlanText.NOT_APPLIED)}</p>\n"


def _classes(header: PlanHeader, say: _Say, language: str) -> Iterator[str]:
    """The chart, and a table of the same numbers with what to do next."""
    named = [(one, say(f"plan.class_{one}"), header.classes.get(one, 0)) for one in reversed(AccountClass)]
    yield f"<h2>{say(PlanText.CLASSES_HEADING)}</h2>\n{_chart(named, say(PlanText.CHART), language)}"
    rows = [(name, _number(count, language), say(f"plan.next_{one}")) for one, name, count in named]
    columns = (PlanText.COLUMN_CLASS, PlanText.COLUMN_COUNT, PlanText.COLUMN_NEXT)
    yield _table([say(one) for one in columns], rows, number=1)


def _chart(named: Sequence[tuple[AccountClass, str, int]], text: str, language: str) -> str:
    most = max((count for _, _, count in named), default=0) or 1
    bars = []
    for place, (one, name, count) in enumerate(named):
        top = place * _ROW_HEIGHT
        width = max(round(_BAR_WIDTH * count / most, 1), 1.5 if count else 0)
        kind = _CALM.get(one, "stop")
        bars.append(
            f'<text x="{_BAR_LEFT - 10}" y="{top + 17}" text-anchor="end">{name}</text>'
            f'<rect class="{kind}" x="{_BAR_LEFT}" y="{top + 4}" width="{width}" height="18"></rect>'
            f'<text x="{_BAR_LEFT + width + 6}" y="{top + 17}">{_number(count, language)}</text>'
        )
    height = len(named) * _ROW_HEIGHT
    return (
        f'<figure><svg role="img" aria-labelledby="chart" viewBox="0 0 {_CHART_WIDTH} {height}">'
        f'<title id="chart">{text}</title>{"".join(bars)}</svg></figure>\n'
    )


def _warnings(header: PlanHeader, say: _Say, language: str) -> Iterator[str]:
    found = [(one, header.warnings.get(one, 0)) for one in AddressWarning]
    rows = [(say(f"plan.warning_{one}"), _number(count, language)) for one, count in found if count]
    if rows:
        yield f"<h2>{say(PlanText.WARNINGS_HEADING)}</h2>\n<p>{say(PlanText.WARNINGS_TEXT)}</p>\n"
        yield _table([say(PlanText.COLUMN_WARNING), say(PlanText.COLUMN_COUNT)], rows, number=1)


def _collisions(lines: Iterable[PlanLine], say: _Say) -> Iterator[str]:
    yield f"<h2>{say(PlanText.COLLISIONS_HEADING)}</h2>\n"
    shown = list(islice(lines, MOST_ROWS + 1))
    if not shown:
        yield f"<p>{say(PlanText.NO_COLLISIONS)}</p>\n"
        return
    yield f"<p>{say(PlanText.COLLISIONS_TEXT)}</p>\n"
    rows = [
        (
            escape(_one_line(line.reference)),
            "" if line.identifier is None else escape(mask_email(line.identifier)),
            say(f"plan.kind_{line.collision or Collision.STRANGER}"),
            escape(_one_line(", ".join(line.collides_with) or line.right_domain or "")),
        )
        for line in shown[:MOST_ROWS]
    ]
    columns = (PlanText.COLUMN_EXTERNAL_ID, PlanText.COLUMN_ADDRESS, PlanText.COLUMN_KIND, PlanText.COLUMN_WITH)
    yield _table([say(one) for one in columns], rows)
    if len(shown) > MOST_ROWS:
        yield f"<p>{say(PlanText.FIRST_ROWS, count=MOST_ROWS)}</p>\n"


def _decisions(say: _Say) -> Iterator[str]:
    yield f"<h2>{say(PlanText.DECISIONS_HEADING)}</h2>\n"
    rows = [(f"<code>{one}</code>", say(f"plan.decision_{one}")) for one in Decision]
    yield _table([say(PlanText.COLUMN_DECISION), say(PlanText.COLUMN_MEANING)], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], number: int | None = None) -> str:
    """A table of escaped cells; *number* is the column of numbers."""
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = []
    for first, *rest in rows:
        cells = (
            f'<td class="number">{cell}</td>' if place == number else f"<td>{cell}</td>"
            for place, cell in enumerate(rest, 1)
        )
        body.append(f'<tr><th scope="row">{first}</th>{"".join(cells)}</tr>\n')
    return f"<table>\n<thead><tr>{top}</tr></thead>\n<tbody>\n{''.join(body)}</tbody>\n</table>\n"


def _number(count: int, language: str) -> str:
    """A number as it is written in the language: groups of three, parted by a space that does not break the line."""
    return f"{count:,}".replace(",", "," if language == FALLBACK else "\xa0")
