# ruff: noqa: INP001 - a script, no package
"""Make ``cityauth/run/awaiting.py`` from ``calling.py``: the same names, awaited.

python tools/mirror.py          write it
python tools/mirror.py --check  exit 1 when it is not up to date
"""

import re
import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).parent.parent / "src" / "cityauth" / "run"
HEADER = '''"""`AsyncCityAuth`: the asynchronous public face, awaited under asyncio.

Made from ``calling.py`` by ``tools/mirror.py``; change that file. A synchronous port works too: it runs
in a worker thread, so that neither a hash nor a query holds the event loop.
"""
'''
RULES = (
    (r'\A""".*?"""\n', HEADER),
    (r"\bdef (?!_)", "async def "),
    (r"return run\(", "return await run_async("),
    (r"import run\b", "import run_async"),
    (r"\bwire\b", "wire_async"),
    (r"import Store\b", "import AnyStore"),
    (r"store: Store\b", "store: AnyStore"),
    (r"\bclass CityAuth\b", "class AsyncCityAuth"),
    (r"`CityAuth`", "`AsyncCityAuth`"),
    (r"The library, synchronous\.", "The library, asynchronous."),
    (r"a port lacks a method, or is asynchronous\.", "a port lacks a method."),
)


def mirror(source: str) -> str:
    """Return the asynchronous face of the synchronous *source*."""
    for pattern, replacement in RULES:
        source, count = re.subn(pattern, replacement, source, flags=re.DOTALL)
        if not count:
            raise SystemExit(f"calling.py has nothing like {pattern!r} any more")
    command = [sys.executable, "-m", "ruff", "format", "-", "--stdin-filename", "awaiting.py"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout  # noqa: S603


def main() -> int:
    """Write or check the mirror."""
    target = RUN / "awaiting.py"
    wanted = mirror((RUN / "calling.py").read_text(encoding="utf-8"))
    if "--check" in sys.argv[1:]:
        return int(target.read_text(encoding="utf-8") != wanted)
    target.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
