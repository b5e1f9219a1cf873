"""``python -m flask_app``: the demo e-service on the loopback address, with its people."""

import argparse
import errno
import hashlib
import logging
import os
import signal
import socket
import sqlite3
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from werkzeug.serving import WSGIRequestHandler, make_server

from cityauth import CityAuthError, MemoryMailer
from flask_app.app import create_app, create_auth, create_store
from flask_app.cases import Cases
from flask_app.config import Config, DemoError, Keys, alone_with
from flask_app.moving import announce, configure_command, import_population
from flask_app.population import MOST
from flask_app.seeds import PEOPLE, refuse_production, seed
from flask_app.sending import mailer_for, sending

DATABASE = Path(__file__).parents[2] / "demo.db"
"""In the root of the checkout, which git ignores."""

OLD_TABLE = "The accounts as they were first made; what was changed or deleted since then does not show here:"
"""Above the table when the database had its people already."""


def main() -> None:
    """Serve until SIGINT or SIGTERM comes, or say in one sentence why not."""
    end_on_signals()
    parser = argparse.ArgumentParser(prog="flask_app", description="The demo e-service of cityauth.")
    parser.add_argument("--port", type=int, default=8000, help="on the loopback address (8000)")
    parser.add_argument(
        "--database", default=str(DATABASE), help=f"an SQLite file ({DATABASE.name}), or postgresql://..."
    )
    parser.add_argument("--valkey", default="", metavar="URL", help="count for the throttle there: valkey://...")
    parser.add_argument("--population", type=int, metavar="N", help="also import N invented people, to move them")
    parser.add_argument("--smtp", metavar="HOST:PORT", help="send mail there, not to the demo's own mailbox")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    is_server = "://" in options.database
    database = beside(options.database) if is_server else Path(options.database)
    try:
        servers = {"accounts": options.database if is_server else "", "valkey": options.valkey}
        serve(options.port, database, options.smtp, options.population, **servers)
    except (DemoError, CityAuthError, OSError, OverflowError, sqlite3.Error) as error:
        sys.exit(f"The demo cannot start: {explain(error, options.port, database)}.")
    except KeyboardInterrupt:
        sys.exit(0)


def end_on_signals() -> None:
    """End by SIGINT and SIGTERM, also where whoever started the demo had them ignored or blocked.

    A shell that starts a program in the background has SIGINT ignored, and Python then leaves it so.
    """
    stopping = {signal.SIGINT, signal.SIGTERM}
    for one in stopping:
        signal.signal(one, _end)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stopping)


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


class RequestHandler(WSGIRequestHandler):
    """Logs requests without their query: the token of a mailed link belongs in no log."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log the method, the path and the status."""
        path = getattr(self, "path", "").partition("?")[0]
        self.log("info", "%s %a %s %s", self.command or "-", path, code, size)


def beside(url: str) -> Path:
    """Return the file for what does not belong into the database at *url*: the city's own table, keys and locks."""
    place = url.rpartition("@")[2]
    return DATABASE.with_name(f"demo-{hashlib.sha256(place.encode()).hexdigest()[:12]}.db")


def serve(
    port: int,
    database: Path,
    smtp: str | None = None,
    population: int | None = None,
    *,
    accounts: str = "",
    valkey: str = "",
) -> None:
    """Prepare the database, print where the service is and who can sign in, and serve."""
    refuse_production()  # before a file is written
    if population is not None and not 1 <= population <= MOST:
        raise DemoError(f"--population is 1 to {MOST} people")
    os.umask(0o077)  # the database holds password hashes: for this user alone
    mailer = mailer_for(smtp)
    with socket.create_server(("127.0.0.1", port)) as listener:
        address = f"http://localhost:{listener.getsockname()[1]}"
        config = Config(
            database,
            Keys.beside(database),
            plain_localhost=True,
            base_url=address,
            accounts=accounts,
            valkey=valkey,
        )
        cases, store = Cases(database), create_store(config)
        auth = create_auth(store, config, mailer)
        with alone_with(database):
            cases.create_table()
            store.create_schema()
            first = seed(auth, cases)
            report = import_population(auth, population) if population else None
        app = create_app(config, auth, mailer if isinstance(mailer, MemoryMailer) else None)
        handler, fd = RequestHandler, listener.fileno()
        server = make_server("127.0.0.1", port, app, threaded=True, request_handler=handler, fd=fd)
        moving = f"{announce(report, population, configure_command(config))}\n" if report and population else ""
        print(f"{moving}{welcome(address, smtp, first=first)}\n", flush=True)  # noqa: T201 - it speaks to a person
        with sending(auth):
            server.serve_forever()


def welcome(address: str, smtp: str | None, *, first: bool) -> str:
    """Return the address, where mail goes, and the table of accounts, in columns; and unless *first*, its age."""
    head = ("Realm", "Name", "E-mail", "Old username", "Password", "Phase")
    rows = [
        head,
        *((p.realm, p.name, p.email or "none", p.old_username, p.password, p.phase.value) for p in PEOPLE),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    mail = f"Its mail goes to {smtp}" if smtp else f"Its mail can be read at {address}/mailbox"
    return "\n".join([f"The demo e-service is at {address}/", mail, "", *([] if first else [OLD_TABLE]), *lines])


def explain(error: Exception, port: int, database: Path) -> str:
    """Say what is wrong, in words."""
    if isinstance(error, OverflowError):
        return f"{port} is no port; choose one from 1024 to 65535 with --port"
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"port {port} is taken; choose another with --port"
    if isinstance(error, OSError | sqlite3.Error):
        return f"{database} cannot be used ({getattr(error, 'strerror', None) or error})"
    return str(error)


if __name__ == "__main__":
    main()
