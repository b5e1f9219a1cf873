"""``python -m flask_app``: the demo e-service on the loopback address, with its people."""

import argparse
import errno
import logging
import os
import socket
import sqlite3
import sys
from pathlib import Path

from werkzeug.serving import make_server

from cityauth import CityAuthError
from flask_app.app import create_app, create_auth, create_store
from flask_app.cases import Cases
from flask_app.config import Config, DemoError, Keys
from flask_app.seeds import PEOPLE, seed

DATABASE = Path(__file__).parents[2] / "demo.db"
"""In the root of the checkout, which git ignores."""


def main() -> None:
    """Serve until interrupted, or say in one sentence why not."""
    parser = argparse.ArgumentParser(prog="flask_app", description="The demo e-service of cityauth.")
    parser.add_argument("--port", type=int, default=8000, help="on the loopback address (8000)")
    parser.add_argument("--database", type=Path, default=DATABASE, help=f"an SQLite file ({DATABASE.name})")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    try:
        serve(options.port, options.database)
    except (DemoError, CityAuthError, OSError, OverflowError, sqlite3.Error) as error:
        sys.exit(f"The demo cannot start: {explain(error, options.port, options.database)}.")
    except KeyboardInterrupt:
        sys.exit(0)


def serve(port: int, database: Path) -> None:
    """Prepare the database, print where the service is and who can sign in, and serve."""
    os.umask(0o077)  # the database holds password hashes: for this user alone
    with socket.create_server(("127.0.0.1", port)) as listener:
        config = Config(database, Keys.beside(database), plain_localhost=True)
        cases = Cases(database)
        cases.create_table()
        store = create_store(config)
        store.create_schema()
        auth = create_auth(store, config)
        seed(auth, cases)
        server = make_server("127.0.0.1", port, create_app(config, auth), threaded=True, fd=listener.fileno())
        print(f"{welcome(listener.getsockname()[1])}\n", flush=True)  # noqa: T201 - it speaks to a person
        server.serve_forever()


def welcome(port: int) -> str:
    """Return the address and the table of accounts, in columns."""
    head = ("Realm", "Name", "E-mail", "Old username", "Password", "Stage")
    rows = [
        head,
        *((p.realm, p.name, p.email or "none", p.old_username, p.password, p.stage.value) for p in PEOPLE),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join([f"The demo e-service is at http://localhost:{port}/", "", *lines])


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
