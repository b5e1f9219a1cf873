"""Django's own authentication: ``django.contrib.auth`` with sessions in the database."""

from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django
from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connections

from benchmarks.peers import Sync
from benchmarks.population import ARGON2, PASSWORD, email


class CheapArgon2(Argon2PasswordHasher):
    """Django's hasher with everybody's parameters."""

    time_cost = ARGON2["time_cost"]
    memory_cost = ARGON2["memory_cost"]
    parallelism = ARGON2["parallelism"]


class Router:
    """Sends every query to the database of the contender whose turn it is."""

    alias = "default"

    def db_for_read(self, *_: object, **__: object) -> str:
        """Return the alias."""
        return self.alias

    db_for_write = db_for_read


def _set_up() -> None:
    if not settings.configured:
        settings.configure(
            SECRET_KEY="a-secret-for-measuring-only-0123456789",
            DATABASES={"default": {}},
            DATABASE_ROUTERS=["benchmarks.peers.django_peer.Router"],
            INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
            PASSWORD_HASHERS=["benchmarks.peers.django_peer.CheapArgon2"],
            SESSION_ENGINE="django.contrib.sessions.backends.db",
            USE_TZ=True,
        )
        django.setup()


class Django:
    """``authenticate``, ``login`` and ``get_user`` as a view and the middleware call them, without HTTP."""

    name = "Django"
    _aliases = count()

    def __init__(self, path: Path, sync: Sync) -> None:
        """Add a database to Django's."""
        _set_up()
        from django.contrib.auth.models import Group, Permission, User
        from django.contrib.contenttypes.models import ContentType
        from django.contrib.sessions.models import Session

        self._models = SimpleNamespace(User=User, Session=Session, all=(ContentType, Permission, Group, User, Session))
        self._alias = f"bench{next(self._aliases)}"
        options = {
            "transaction_mode": "IMMEDIATE",
            "init_command": f"PRAGMA journal_mode = wal; PRAGMA synchronous = {sync.value};",
        }
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": options}
        known = connections.configure_settings({"default": {}, self._alias: database})
        connections.settings[self._alias] = known[self._alias]

    def populate(self, accounts: int) -> None:
        """Make the tables, and rows with one shared hash; the sessions are as long as genuine ones."""
        from django.contrib.auth.hashers import make_password

        Router.alias = self._alias
        connection = connections[self._alias]
        with connection.schema_editor() as editor:
            for model in self._models.all:
                editor.create_model(model)
        self._models.User(
            username=email(0), email=email(0), first_name="Matti", password=make_password(PASSWORD)
        ).save()
        assert self.sign_in(email(0), PASSWORD)
        names = [field.attname for field in self._models.User._meta.concrete_fields]  # noqa: SLF001 - documented
        with connection.cursor() as cursor:  # as SQLite keeps them, not as Django reads them
            quoted = ", ".join(f'"{name}"' for name in names)
            user = cursor.execute(f"SELECT {quoted} FROM auth_user").fetchone()  # noqa: S608 - Django's own names
            data, expires = cursor.execute("SELECT session_data, expire_date FROM django_session").fetchone()
        database = connection.connection
        database.executescript("PRAGMA journal_mode = off; PRAGMA synchronous = off; PRAGMA cache_size = -400000")
        holes = ", ".join("?" * len(names))
        own = {name: names.index(name) for name in ("id", "username", "email")}
        database.execute("BEGIN")
        database.executemany(
            f"INSERT INTO auth_user ({quoted}) VALUES ({holes})",  # noqa: S608 - Django's own names
            (_copy(user, own, n) for n in range(1, accounts)),
        )
        database.executemany(
            "INSERT INTO django_session VALUES (?, ?, ?)", ((f"{n:032d}", data, expires) for n in range(1, accounts))
        )
        database.execute("COMMIT")

    def sign_in(self, email: str, password: str) -> str | None:
        """``authenticate`` and ``login``, then the save that the session middleware does."""
        from django.contrib.auth import authenticate, login

        request = self._request(None)
        user = authenticate(request, username=email, password=password)
        if user is None:
            return None
        login(request, user)
        request.session.save()
        key: str = request.session.session_key
        return key

    def check(self, token: str) -> str | None:
        """What the session and the authentication middleware do for ``request.user``."""
        from django.contrib.auth import get_user

        user = get_user(self._request(token))
        return user.email if user.is_authenticated else None

    def resolve(self, email: str) -> str | None:
        """Look the username up as the backend does: byte for byte, with the index."""
        Router.alias = self._alias
        try:
            found: str = self._models.User.objects.get_by_natural_key(email).email
        except self._models.User.DoesNotExist:
            return None
        return found

    def resolve_ignoring_case(self, email: str) -> str | None:
        """Look the address up as Django's password reset does."""
        Router.alias = self._alias
        user = self._models.User.objects.filter(email__iexact=email, is_active=True).first()
        return user.email if user else None

    def sessions(self) -> int:
        """Count the rows."""
        Router.alias = self._alias
        rows: int = self._models.Session.objects.count()
        return rows

    def close(self) -> None:
        """Close the connection."""
        connections[self._alias].close()

    def _request(self, session_key: str | None) -> Any:
        from django.contrib.sessions.backends.db import SessionStore
        from django.http import HttpRequest

        Router.alias = self._alias
        request: Any = HttpRequest()
        request.session = SessionStore(session_key)
        return request


def _copy(user: tuple[object, ...], own: dict[str, int], n: int) -> list[object]:
    """Return the first person's row as person *n* has it."""
    row = list(user)
    row[own["id"]], row[own["username"]], row[own["email"]] = n + 1, email(n), email(n)
    return row
