"""The public API: which packages are public, what each exports, and that the documents teach nothing else."""

import ast
import importlib
import inspect
import pydoc
import re
import typing
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, UnionType

import pytest

pytest.importorskip("sqlalchemy", reason="the SQL store is one of the public names")

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = (
    "cityauth",
    "cityauth.breaches",
    "cityauth.changes",
    "cityauth.config",
    "cityauth.hashing",
    "cityauth.mailers",
    "cityauth.messages",
    "cityauth.migration",
    "cityauth.policy",
    "cityauth.ports",
    "cityauth.stores",
    "cityauth.testing",
)
"""Every public package. What lies deeper may change in any release."""

GUIDES = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in {"architecture.md", "security.md"}),
]
"""What a host's developer reads; architecture.md is for who changes cityauth itself."""


def module(name: str) -> ModuleType:
    """The public package *name*."""
    return importlib.import_module(name)


def exported(name: str) -> list[str]:
    """What the package *name* exports."""
    return list(getattr(module(name), "__all__", [])) or [
        one for one, value in vars(module(name)).items() if getattr(value, "__module__", "") == name
    ]


def public_values() -> list[object]:
    """Every exported value."""
    return [getattr(module(name), one) for name in PUBLIC for one in exported(name)]


def imports_of(text: str) -> Iterator[tuple[str, str]]:
    """Module and name of each import from cityauth in the Python blocks of a page."""
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "cityauth":
                yield from ((node.module or "", alias.name) for alias in node.names)


def classes_in(annotation: object) -> Iterator[type]:
    """The classes that an annotation is made of."""
    if isinstance(annotation, typing.NewType):
        return
    if isinstance(annotation, type) and not typing.get_args(annotation):
        yield annotation
    for part in typing.get_args(annotation):
        if isinstance(part, type | UnionType) or typing.get_args(part):
            yield from classes_in(part)


def hidden_types(owner: type) -> set[str]:
    """Types of cityauth that the constructor of *owner* asks for and that no public package exports."""
    public = {id(value) for value in public_values()}
    try:
        hints = typing.get_type_hints(owner.__init__)  # type: ignore[misc]  # the constructor of any class
    except (NameError, TypeError):
        return set()
    hints.pop("return", None)
    found = {one for hint in hints.values() for one in classes_in(hint)}
    return {
        f"{one.__module__}.{one.__qualname__}"
        for one in found
        if one.__module__.startswith("cityauth") and id(one) not in public
    }


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_package_exports_what_it_lists(name: str) -> None:
    """Every name in ``__all__`` exists, the list is sorted, and the package says what it is for."""
    names = exported(name)
    assert names
    assert [one for one in names if not hasattr(module(name), one)] == []
    assert inspect.getdoc(module(name))


def test_every_type_of_a_public_constructor_is_public() -> None:
    """A host can name every type that a public constructor asks for."""
    owners = [value for value in public_values() if isinstance(value, type)]
    assert len(owners) > 50
    hidden = {owner.__qualname__: types for owner in owners if (types := hidden_types(owner))}
    assert hidden == {}


def test_a_hidden_type_is_found() -> None:
    """The check above sees a constructor that asks for a type of an inner module."""
    from cityauth.core.passwords import Password

    class Planted:
        def __init__(self, password: Password | None, names: list[Password]) -> None:
            del password, names

    assert hidden_types(Planted) == {"cityauth.core.passwords.Password"}


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_a_page_teaches_public_names_only(page: Path) -> None:
    """Every import in a page is of a public name, from the package that exports it."""
    wrong = [
        f"from {source} import {name}"
        for source, name in imports_of(page.read_text(encoding="utf-8"))
        if source not in PUBLIC or (name not in exported(source) and f"{source}.{name}" not in PUBLIC)
    ]
    assert wrong == []


def test_an_inner_name_in_a_page_is_found() -> None:
    """The check above sees an import of an inner module."""
    page = "```python\nfrom cityauth.core.login import advance\n```\n"
    assert list(imports_of(page)) == [("cityauth.core.login", "advance")]


@pytest.mark.parametrize("name", PUBLIC)
def test_the_reference_lists_every_public_package(name: str) -> None:
    """The page of public names has each public package."""
    reference = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert re.search(rf"^\.\. automodule:: {re.escape(name)}$", reference, re.MULTILINE)


def test_help_never_prints_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """`help()` on any public name shows no variable of the environment, also as a default value."""
    monkeypatch.setenv("CANARY", "canary-in-the-environment")
    shown = [pydoc.render_doc(value) for value in public_values() if callable(value)]
    assert len(shown) > 50
    assert [page for page in shown if "canary-in-the-environment" in page] == []
