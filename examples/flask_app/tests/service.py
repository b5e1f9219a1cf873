"""The demo e-service in a folder of its own, with hashes that cost nothing, and visitors who use its forms."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from bs4 import BeautifulSoup, Tag
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from cityauth import CityAuth, HashProfile, MemoryMailer, Policy
from cityauth.core.mail import QueuedMail
from cityauth.policy import Backoff, Limit
from cityauth.ports.services import Mailer
from cityauth.stores.sql import SqlStore
from flask_app.app import POLICY, create_app, create_auth, create_store
from flask_app.cases import Cases
from flask_app.config import Config, Keys
from flask_app.seeds import PEOPLE, seed

ERKKI, ASA, MATTI, VIRVE = PEOPLE

STRANGER = "nobody.knows@example.com"
"""An address that no account has."""

NEW = "aamukaste kimaltelee laiturilla"
"""A password that may be set."""

TYPED = re.compile(rb'(?<=<strong class="typed">)[^<]*')
"""What the person typed and is shown again."""
VARYING = re.compile(rb'(name="(?:csrf_token|pending)" value=")[^"]+')
"""Values that differ from one answer to the next, whoever asks."""

OFTEN = (Limit(1_000_000, timedelta(minutes=1)),)

THROTTLED = replace(
    POLICY,
    hashing=HashProfile(memory_cost=8, time_cost=1, parallelism=1),
    throttle=replace(POLICY.throttle, sign_in_per_network=OFTEN, sign_in_failures_per_network=OFTEN),
)
"""The demo's policy, but for what a hash costs, and for the limits of a network: all visitors have one address."""

CHEAP = replace(THROTTLED, throttle=replace(THROTTLED.throttle, sign_in_per_account=Backoff(free=1000)))
"""The same without waits: the tests fail to sign in very often."""


@dataclass(frozen=True)
class Service:
    """A prepared installation of the demo."""

    app: Flask
    auth: CityAuth
    store: SqlStore
    config: Config
    mailbox: MemoryMailer

    def mail(self, to: str) -> QueuedMail:
        """Send what waits in the outbox, and return the last mail that went to the address *to*."""
        self.auth.outbox.flush()
        return self.mailbox.sent(to)[-1]

    def link(self, to: str) -> str:
        """Return the address in the last mail to *to*, without its host."""
        (link,) = [line for line in self.mail(to).content.body.splitlines() if line.startswith(self.config.base_url)]
        return link.removeprefix(self.config.base_url)


def install(
    folder: Path,
    *,
    plain_localhost: bool = False,
    base_url: str = "https://localhost",
    mailer: Mailer | None = None,
    policy: Policy = CHEAP,
) -> Service:
    """Prepare the demo in *folder*, as ``python -m flask_app`` does; with a *mailer* it has no demo mailbox."""
    database = folder / "demo.db"
    database.write_bytes(seeded_database())
    database.chmod(0o600)
    config = Config(database, Keys.beside(database), plain_localhost=plain_localhost, base_url=base_url)
    store = create_store(config)
    mailbox = MemoryMailer()
    auth = create_auth(store, config, mailer or mailbox, policy)
    app = create_app(config, auth, None if mailer else mailbox, policy)
    app.jinja_env.bytecode_cache = COMPILED
    return Service(app, auth, store, config, mailbox)


@cache
def seeded_database() -> bytes:
    """The file of a database with the demo's people and cases; it is made once, and every installation gets a copy."""
    with TemporaryDirectory() as folder:
        database = Path(folder) / "demo.db"
        config = Config(database, Keys.beside(database))
        cases = Cases(database)
        cases.create_table()
        with create_store(config) as store:
            store.create_schema()
            seed(create_auth(store, config, policy=CHEAP), cases)
        return database.read_bytes()


class CompiledTemplates(BytecodeCache):
    """Keeps what Jinja compiled in memory, so that each installation need not compile the pages again."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a page that was compiled before."""
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a page that was compiled now."""
        self.kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = CompiledTemplates()


@contextmanager
def serving(app: Flask, port: int = 0) -> Iterator[str]:
    """Serve *app* on a loopback port, a free one by default, for the time of the block; gives the address."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Visitor:
    """A browser without JavaScript: it keeps cookies, and sends the forms of the page that it sees."""

    def __init__(self, service: Service, *, scheme: str = "https", **headers: str) -> None:
        """Come over TLS, unless *scheme* says otherwise; *headers* go along with every request."""
        self.service = service
        self.client = service.app.test_client()
        self.headers = {"Accept-Language": "fi", "Referer": f"{scheme}://localhost/"} | headers
        self.base = f"{scheme}://localhost"
        self.page: TestResponse

    def get(self, path: str, **headers: str) -> TestResponse:
        """Open a page; redirects are followed."""
        return self._open("GET", path, headers)

    def send(self, path: str, **fields: Any) -> TestResponse:
        """Send the form of the present page that goes to *path*, with *fields* filled in."""
        return self.post(path, self.form(path) | fields)

    def form(self, path: str) -> dict[str, Any]:
        """Return the fields of the form that goes to *path*, as the present page filled them in."""
        form = self.soup.find("form", action=path)
        assert isinstance(form, Tag), f"the page has no form that goes to {path}"
        inputs = [one for one in form.find_all("input") if one.get("type") != "checkbox"]
        return {str(one["name"]): one.get("value", "") for one in inputs}

    def post(self, path: str, data: Any = None, **headers: str) -> TestResponse:
        """Send *data*, whatever the page has; redirects are followed."""
        return self._open("POST", path, headers, data=data)

    def identify(self, identifier: str) -> TestResponse:
        """Go as far as the password page."""
        self.get("/login")
        return self.send("/login", identifier=identifier)

    def sign_in(self, identifier: str, password: str, **fields: Any) -> TestResponse:
        """Go through both pages."""
        self.identify(identifier)
        return self.send("/login/password", password=password, **fields)

    def cookie(self, name: str) -> str | None:
        """Return the value of a cookie that the browser keeps."""
        kept = self.client.get_cookie(name)
        return kept.value if kept else None

    @property
    def soup(self) -> BeautifulSoup:
        """The present page, parsed."""
        return BeautifulSoup(self.page.text, "html.parser")

    @property
    def csrf_token(self) -> str:
        """The token in the present page's forms."""
        field = self.soup.find("input", attrs={"name": "csrf_token"})
        assert isinstance(field, Tag), "the page has no form"
        return str(field["value"])

    @property
    def heading(self) -> str:
        """The present page's first heading."""
        heading = self.soup.h1
        assert heading is not None, "the page has no heading"
        return heading.get_text(strip=True)

    def _open(self, method: str, path: str, headers: dict[str, str], data: Any = None) -> TestResponse:
        self.page = self.client.open(
            path,
            method=method,
            base_url=self.base,
            headers=self.headers | headers,
            data=data,
            follow_redirects=True,
            buffered=True,
        )
        return self.page


def ask(service: Service, path: str, **fields: Any) -> Visitor:
    """Send one form as somebody who has just opened a browser."""
    visitor = Visitor(service)
    visitor.get(path)
    visitor.send(path, **fields)
    return visitor


def answer(visitor: Visitor) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Return the page and its headers, with what differs every time put aside."""
    page = visitor.page
    headers = [(name, value) for name, value in page.headers if name != "Content-Length"]
    return page.status_code, TYPED.sub(b"", VARYING.sub(rb"\1", page.data)), headers
