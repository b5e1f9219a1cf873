"""The public names: which names are public, and what importing them may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import cityauth

#: Loaded on first use only, so that a command or a test that needs none of them starts at once.
HEAVY = (
    "aiosqlite", "alembic", "asyncio", "bcrypt", "click", "django", "email_validator", "flask", "idna", "passlib",
    "precis_i18n", "psycopg", "redis", "rich", "sqlalchemy",
)  # fmt: skip


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after running some code."""
    script = f"{code}\nimport sys\nprint(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)
    return set(done.stdout.split())


def public_names_of_the_package() -> tuple[dict[str, str], dict[str, str]]:
    """Which module each public name is said to live in: to a type checker, and to the one who loads it."""
    checked: dict[str, str] = {}
    for node in ast.walk(ast.parse(Path(cityauth.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cityauth.") and node.col_offset:
            checked |= {alias.name: node.module or "" for alias in node.names}
    return checked, vars(cityauth)["_HOME"]


def test_all_names_exactly_what_is_public() -> None:
    """``__all__`` is sorted, complete and true: every name in it exists, and no other public name does."""
    assert [name for name in cityauth.__all__ if not hasattr(cityauth, name)] == []
    public = {
        name for name, value in vars(cityauth).items() if not name.startswith("_") and not isinstance(value, type(sys))
    }
    assert sorted(set(cityauth.__all__)) == sorted(cityauth.__all__) == dir(cityauth)
    assert public - {"TYPE_CHECKING"} == set(cityauth.__all__)


def test_a_name_is_loaded_from_where_a_checker_sees_it() -> None:
    """What a type checker reads and what is loaded on first use are the same names from the same modules."""
    checked, loaded = public_names_of_the_package()
    assert checked == loaded
    assert checked.keys() == set(cityauth.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A name that is not public is refused as any module refuses it, and an import of it names the package."""
    with pytest.raises(AttributeError, match=r"module 'cityauth' has no attribute 'Citizen'"):
        _ = getattr(cityauth, "Citizen")  # noqa: B009 - a checker would refuse the plain form, rightly
    with pytest.raises(ImportError, match="cityauth"):
        exec("from cityauth import Citizen", {})  # noqa: S102 - the same


def test_every_public_name_is_documented() -> None:
    """Each public class and function has a docstring of its own, not the signature that a dataclass makes up."""
    values = {name: getattr(cityauth, name) for name in cityauth.__all__}
    docs = {name: (value.__doc__ or "").strip() for name, value in values.items() if callable(value)}
    assert [name for name, doc in docs.items() if not doc or doc.startswith(f"{name}(")] == []


def test_an_import_loads_nothing_heavy() -> None:
    """``import cityauth``, and the use of any public name of it, loads no library that only a part of it needs."""
    lazy = loaded_by("import cityauth")
    assert {name for name in lazy if name.startswith(("argon2", "cityauth."))} == {"cityauth._lazy"}
    used = loaded_by("from cityauth import CityAuth, MemoryStore")
    assert used >= {"argon2", "cityauth.api._sync"}
    assert used.isdisjoint({*HEAVY, "cityauth.api._async"})
    assert loaded_by("from cityauth import *").isdisjoint(HEAVY)


def test_the_import_budget_can_be_broken() -> None:
    """The check above sees what an import loads."""
    assert "asyncio" in loaded_by("import cityauth, asyncio")
