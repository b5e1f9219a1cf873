"""docs/performance.md and its plots, made of the JSON that the jobs wrote."""

from html import escape
from math import log10
from pathlib import Path

from benchmarks.result import RESULTS, Result, Table, read, render, render_goals

DOCS = Path(__file__).parents[1] / "docs"
TITLES = {
    "sign_in": "Sign-in, without the password hash",
    "session_check": "Session check",
    "resolve": "Resolving an identifier",
    "identifier_key": "The key of an e-mail address",
    "imports": "Import",
    "import_people": "Import of people",
    "plan": "Plan of a migration",
    "whole_city": "A whole city, once",
    "sign_in_meanwhile": "Signing in while a plan is carried out",
    "switch": "Carrying a plan out, and taking it back",
    "storm": "A storm of sign-ins",
    "equal_time": "What the time of a refusal tells",
    "postgresql_check": "Session check on PostgreSQL",
    "processes": "One process and two",
}
INTRODUCTION = """\
# Performance

This page compares cityauth with Django, with Flask-Security and with the *floor*: hand-written code on `sqlite3` that runs only the
statements that the job needs. `python benchmarks/run.py docs` writes the page from the measurements in `benchmarks/results/`.

Times differ from machine to machine, and from hour to hour on one machine. So look at the ratios. In each round every library has
one turn, and a ratio compares the turns of one round. The tables show medians, with the 10th and the 90th percentile in brackets.
The floor runs twice: *floor again* shows how much two equal programs differ.

To measure again, use a separate environment, because it needs the other libraries:

```console
$ uv venv .bench && uv pip install --python .bench/bin/python -e '.[sql]' --group bench
$ .bench/bin/python benchmarks/run.py session_check
$ .bench/bin/python benchmarks/run.py docs
```

The jobs are `sign_in`, `session_check`, `resolve`, `identifier_key`, `imports`, `import_people`, `plan`,
`whole_city`, `sign_in_meanwhile`, `switch`, `storm`, `equal_time`, `postgresql_check` and `processes`. `--rounds` and `--accounts` make a run shorter.
The tests count what can be counted: one evaluation of the hash for each sign-in attempt, one query and no write for a session
check, one commit for a sign-in.
"""
BEFORE = """\
## Against an earlier commit

`python benchmarks/compare.py OTHER_FOLDER` compares two checkouts of cityauth: each does the same job in a process of its own, by
turns, and the processor time of the thread counts. The table compares with commit `968640f`, which stores less of a session and of an
account. The goal is at most 1.05. These are two runs one after the other on 2 quiet cores; their session checks differ more than the goal
allows, so that job needs a steadier machine.

| job | first run | second run | |
|---|---:|---:|---|
| session check | 1.06 | 1.22 | **missed** |
| resolve | 0.92 | 0.94 | reached |
| sign-in, with a cheap hash | 1.25 | 1.30 | **missed** |

What a session check does more: it reads two more columns, and the statement passes through a driver that can be exchanged. What
a sign-in does more, by a profile: it draws a dummy hash for known identifiers too, so that a known one takes no less time than an
unknown one (a fifteenth of the whole); it writes a second unique index of the session, by which a sign-out finds it under any of
its tokens, and looks whether the database file is still in place (together another fifteenth); and it reads the stored hash with
the registry of formats.
"""
WIDTH, BAR, LABEL, NUMBER = 720, 26, 200, 70


def write(folder: Path = RESULTS, docs: Path = DOCS) -> None:
    """Write the page and its plots."""
    found = results(folder)
    (docs / "performance").mkdir(exist_ok=True)
    for name, drawing in plots(found).items():
        (docs / "performance" / name).write_text(drawing, encoding="utf-8")
    (docs / "performance.md").write_text(text(found), encoding="utf-8")


def plots(found: list[Result]) -> dict[str, str]:
    """Return the plot of each table, by the name of its file."""
    return {_plot_name(result, number): plot(table) for result in found for number, table in enumerate(result.tables)}


def results(folder: Path = RESULTS) -> list[Result]:
    """Read what has been measured, in the order of the page."""
    return [read(path) for path in (folder / f"{job}.json" for job in TITLES) if path.exists()]


def text(found: list[Result]) -> str:
    """Return the page in Markdown."""
    return "\n".join([INTRODUCTION, BEFORE, *(_section(result) for result in found)])


def _section(result: Result) -> str:
    parts = [f"## {TITLES[result.job]}", result.about, render_goals(result.goals)]
    for number, table in enumerate(result.tables):
        image = f"![{table.title}: times {table.base}](performance/{_plot_name(result, number)})"
        parts += [f"### {TITLES[result.job]}: {table.title}, {table.rounds} rounds", image, render(table)]
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    machine = result.machine
    parts.append(
        f"Measured with {versions}, on {machine['cores']} cores of {machine['processor']}, {machine['system']}."
    )
    return "\n\n".join(parts) + "\n"


def _plot_name(result: Result, number: int) -> str:
    return f"{result.job}-{number + 1}.svg"


def plot(table: Table) -> str:
    """Return *table* as bars on a logarithmic scale: how many times the base each contender takes."""
    top = max(row.ratio.p90 for row in table.rows)
    room = (WIDTH - LABEL - NUMBER) / max(log10(top * 2), 0.1)
    height = BAR * len(table.rows) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" '
        f'font-size="13" role="img"><title>{escape(table.title)}: times {escape(table.base)}</title>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for index, row in enumerate(table.rows):
        y = BAR * index + 5
        length = max(2.0, room * log10(max(row.ratio.median, 0.5) * 2))
        fill = "#0b5cad" if row.name.startswith("cityauth") else "#9aa5b1"
        name = escape(row.name)
        parts += [
            f'<text x="{LABEL - 8}" y="{y + 16}" text-anchor="end" fill="#222">{name}</text>',
            f'<rect x="{LABEL}" y="{y + 3}" width="{length:.1f}" height="{BAR - 8}" fill="{fill}"/>',
            f'<text x="{LABEL + length + 6:.1f}" y="{y + 16}" fill="#222">{row.ratio.median:,.1f} ×</text>',
        ]
    return "\n".join([*parts, "</svg>\n"])
