# ruff: noqa: INP001 - a script, not a package
"""Generate the asynchronous twins of synchronous sources: the same names, awaited.

``cityauth/api/_async/`` is made from ``_sync/``, and ``cityauth/stores/sql/async_store.py`` from ``store.py``.

python tools/generate_async.py          write it
python tools/generate_async.py --check  exit 1 when it is not up to date
"""

import re
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src" / "cityauth"
API = PACKAGE / "api"
STORE = PACKAGE / "stores" / "sql"
Rules = tuple[tuple[str, str], ...]
API_RULES: Rules = (
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
    (r"import Store, ThrottleStore\b", "import AnyStore, AnyThrottleStore"),
    (r"\b(store|outbox): Store\b", r"\1: AnyStore"),
    (r"throttle: ThrottleStore\b", "throttle: AnyThrottleStore"),
    (r"`ValkeyThrottle`", "`AsyncValkeyThrottle`"),
    (r"\bclass CityAuth\b", "class AsyncCityAuth"),
    (r"`CityAuth`", "`AsyncCityAuth`"),
    (r'"CityAuth"', '"AsyncCityAuth"'),
    (r"The library, synchronous\.", "The library, asynchronous."),
    (r"a port lacks a method, or is asynchronous\.", "a port lacks a method."),
)

STORE_RULES: Rules = (
    (
        r'"""`SqlStore`: every port that stores, on SQLAlchemy Core\."""',
        (
            '"""`AsyncSqlStore`: every port that stores, on asynchronous connections.\n\n'
            'Generated from ``store.py`` by ``tools/generate_async.py``: change that file.\n"""'
        ),
    ),
    (r"from contextlib import AbstractContextManager\n", ""),
    (r" +# --- The host's own transaction -.*?return self\._database\.on\(connection\)\n\n", ""),
    (
        r"Safe between\n    threads and between processes\. .*?may lie in the host's database\.",
        (
            "Safe between\n    processes and between event loops. A file is read and written in a few threads of the "
            "store; to a server\n    each call takes a connection from the pool of its event loop. It touches only its"
            " own tables,\n    so they may lie in the host's database."
        ),
    ),
    (r", or let the store take part in it with `on`\.", "."),
    (
        r'""" *Close every thread\'s connection; call it when no thread is inside a method\."""',
        '"""Close every connection of this event loop; call it when no task is inside a method."""',
    ),
    (r"\bdef (?!_|close\b)", "async def "),
    (r"def close\(", "async def aclose("),
    (r"def _forget_deleted\(", "async def _forget_deleted("),
    (r"def __enter__\(", "async def __aenter__("),
    (r"def __exit__\(", "async def __aexit__("),
    (r"self\.close\(\)", "await self.aclose()"),
    (r"self\._forget_deleted\(\)", "await self._forget_deleted()"),
    (
        r"self\._database\.(look_up|write|within|within_durably|alone|forget_deleted|close)\(",
        r"await self._database.\1(",
    ),
    (r"outcome = run\(", "outcome = await run("),
    (r"open_database\b", "open_async_database"),
    (r"\bSqlStore\b", "AsyncSqlStore"),
)


def generate(sources: dict[str, str], rules: Rules) -> dict[str, str]:
    """Return the asynchronous twins of the synchronous *sources*, by file name."""
    for pattern, replacement in rules:
        changed = {name: re.sub(pattern, replacement, text, flags=re.DOTALL) for name, text in sources.items()}
        if changed == sources:
            raise SystemExit(f"the sources have nothing like {pattern!r} any more")
        sources = changed
    return {name: formatted(text) for name, text in sources.items()}


def formatted(text: str) -> str:
    """Return *text* with its imports in order and its lines as ruff lays them."""
    for command in (["check", "-q", "--fix", "--exit-zero", "--select", "I"], ["format", "-q"]):
        words = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(API / "_async" / "jobs.py"), "-"]
        text = subprocess.run(words, input=text, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return text


def wanted() -> dict[Path, str]:
    """Return what each generated file must hold."""
    apis = {path.name: path.read_text(encoding="utf-8") for path in sorted((API / "_sync").glob("*.py"))}
    stores = {"async_store.py": (STORE / "store.py").read_text(encoding="utf-8")}
    return {API / "_async" / name: text for name, text in generate(apis, API_RULES).items()} | {
        STORE / name: text for name, text in generate(stores, STORE_RULES).items()
    }


def main() -> int:
    """Write or check the generated files."""
    made = wanted()
    if "--check" in sys.argv[1:]:
        found = {path: path.read_text(encoding="utf-8") for path in made if path.exists()}
        extra = set((API / "_async").glob("*.py")) - set(made)
        return int(found != made or bool(extra))
    (API / "_async").mkdir(exist_ok=True)
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
