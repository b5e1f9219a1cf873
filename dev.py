#!/usr/bin/env python3
"""The two commands of a fresh checkout, `demo` and `test`, and the developer's `setup`, `check` and `lock`.

Only the standard library is needed. Everything is installed into ``.venv`` from a lock with hashes; stamps
in it make later runs instant.
"""

import argparse
import hashlib
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

OLDEST = (3, 11)
if sys.version_info < OLDEST:  # the whole file must parse on an old Python for this to be said
    sys.exit(
        "cityauth needs Python %d.%d or newer and this is %d.%d: run this command with a newer one."
        % (OLDEST + sys.version_info[:2])
    )

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN, EXE = (VENV / "Scripts", ".exe") if os.name == "nt" else (VENV / "bin", "")
PYTHON = BIN / f"python{EXE}"
UV = BIN / f"uv{EXE}"
LOCKS = {"demo": ROOT / "requirements-demo.lock", "all": ROOT / "requirements.lock"}
LOCKED = {
    "demo": ["--extra", "sql", "--extra", "cli", "--extra", "legacy", "--group", "demo"],
    "all": ["--all-extras", "--group", "dev"],
}
OFFLINE = re.compile(
    r"error sending request|dns error|name resolution|NewConnectionError|Failed to establish|unreachable"
    r"|No address associated|Connection refused|timed out|Could not connect|No matching distribution",
    re.IGNORECASE,
)
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
LAST_PORT = 65535
#: Every check that is no test: its name, and its commands from .venv. The slowest come first, as some run side by side.
CHECKS = """
docs:          sphinx-build -W -n -q --keep-going -d build/doctrees -b html docs build/docs
               && sphinx-build -W -n -q --keep-going -d build/doctrees -b doctest docs build/doctest
types:         mypy
public types:  basedpyright --verifytypes cityauth --ignoreexternal
style:         ruff check .
format:        ruff format --check .
spelling:      codespell
dependencies:  deptry .
imports:       lint-imports
async:         python tools/generate_async.py --check
catalogues:    pybabel -q extract -F babel.cfg -k N_ -c Translators: -s --no-location -o build/cityauth.pot src
               && pybabel -q update --check --ignore-pot-creation-date --no-fuzzy-matching -D cityauth
               -i build/cityauth.pot -d src/cityauth/messages
wheel:         hatchling build -t sdist -t wheel -d build/dist
               && python tools/wheel_contents.py
"""


def run(*command: "str | Path") -> None:
    """Run a command in the checkout and stop with its exit status when it fails."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def attempt(*command: "str | Path") -> "tuple[bool, str]":
    """Run a command quietly; answer whether it went well, and what it said."""
    env = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    env["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"  # basedpyright asks the first python for the package
    parts = [str(part) for part in command]
    done = subprocess.run(parts, cwd=ROOT, env=env, check=False, capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def become(*command: "str | Path") -> None:
    """End as this command, so that its output comes last and signals reach it."""
    sys.stdout.flush()
    os.chdir(ROOT)
    if os.name == "nt":
        run(*command)
    else:
        os.execv(command[0], [str(part) for part in command])  # noqa: S606 - no shell is wanted


# --- setting up ------------------------------------------------------------------------------------


def digest(*paths: Path) -> str:
    """One hash over where we are, which Python this is, and these files."""
    seen = hashlib.sha256(repr((str(ROOT), sys.version_info[:2])).encode())
    for path in paths:
        seen.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return seen.hexdigest()


def is_done(step: str, inputs: str) -> bool:
    """Whether a step was done with exactly these inputs."""
    stamp = VENV / f".done-{step}"
    return stamp.is_file() and stamp.read_text() == inputs


def make_venv() -> None:
    """Make ``.venv``, or make it anew when its Python is another version or is gone."""
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    config = VENV / "pyvenv.cfg"
    if PYTHON.exists() and re.search(rf"^version\S* = {re.escape(ours)}\b", config.read_text(), re.MULTILINE):
        return
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            sys.exit(
                f"Python's '{module}' module is missing: install it (on Debian and Ubuntu: "
                f"apt-get install python{ours}-venv) and run this again."
            )
    print("Making .venv with Python", ours, flush=True)
    run(sys.executable, "-m", "venv", "--clear", VENV)


def install_uv(lock: Path) -> None:
    """Install uv, with the version and the hashes of the lock; without it pip does the work, slower."""
    pinned = re.search(r"^uv==.*\n(?:    --hash.*\n)+", lock.read_text(), re.MULTILINE)
    if pinned and not UV.exists():
        with tempfile.TemporaryDirectory() as folder:
            wanted = Path(folder) / "uv.txt"
            wanted.write_text(pinned.group())
            attempt(PYTHON, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", wanted)


def install(*arguments: "str | Path") -> None:
    """Install with uv; with pip where uv cannot be had or does not know the way to the package index."""
    said = ""
    if UV.exists():
        well, said = attempt(UV, "pip", "install", "--quiet", "--python", PYTHON, *arguments)
        if well:
            return
    well, heard = attempt(PYTHON, "-m", "pip", "install", "--quiet", *arguments)
    if well:
        return
    if OFFLINE.search(heard):
        sys.exit("The package index could not be reached: connect to the network and run this again.")
    print(said, heard, sep="", file=sys.stderr)
    sys.exit("Installing failed: what the installers said stands above.")


def setup(kind: str) -> None:
    """Bring ``.venv`` to what the lock says, and the package into it in editable form."""
    started = time.monotonic()
    make_venv()
    lock, everything = digest(LOCKS[kind]), digest(LOCKS["all"])
    if not is_done(kind, lock) and not (kind == "demo" and is_done("all", everything)):
        print(f"Installing what {LOCKS[kind].name} holds ...", flush=True)
        install_uv(LOCKS[kind])
        install("--require-hashes", "-r", LOCKS[kind])
        (VENV / f".done-{kind}").write_text(lock)
    package = digest(ROOT / "pyproject.toml", ROOT / "hatch_build.py", *catalogues())
    if not is_done("package", package):
        install("--no-deps", "--no-build-isolation", "--editable", ".")
        (VENV / ".done-package").write_text(package)
        print(f"Ready in {time.monotonic() - started:.0f} s.", flush=True)


def catalogues() -> "list[Path]":
    """The message catalogues; an install compiles them."""
    return sorted((ROOT / "src/cityauth/messages").glob("*/LC_MESSAGES/*.po"))


def install_chromium() -> None:
    """Install what the browser tests need, where that is possible."""
    if any(shutil.which(name) for name in CHROMIUM):
        return
    if shutil.which("apt-get") and getattr(os, "geteuid", lambda: 1)() == 0:
        print("Installing Chromium ...", flush=True)
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run("apt-get", "-qq", "update")
        run("apt-get", "-qqy", "install", "--no-install-recommends", "chromium", "fonts-dejavu-core")
    else:
        print("Chromium is missing: the browser tests skip until it is installed.", flush=True)


# --- commands --------------------------------------------------------------------------------------


def refuse_port(port: int) -> None:
    """Stop with one sentence when nobody could listen on this port."""
    if not 0 < port <= LAST_PORT:
        sys.exit(f"A port is a number from 1 to {LAST_PORT}.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left is free
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            sys.exit(f"Port {port} needs more rights: choose one above 1023 with --port.")
        except OSError:
            other = port + 1 if port < LAST_PORT else port - 1
            sys.exit(f"Port {port} is taken: stop what uses it, or choose another one: --port {other}.")


def demo(options: argparse.Namespace) -> None:
    """Start the demo e-service."""
    if options.database is not None and not options.database.strip():
        sys.exit("--database names no file: give it one, or leave it out to use demo.db.")
    on_server = bool(options.database) and "://" in options.database
    refuse_port(options.port)
    setup("all" if on_server or options.valkey else "demo")  # the demo's lock has no libraries of servers
    given = ["--port", str(options.port)]
    if options.database:
        place = options.database if on_server else str(Path.cwd() / options.database)  # the demo starts in the checkout
        given += ["--database", place]
    if options.valkey:
        given += ["--valkey", options.valkey]
    if options.smtp is not None:
        given += ["--smtp", options.smtp]
    if options.population is not None:
        given += ["--population", str(options.population)]
    os.environ["PYTHONPATH"] = str(ROOT / "examples")
    become(PYTHON, "-m", "flask_app", *given)


def test(arguments: "list[str]") -> None:
    """Install everything that the tests need, then run them; the arguments go to pytest."""
    setup("all")
    install_chromium()
    alone = any(given.startswith(("-n", "--numprocesses", "--dist", "--pdb")) for given in arguments)
    spread = [] if alone else ["-n", "auto", "--dist", "loadscope"]
    become(PYTHON, "-m", "pytest", *spread, *arguments)


def check() -> None:
    """Run every check; fail after the last one when any failed."""
    setup("all")
    shutil.rmtree(ROOT / "build/dist", ignore_errors=True)
    (ROOT / "build").mkdir(exist_ok=True)
    checks = re.findall(r"^(\w.*?): +(.*(?:\n +.*)*)", CHECKS, re.MULTILINE)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failed = [name for name in pool.map(check_one, checks) if name]
    if failed:
        sys.exit("Failed: " + ", ".join(failed))


def check_one(check: "tuple[str, str]") -> str:
    """Run the commands of one check until one fails; return the check's name when it failed."""
    name, commands = check
    started = time.monotonic()
    well, said = True, ""
    for command in commands.split("&&"):
        tool, *arguments = command.split()
        if well:
            well, said = attempt(BIN / (tool + EXE), *arguments)
    verdict = f"{name:<14} {'ok' if well else 'FAILED':<6} {time.monotonic() - started:5.1f} s"
    print(verdict if well else f"{verdict}\n{said}", flush=True)
    return "" if well else name


def lock() -> None:
    """Write both locks anew, from releases that are at least a week old."""
    setup("all")
    how = ["--universal", "--generate-hashes", "--upgrade", "--exclude-newer", "1 week", "--quiet"]
    bare = ["--no-header", "--no-emit-index-url", "--no-emit-find-links"]
    for kind, choice in LOCKED.items():
        run(UV, "pip", "compile", "pyproject.toml", *choice, *how, *bare, "-o", LOCKS[kind])
        if "://" in LOCKS[kind].read_text():
            sys.exit(f"{LOCKS[kind].name} holds an address: take it out before you commit.")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="dev.py", description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("setup", help="install everything into .venv").set_defaults(do=lambda _: setup("all"))
    served = commands.add_parser("demo", help="start the demo e-service")
    served.add_argument("--port", type=int, default=8000, help="on 127.0.0.1 (8000)")
    served.add_argument("--database", metavar="PATH", help="keep the data in this SQLite file, or postgresql://...")
    served.add_argument("--valkey", metavar="URL", help="count attempts on this server: valkey://...")
    served.add_argument("--smtp", metavar="HOST:PORT", help="send mail there, not to the demo's own mailbox")
    served.add_argument("--population", type=int, metavar="N", help="also import N invented people, to move them")
    served.set_defaults(do=demo)
    tested = commands.add_parser("test", help="run the tests; what follows goes to pytest", add_help=False)
    tested.set_defaults(do=lambda _: test(sys.argv[2:]))
    commands.add_parser("check", help="run every check that is no test").set_defaults(do=lambda _: check())
    commands.add_parser("lock", help="write the locks anew").set_defaults(do=lambda _: lock())
    options, rest = parser.parse_known_args()
    if rest and options.command != "test":
        parser.error("unknown: " + " ".join(rest))
    # Compiled once and kept out of the tree: else every process that a test starts compiles its libraries again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(VENV / "pycache"))
    options.do(options)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Stopped.")
