"""The tables of answers: every code that a page's flows can answer, with the text that the person is shown."""

import ast
import itertools
from pathlib import Path

import pytest

from cityauth.messages import Code, text
from tests.docs.reading import DOCS, cells_of

FLOWS = Path(__file__).parents[2] / "src" / "cityauth" / "flows"
SOURCE = FLOWS.parent
#: What `AccountRefused` alone says: no page of a person shows it for an identifier.
FOR_CUSTOMER_SERVICE = {Code.IDENTIFIER_UNAVAILABLE}
PLACEHOLDERS = {name: f"{{{name}}}" for name in ("minimum", "maximum", "contact")}

#: The flows behind each page; of a file that several pages share, the codes that begin so.
BEHIND: dict[str, dict[str, str]] = {
    "email_change.md": {
        "email_change": "",
        "links": "",
        "identifiers": "identifier.",
        "recovery": "mail.",
        "sessions": "session.ended",
    },
    "outbox.md": {"recovery": "mail."},
    "own_account.md": {
        "own_account": "",
        "own_password": "",
        "core/accounts": "",
        "passwords": "",
        "sessions": "session.ended",
    },
    "passwords.md": {"passwords": ""},
    "recovery.md": {"recovery": "", "links": "", "identifiers": "login.", "passwords": ""},
    "sessions.md": {"own_password": "", "sessions": "session.ended"},
    "sign_up.md": {
        "sign_up": "",
        "links": "",
        "identifiers": "identifier.",
        "core/accounts": "",
        "passwords": "",
        "recovery": "mail.",
    },
}


def codes_in(flow: str) -> set[Code]:
    """Every code that a flow's file names."""
    folder = SOURCE if "/" in flow else FLOWS
    besides = FOR_CUSTOMER_SERVICE if flow == "identifiers" else set()
    tree = ast.parse((folder / f"{flow}.py").read_text(encoding="utf-8"))
    return {
        Code[node.attr]
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Code"
    } - besides


def documented_rows(page: str) -> list[tuple[str, str, str]]:
    """The type, the code and the sentence of each answer that a page documents."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    start = lines.index("| answer | code | what to tell the person |") + 2
    found = [cells_of(line) for line in itertools.takewhile(lambda line: line.startswith("|"), lines[start:])]
    assert found
    return [(kind.strip("`"), code.strip("`"), told) for kind, code, told in found]


@pytest.mark.parametrize("page", BEHIND)
def test_every_answer_is_documented(page: str) -> None:
    """A page names all codes that its flows can answer, and no other (ASVS 6.3.8)."""
    documented = {code for _, code, _ in documented_rows(page)}
    possible = {code.value for flow, start in BEHIND[page].items() for code in codes_in(flow) if code.startswith(start)}
    assert documented == possible


@pytest.mark.parametrize("page", BEHIND)
def test_what_to_tell_is_what_is_told(page: str) -> None:
    """The sentence beside a code is the one that a person is shown."""
    for _, code, told in documented_rows(page):
        assert told == text(Code(code), "en", **PLACEHOLDERS)
