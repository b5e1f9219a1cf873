"""The asynchronous API is made from the synchronous one."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ruff", reason="the generator lays its lines with ruff")

TOOL = Path(__file__).resolve().parents[2] / "tools" / "generate_async.py"


def test_the_asynchronous_api_is_up_to_date() -> None:
    """Neither API has anything that the other lacks: `python tools/generate_async.py` makes it anew (ASVS 6.3.4, B-17)."""
    done = subprocess.run(
        [sys.executable, str(TOOL), "--check"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_the_generator_notices_what_it_does_not_know() -> None:
    """A synchronous API that lost what a rule is about stops the tool, instead of being passed on half awaited."""
    tool = runpy.run_path(str(TOOL))
    with pytest.raises(SystemExit, match="have nothing like"):
        tool["generate"]({"api.py": "class CityAuth: ..."}, tool["API_RULES"])
