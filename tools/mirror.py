# ruff: noqa: INP001 - a script, not a package
"""Make ``cityauth/run/awaiting/`` from ``calling/``: the same names, awaited.

python tools/mirror.py          write it
python tools/mirror.py --check  exit 1 when it is not up to date
"""

import re
import subprocess
import sys
from pathlib import Path

RUN = Path(__file__).parent.parent / "src" / "cityauth" / "run"
RULES = (
    (
        r"`CityAuth`: the synchronous public face\. Each method runs the flow of the same name to its end\.",
        "`AsyncCityAuth`: the asynchronous public face, awaited under asyncio.",
    ),
    (
        r"The asynchronous face, .*?``tools/mirror\.py``\.",
        (
            "Made from ``calling`` by ``tools/mirror.py``; change that. A synchronous port works too: it runs in a\n"
            "worker thread, so that neither a hash nor a query holds the event loop."
        ),
    ),
    (r"The synchronous public face, `CityAuth`", "The asynchronous public face, `CityAuth`"),
    (r"cityauth\.run\.calling", "cityauth.run.awaiting"),
    (r"\bdef (?!_)", "async def "),
    (r"return run\(", "return await run_async("),
    (r"import run\b", "import run_async"),
    (r"\bwire\b", "wire_async"),
    (r"import CityAuth\b", "import AsyncCityAuth"),
    (r"import Store\b", "import AnyStore"),
    (r"store: Store\b", "store: AnyStore"),
    (r"\bclass CityAuth\b", "class AsyncCityAuth"),
    (r"`CityAuth`", "`AsyncCityAuth`"),
    (r'"CityAuth"', '"AsyncCityAuth"'),
    (r"The library, synchronous\.", "The library, asynchronous."),
    (r"a port lacks a method, or is asynchronous\.", "a port lacks a method."),
)


def mirror(sources: dict[str, str]) -> dict[str, str]:
    """Return the asynchronous faces of the synchronous *sources*, by file name."""
    for pattern, replacement in RULES:
        changed = {name: re.sub(pattern, replacement, text, flags=re.DOTALL) for name, text in sources.items()}
        if changed == sources:
            raise SystemExit(f"calling has nothing like {pattern!r} any more")
        sources = changed
    return {name: formatted(text) for name, text in sources.items()}


def formatted(text: str) -> str:
    """Return *text* with its imports in order and its lines as ruff lays them."""
    for command in (["check", "-q", "--fix", "--exit-zero", "--select", "I"], ["format", "-q"]):
        words = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(RUN / "awaiting" / "part.py"), "-"]
        text = subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return text


def main() -> int:
    """Write or check the mirror."""
    target = RUN / "awaiting"
    sources = {path.name: path.read_text(encoding="utf-8") for path in sorted((RUN / "calling").glob("*.py"))}
    wanted = mirror(sources)
    if "--check" in sys.argv[1:]:
        found = {path.name: path.read_text(encoding="utf-8") for path in sorted(target.glob("*.py"))}
        return int(found != wanted)
    target.mkdir(exist_ok=True)
    for name, text in wanted.items():
        (target / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
