# ruff: noqa: INP001 - a script, not a package
"""Make ``docs/security.md``: every row of ``docs/security_rows.toml``, with the tests that name it.

A test names the rows that it proves at the end of its docstring's sentence: ``(B-38, C-08, ASVS 7.2.4, 7.4.1)``.

python tools/security_matrix.py          write it
python tools/security_matrix.py --check  exit 1 when it is not up to date
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "security.md"
ROWS = ROOT / "docs" / "security_rows.toml"
#: Where tests are; the contracts in the package are run by tests as well.
PLACES = ("tests", "examples", "src/cityauth/testing")

SECTIONS = {
    "F": "Findings that shape the design",
    "ASVS": "OWASP ASVS 5.0",
    "NIST": "NIST SP 800-63B-4",
    "B": "Known vulnerabilities of others",
    "C": "Failures and races",
}
MARKS = re.compile(r"\(((?:[BCF]-?\d|ASVS|NIST)[^()]*)\)")
STANDARDS = ("ASVS", "NIST")

Matrix = dict[str, list[tuple[str, str]]]


def rows() -> tuple[dict[str, str], dict[str, str]]:
    """Return the words of every promised row and of every row that is out of scope, by name."""
    found = tomllib.loads(ROWS.read_text(encoding="utf-8"))
    promised = {name_of(section, key): words for section in SECTIONS for key, words in found[section].items()}
    out = {name_of(section, key): words for section, group in found["out"].items() for key, words in group.items()}
    return promised, out


def name_of(section: str, key: str) -> str:
    """Return the name by which tests mark a row: ``F1``, ``B-3``, ``C-08`` or ``ASVS 6.2.1``."""
    return f"{section}{' ' if section in STANDARDS else '' if section == 'F' else '-'}{key}"


def marks_in(docstring: str) -> Iterator[str]:
    """Yield the rows that a docstring names; a standard's name counts for the numbers that follow it."""
    for group in MARKS.findall(" ".join(docstring.split())):
        standard = ""
        for mark in group.split(", "):
            first, _, rest = mark.partition(" ")
            standard = first if first in STANDARDS else standard if mark[:1].isdigit() else ""
            number = rest if first in STANDARDS else mark
            for one in spread(number):
                yield f"{standard} {one}" if standard else one


def spread(number: str) -> list[str]:
    """Return ``3.3.1 to 3.3.5`` number by number."""
    first, to, last = number.partition(" to ")
    if not to:
        return [number]
    head, _, start = first.rpartition(".")
    return [f"{head}.{n}" for n in range(int(start), int(last.rpartition(".")[2]) + 1)]


def collect() -> Matrix:
    """Return, for each row that is named, the tests that name it as (file, test)."""
    matrix: Matrix = {}
    for path in sorted(path for place in PLACES for path in (ROOT / place).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and is_test(node.name):
                for row in dict.fromkeys(marks_in(ast.get_docstring(node) or "")):
                    matrix.setdefault(row, []).append((path.relative_to(ROOT).as_posix(), node.name))
    return matrix


def is_test(name: str) -> bool:
    """Whether pytest would collect something of this name."""
    return name.startswith(("test_", "Test"))


def page(matrix: Matrix) -> str:
    """Return the documentation page."""
    promised, out = rows()
    missing = [row for row in promised if row not in matrix]
    lines = [
        "<!-- Made by tools/security_matrix.py from the tests' docstrings. -->",
        "",
        "# Security",
        "",
        "Every promise about security, and the tests that can refute it. A test names its rows in its docstring, so",
        "this page cannot claim what no test says. How to report a fault stands in `SECURITY.md`.",
        "",
        f"{len(promised) - len(missing)} of {len(promised)} rows are proven. **Not proven yet:** {', '.join(missing)}.",
    ]
    for section, title in SECTIONS.items():
        lines += ["", f"## {title}", ""]
        for row, words in promised.items():
            if row.startswith(name_of(section, "")):
                lines += [f"- **{row}** {words}", f"  {proofs(matrix.get(row, []))}"]
    lines += ["", "## Out of scope", ""]
    lines += [f"- **{row}** {words}" for row, words in out.items()]
    return "\n".join([*lines, ""])


def proofs(tests: list[tuple[str, str]]) -> str:
    """Return the tests of one row, by file."""
    if not tests:
        return "*not proven yet*"
    files: dict[str, list[str]] = {}
    for file, test in tests:
        files.setdefault(file, []).append(test)
    return "<br>".join(f"`{file}`: {', '.join(f'`{test}`' for test in names)}" for file, names in files.items())


def main() -> int:
    """Write or check the page."""
    wanted = page(collect())
    if "--check" in sys.argv[1:]:
        return int(not PAGE.exists() or PAGE.read_text(encoding="utf-8") != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
