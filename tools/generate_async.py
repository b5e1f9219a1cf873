# ruff: noqa: INP001 - a script, not a package
"""Generate ``cityauth/api/_async/`` from ``_sync/``: the same names, awaited.

python tools/generate_async.py          write it
python tools/generate_async.py --check  exit 1 when it is not up to date
"""

import re
import subprocess
import sys
from pathlib import Path

API = Path(__file__).parent.parent / "src" / "cityauth" / "api"
RULES = (
    (
        r"`CityAuth`, the synchronous API\. Each method runs the flow of the same name to its end\.",
        "`AsyncCityAuth`, the asynchronous API, awaited under asyncio.",
    ),
    (
        r"The asynchronous API, .*?``tools/generate_async\.py``\.",
        (
            "Generated from ``_sync`` by ``tools/generate_async.py``: change that file. A synchronous port works too:\n"
            "it runs in a worker thread, so that neither a hash nor a query holds the event loop."
        ),
    ),
    (r"The synchronous API, `CityAuth`", "The asynchronous API, `CityAuth`"),
    (r"cityauth\.api\._sync", "cityauth.api._async"),
    (r"\bdef (?!_|is_fresh\b)", "async def "),
    (r"return run\(", "return await run_async("),
    (r"(from cityauth\.api\.drivers import [^\n]*)\brun\b", r"\1run_async"),
    (r"\bAnswers\b", "AsyncAnswers"),
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


def generate(sources: dict[str, str]) -> dict[str, str]:
    """Return the asynchronous twins of the synchronous *sources*, by file name."""
    for pattern, replacement in RULES:
        changed = {name: re.sub(pattern, replacement, text, flags=re.DOTALL) for name, text in sources.items()}
        if changed == sources:
            raise SystemExit(f"_sync has nothing like {pattern!r} any more")
        sources = changed
    return {name: formatted(text) for name, text in sources.items()}


def formatted(text: str) -> str:
    """Return *text* with its imports in order and its lines as ruff lays them."""
    for command in (["check", "-q", "--fix", "--exit-zero", "--select", "I"], ["format", "-q"]):
        words = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(API / "_async" / "jobs.py"), "-"]
        text = subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return text


def main() -> int:
    """Write or check the generated files."""
    target = API / "_async"
    sources = {path.name: path.read_text(encoding="utf-8") for path in sorted((API / "_sync").glob("*.py"))}
    wanted = generate(sources)
    if "--check" in sys.argv[1:]:
        found = {path.name: path.read_text(encoding="utf-8") for path in sorted(target.glob("*.py"))}
        return int(found != wanted)
    target.mkdir(exist_ok=True)
    for name, text in wanted.items():
        (target / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
