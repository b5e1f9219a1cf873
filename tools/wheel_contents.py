# ruff: noqa: INP001 - a script, not a package
"""Check that the built wheel holds every file of the package, and nothing else.

python tools/wheel_contents.py  after a build into ``build/dist``; exit 1 with what it lacks or should not hold
"""

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
CATALOGUES = sorted((SOURCE / "cityauth" / "messages").glob("*/LC_MESSAGES/*.po"))
LEFT_OUT = {".po", ".pot", ".pyc"}
"""What no wheel holds: a catalogue goes in compiled."""


def faults(folder: Path) -> list[str]:
    """Return what the only wheel in *folder* lacks or should not hold, against the tree."""
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        return [f"{folder} holds {len(wheels)} wheels instead of one"]
    with zipfile.ZipFile(wheels[0]) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = [path for path in SOURCE.rglob("*") if path.is_file() and path.suffix not in LEFT_OUT]
    files = [path for path in files if not path.name.startswith("tmp")]  # babel's, while it compares the catalogues
    files += [path.with_suffix(".mo") for path in CATALOGUES]
    wanted = {path.relative_to(SOURCE).as_posix() for path in files}
    lacking = [f"the wheel lacks {name}" for name in sorted(wanted - held)]
    return lacking + [f"the wheel should not hold {name}" for name in sorted(held - wanted)]


if __name__ == "__main__":
    sys.exit("\n".join(faults(ROOT / "build" / "dist")) or None)
