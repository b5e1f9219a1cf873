"""The scripts in ``tools/`` that keep a page's diagram."""

import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def is_up_to_date(tool: str) -> bool:
    """Whether the page that *tool* keeps is as it would write it."""
    return subprocess.run([sys.executable, str(TOOLS / tool), "--check"], check=False, timeout=60).returncode == 0
