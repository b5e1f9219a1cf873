"""The database cannot be used: everybody gets the same 503, nobody is signed out, and no answer tells of an account."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import pytest

from cityauth.stores.sql import SqlStore, connections
from flask_app.app import create_auth
from flask_app.tests.service import CHEAP, ERKKI, STRANGER, Service, Visitor, answer

COOKIE = "__Host-cityauth"


@contextmanager
def using(service: Service, store: SqlStore) -> Iterator[None]:
    """Let the service ask *store* within the block."""
    service.app.extensions["cityauth"] = create_auth(store, service.config, service.mailbox, CHEAP)
    try:
        yield
    finally:
        service.app.extensions["cityauth"] = service.auth
        store.close()


@contextmanager
def stopped(service: Service) -> Iterator[None]:
    """A PostgreSQL server is not there."""
    with using(service, SqlStore("postgresql://aino@127.0.0.1:1/esimerkkila")):
        yield


@contextmanager
def missing(service: Service) -> Iterator[None]:
    """The folder of the database file is not there, as when a disk is not mounted."""
    with using(service, SqlStore(f"sqlite:///{service.config.database.parent}/none/demo.db")):
        yield


@contextmanager
def locked(service: Service) -> Iterator[None]:
    """Somebody else holds the write lock."""
    with closing(sqlite3.connect(service.config.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with using(service, SqlStore(f"sqlite:///{service.config.database}")):
            yield


@contextmanager
def read_only(service: Service) -> Iterator[None]:
    """The database refuses every write."""
    with using(service, SqlStore(f"sqlite:///{service.config.database}", read_only=True)):
        yield


Outage = Callable[[Service], AbstractContextManager[None]]
OUTAGES: list[Outage] = [stopped, missing, locked, read_only]


@pytest.fixture(autouse=True)
def _short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "BUSY_SECONDS", 0.1)


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize("outage", OUTAGES)
def test_a_sign_in_during_an_outage_is_the_same_for_everyone(own_service: Service, outage: Outage, accept: str) -> None:
    """A right, a wrong and an unknown sign-in get one 503 with Retry-After and no cookie, page and JSON (C-24)."""
    tried = [(ERKKI.email, ERKKI.password), (ERKKI.email, "jokin muu salasana"), (STRANGER, ERKKI.password)]
    visitors = [Visitor(own_service) for _ in tried]
    for visitor, (identifier, _) in zip(visitors, tried, strict=True):
        visitor.identify(identifier)
    forms = [visitor.form("/login/password") for visitor in visitors]
    answers = []
    with outage(own_service):
        for visitor, form, (_, password) in zip(visitors, forms, tried, strict=True):
            visitor.post("/login/password", form | {"password": password}, Accept=accept)
            answers.append(answer(visitor))
            assert visitor.page.status_code == 503
            assert visitor.page.headers["Retry-After"] == "60"
            assert "Set-Cookie" not in visitor.page.headers
    assert answers[1:] == answers[:-1]
    assert visitors[0].post("/login/password", forms[0] | {"password": ERKKI.password}).status_code == 200
    assert visitors[0].get("/cases").status_code == 200


@pytest.mark.parametrize("outage", [stopped, missing])
def test_an_outage_signs_nobody_out(own_service: Service, outage: Outage) -> None:
    """A live and a made-up session get one 503; the live one goes on afterwards (C-24, C-27)."""
    visitors = [Visitor(own_service) for _ in range(2)]
    for visitor in visitors:
        visitor.get("/")  # from here on each has the cookie of the forms
    visitors[0].sign_in(ERKKI.email, ERKKI.password)
    token = visitors[0].cookie(COOKIE)
    visitors[1].client.set_cookie(COOKIE, "A" * 43, domain="localhost", secure=True)
    answers = []
    with outage(own_service):
        for visitor in visitors:
            visitor.get("/cases")
            assert visitor.page.status_code == 503
            assert "Set-Cookie" not in visitor.page.headers
            answers.append(answer(visitor))
    assert answers[1:] == answers[:-1]
    assert visitors[0].cookie(COOKIE) == token
    assert visitors[0].get("/cases").status_code == 200
