"""The front door: which names are public, and what importing them may load."""

import subprocess
import sys

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
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_all_names_exactly_what_is_public() -> None:
    """``__all__`` is sorted, complete and true: every name in it exists, and no other public name does."""
    public = {
        name for name, value in vars(cityauth).items() if not name.startswith("_") and not isinstance(value, type(sys))
    }
    assert sorted(set(cityauth.__all__)) == sorted(cityauth.__all__)
    assert {name for name in cityauth.__all__ if hasattr(cityauth, name)} == set(cityauth.__all__)
    assert public <= set(cityauth.__all__)


@pytest.mark.parametrize("name", sorted(cityauth.__all__))
def test_a_public_name_is_documented(name: str) -> None:
    """Whoever asks for help on a public name of our own reads what it means."""
    value = getattr(cityauth, name)
    if isinstance(value, type) or callable(value):
        assert (value.__doc__ or "").strip()
        assert not (value.__doc__ or "").startswith(f"{name}("), "that is the text dataclass made up"


def test_an_import_loads_nothing_heavy() -> None:
    """``import cityauth`` loads no library that only a part of it needs."""
    assert loaded_by("import cityauth").isdisjoint(HEAVY)


def test_the_import_budget_can_be_broken() -> None:
    """The check above sees what an import loads."""
    assert "asyncio" in loaded_by("import cityauth, asyncio")
