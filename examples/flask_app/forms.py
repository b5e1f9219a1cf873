"""Forms: whether one comes from a page of ours, and what happens to one that is old or was sent twice."""

import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import urlsplit

from flask import Flask, current_app, request
from flask_wtf.csrf import CSRFError, CSRFProtect

from cityauth import LinkLive

MINUTES = 10
"""How long a second copy of a form is answered like the first."""

MOST = 1000
"""Answers that are remembered; the oldest go first."""


class ForeignFormError(CSRFError):
    """The browser says that the form is on a page of another site."""


def init_app(app: Flask, csrf: CSRFProtect) -> None:
    """Protect every form against other sites."""
    app.extensions["answers"] = Answers()
    app.extensions["looks"] = Looks()
    app.before_request(refuse_foreign)
    csrf.init_app(app)  # the token, which is bound to the browser's session


def refuse_foreign() -> None:
    """Refuse a form of another site, as far as the browser tells where the form stands.

    Browsers send ``Origin``, ``Sec-Fetch-Site`` or ``Referer``; the first that says something decides. One
    that sends none of them is still asked for the token.

    Raises:
        ForeignFormError: the form stands elsewhere.
    """
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    origin, site, referrer = (request.headers.get(name) for name in ("Origin", "Sec-Fetch-Site", "Referer"))
    if origin and origin != "null":  # "null" is what a browser says that was told to send no referrer
        ours = origin in _our_origins()
    elif site:
        ours = site in {"same-origin", "none"}
    else:
        ours = not referrer or _origin(referrer) in _our_origins()
    if not ours:
        raise ForeignFormError("the form stands on a page of another site")


def _our_origins() -> set[str | None]:
    """Return the origin that the request was sent to, and the one in the configuration, for proxies that change it."""
    return {_origin(request.host_url), _origin(current_app.config["BASE_URL"])}


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    standard = {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port and port != standard else "")


def carries_token() -> bool:
    """Whether the form has a CSRF token at all, even an old one, as every form of our pages has."""
    return bool(request.form.get("csrf_token"))


@dataclass
class Answer:
    """What became of one form.

    Attributes:
        said: The code of the message after it was done; empty as long as it was not.
        then: The endpoint of the page that showed the message.
        at: When it was first sent, in seconds of a clock that only goes forward.
    """

    said: str = ""
    then: str = ""
    at: float = field(default_factory=time.monotonic)
    lock: Lock = field(default_factory=Lock)


class Answers:
    """Remembers what was done, so that the second click of a double click is told the same and does nothing.

    It is a class because it keeps state: one process's memory, which suffices for a demo. A service of several
    processes keeps the same thing where all of them see it.
    """

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._key = secrets.token_bytes(32)
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()
        self._lock = Lock()

    @contextmanager
    def turn(self) -> Iterator[Answer]:
        """Give the answer to the request's form, and let a second copy of the form wait until the block ends."""
        name = self._name()
        with self._lock:
            self._drop_old()
            answer = self._answers.setdefault(name, Answer())
        with answer.lock:
            yield answer

    def given(self) -> Answer | None:
        """Return the answer to the request's form, or ``None`` when no such form was done."""
        with self._lock:
            self._drop_old()
            answer = self._answers.get(self._name())
        return answer if answer and answer.said else None

    def _name(self) -> bytes:
        """Return a name for exactly this form with these fields, from which nobody learns what was typed."""
        fields = sorted((name, values) for name, values in request.form.lists())
        return hmac.digest(self._key, repr((request.path, fields)).encode("utf-8", "replace"), "sha256")

    def _drop_old(self) -> None:
        oldest = time.monotonic() - MINUTES * 60
        while self._answers and (len(self._answers) > MOST or next(iter(self._answers.values())).at < oldest):
            self._answers.popitem(last=False)


class Looks:
    """Keeps what a look at a link found, from the redirect to the page that it leads to."""

    SECONDS = 10.0

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._found: OrderedDict[str, tuple[LinkLive, float]] = OrderedDict()
        self._lock = Lock()

    def keep(self, proof: str, found: LinkLive) -> None:
        """Keep what was *found* of the link that *proof* stands for."""
        with self._lock:
            self._found[proof] = (found, time.monotonic())
            if len(self._found) > MOST:
                self._found.popitem(last=False)

    def take(self, proof: str) -> LinkLive | None:
        """Return what was found a moment ago, once."""
        with self._lock:
            found, at = self._found.pop(proof, (None, 0.0))
        return found if time.monotonic() - at < self.SECONDS else None


def looks() -> Looks:
    """Return the application's looks at links."""
    kept: Looks = current_app.extensions["looks"]
    return kept


def answers() -> Answers:
    """Return the application's memory of forms that were sent."""
    kept: Answers = current_app.extensions["answers"]
    return kept
