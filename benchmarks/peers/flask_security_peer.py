"""Flask-Security with its SQLAlchemy datastore and ``TRACKABLE``; its session is a signed cookie."""

import warnings
from pathlib import Path
from typing import Any

from flask import Flask, Response
from flask_security import Security, SQLAlchemyUserDatastore, current_user, hash_password, login_user
from flask_security.models import fsqla_v3 as fsqla
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event, insert, select
from werkzeug.test import EnvironBuilder

from benchmarks.peers import Sync
from benchmarks.population import ARGON2, PASSWORD, email, number

_CONFIG = {
    "SECRET_KEY": "a-secret-for-measuring-only-0123456789",
    "SECURITY_PASSWORD_SALT": "314159265358979323846",
    "SECURITY_PASSWORD_HASH": "argon2",
    "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {f"argon2__{name}": value for name, value in ARGON2.items()},
    "SECURITY_TRACKABLE": True,
    "SQLALCHEMY_TRACK_MODIFICATIONS": False,
}


class FlaskSecurity:
    """The library's calls inside a request context, which it needs; no routing, form or page."""

    name = "Flask-Security"

    def __init__(self, path: Path, sync: Sync) -> None:
        """Make an application of its own."""
        self._app = Flask(__name__)
        self._app.config.update(_CONFIG, SQLALCHEMY_DATABASE_URI=f"sqlite:///{path}")
        self._database = SQLAlchemy(self._app)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fsqla.FsModels.set_db_info(self._database)
            model: Any = self._database.Model
            role = type("Role", (model, fsqla.FsRoleMixin), {})
            self._user: Any = type("User", (model, fsqla.FsUserMixin), {})
            self._datastore = SQLAlchemyUserDatastore(self._database, self._user, role)
            Security(self._app, self._datastore)
        self._environ = EnvironBuilder(environ_base={"REMOTE_ADDR": "192.0.2.7"}).get_environ()
        with self._app.app_context():
            event.listen(self._database.engine, "connect", lambda raw, _: _set_pragmas(raw, sync))

    def populate(self, accounts: int) -> None:
        """Insert everybody with one shared hash. Sessions are cookies: there is nothing to store."""
        with self._app.app_context():
            self._database.create_all()
            row = {"active": True, "password": hash_password(PASSWORD), "username": None}
            raw = self._database.session.connection().connection.dbapi_connection
            raw.execute("PRAGMA cache_size = -400000")
            everybody = [{**row, "email": email(n), "fs_uniquifier": number(n) * 4} for n in range(accounts)]
            self._database.session.execute(insert(self._user.__table__), everybody)
            self._database.session.commit()

    def sign_in(self, email: str, password: str) -> str | None:
        """Find, verify, ``login_user``, commit, and write the cookie."""
        with self._app.request_context(dict(self._environ)) as context:
            user = self._datastore.find_user(email=email)
            if user is None or not user.verify_and_update_password(password) or not login_user(user):
                return None
            self._datastore.commit()
            response = Response()
            self._app.session_interface.save_session(self._app, context.session, response)
            return response.headers["Set-Cookie"].partition("=")[2].partition(";")[0]

    def check(self, token: str) -> str | None:
        """Open the cookie and load ``current_user``."""
        with self._app.request_context({**self._environ, "HTTP_COOKIE": f"session={token}"}):
            return current_user.email if current_user.is_authenticated else None

    def resolve(self, email: str) -> str | None:
        """Ask the datastore byte for byte, with the index."""
        return self._find(email, ignoring_case=False)

    def resolve_ignoring_case(self, email: str) -> str | None:
        """Ask the datastore as its own forms do."""
        return self._find(email, ignoring_case=True)

    def _find(self, email: str, *, ignoring_case: bool) -> str | None:
        with self._app.app_context():
            user = self._datastore.find_user(case_insensitive=ignoring_case, email=email)
            return user.email if user else None

    def sessions(self) -> int:
        """Add up the counted sign-ins: no session is stored."""
        with self._app.app_context():
            counted = self._database.session.scalars(
                select(self._user.login_count).where(self._user.login_count.is_not(None))
            )
            return sum(counted)

    def close(self) -> None:
        """Close the pool."""
        with self._app.app_context():
            self._database.engine.dispose()


def _set_pragmas(raw: Any, sync: Sync) -> None:
    raw.execute("PRAGMA journal_mode = wal")
    raw.execute(f"PRAGMA synchronous = {sync.value}")
