"""Breached passwords by a service, which a server on this machine plays, also a hostile one."""

import contextlib
import hashlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

pytest.importorskip("httpx", reason="PwnedPasswords needs the extra 'breach'")

from cityauth import BreachCheckerUnavailableError, ConfigurationError
from cityauth.breaches import PwnedPasswords
from tests.support.fakes import typed

LEAKED = "leaked passphrase of 2013"
SAFE = "kolme vihreää omenaa pöydällä"


def digest(password: str) -> str:
    """The digest of a password, in upper case."""
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


class Server:
    """Answers each request with the same bytes, and keeps the requests."""

    def __init__(self, answer: bytes | Callable[[socket.socket], None]) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.stop = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/range/"
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        while not self.stop.is_set():
            try:
                opened, _ = self.listener.accept()
            except OSError:
                return
            with opened, contextlib.suppress(OSError):
                opened.settimeout(2)
                self.requests.append(opened.recv(65536))
                if callable(self.answer):
                    self.answer(opened)
                else:
                    opened.sendall(self.answer)

    def close(self) -> None:
        """Stop serving."""
        self.stop.set()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(5)
        assert not self.thread.is_alive()


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def lines(*suffixes: str, count: int = 7) -> bytes:
    """The lines of an answer."""
    return "\r\n".join(f"{suffix}:{count}" for suffix in suffixes).encode()


HIT = lines("0" * 35, digest(LEAKED)[5:], "F" * 35)
Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that end with the test."""
    started: list[Server] = []

    def start(answer: bytes | Callable[[socket.socket], None]) -> Server:
        started.append(Server(answer))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_hits_and_misses(serve: Serve) -> None:
    """A password whose digest is in the answer is breached, and another one is not (ASVS 6.2.12)."""
    checker = PwnedPasswords(serve(http(HIT)).url)
    assert checker.is_breached(typed(LEAKED))
    assert not checker.is_breached(typed(SAFE))
    lower = PwnedPasswords(serve(http(HIT.lower())).url)
    assert lower.is_breached(typed(LEAKED))


def test_padding_is_no_hit(serve: Serve) -> None:
    """A line with the count 0 is padding."""
    server = serve(http(lines(digest(LEAKED)[5:], count=0)))
    assert not PwnedPasswords(server.url).is_breached(typed(LEAKED))


@pytest.mark.parametrize("password", [LEAKED, SAFE, "x" * 1024, "a\0" * 8])
def test_only_five_digits_leave_the_process(serve: Serve, caplog: pytest.LogCaptureFixture, password: str) -> None:
    """The request has five digits of the digest and nothing else of the password, and no log has more (ASVS 6.2.12)."""
    caplog.set_level(logging.DEBUG)
    server = serve(http(HIT))
    PwnedPasswords(server.url).is_breached(typed(password))
    (request,) = server.requests
    first, *headers = request.decode().split("\r\n")
    assert first == f"GET /range/{digest(password)[:5]} HTTP/1.1"
    assert "add-padding: true" in [one.lower() for one in headers]
    for text in (request.decode(), caplog.text):
        assert digest(password)[:6] not in text.upper()
        assert password not in text


HOSTILE: dict[str, bytes] = {
    "status 500": http(HIT, "500 Internal Server Error"),
    "status 429": http(HIT, "429 Too Many Requests", "Retry-After: 2"),
    "status 404": http(b"", "404 Not Found"),
    "status 204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "redirect": http(HIT, "302 Found", "Location: http://192.0.2.1/range/"),
    "no lines": http(b""),
    "a page": http(b"<html>Log in to the network first</html>"),
    "a wrong line": http(HIT + b"\r\nnot a line"),
    "a whole digest": http(digest(LEAKED).encode() + b":7"),
    "no count": http(digest(LEAKED)[5:].encode()),
    "negative": http(digest(LEAKED)[5:].encode() + b":-1"),
    "blank line": http(HIT + b"\r\n\r\n" + HIT),
    "huge": http(lines(*["A" * 35] * 40_000)),
    "one huge line": http(b"A" * 3_000_000),
    "a huge count": http(digest(LEAKED)[5:].encode() + b":" + b"9" * 10_000),
    "cut": http(HIT)[:-10],
    "compressed": http(b"\x1f\x8b" + bytes(100), "200 OK", "Content-Encoding: gzip"),
    "no http": b"\x00\xff" * 100,
    "nothing": b"",
    "huge headers": http(HIT, "200 OK", f"X: {'a' * 500_000}"),
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_answer_is_no_answer(serve: Serve, answer: bytes) -> None:
    """An answer that is not wholly as the API gives it counts for nothing, and shows nothing of the password (C-32)."""
    server = serve(answer)
    with pytest.raises(BreachCheckerUnavailableError) as raised:
        PwnedPasswords(server.url).is_breached(typed(LEAKED))
    assert len(server.requests) == 1
    trail, shown = raised.value.__traceback__, [repr(raised.value)]
    while trail is not None:
        if "breaches" in trail.tb_frame.f_code.co_filename.rpartition("src")[2]:
            shown.append(repr({k: v for k, v in trail.tb_frame.f_locals.items() if k not in {"answer", "line"}}))
        trail = trail.tb_next
    assert LEAKED not in "".join(shown)
    assert digest(LEAKED) not in "".join(shown).upper()


def silent(opened: socket.socket) -> None:
    """Say nothing until the client ends."""
    opened.recv(1)


def drip(*first: bytes) -> Callable[[socket.socket], None]:
    """Send *first*, then one byte at a time for ever."""

    def answer(opened: socket.socket) -> None:
        opened.sendall(b"".join(first))
        opened.settimeout(0.02)
        while True:
            opened.sendall(b"A")
            with contextlib.suppress(TimeoutError):
                if not opened.recv(1):
                    return

    return answer


SLOW = {
    "silent": silent,
    "headers drip": drip(b"HTTP/1.1 200 OK\r\nX: "),
    "body drips": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n"),
}


@pytest.mark.parametrize("answer", SLOW.values(), ids=SLOW)
def test_a_slow_answer_is_cut(serve: Serve, answer: Callable[[socket.socket], None]) -> None:
    """All in all no answer takes longer than the timeout, and its thread and connection end (C-32, C-34)."""
    checker = PwnedPasswords(serve(answer).url, timeout=0.2)
    before = set(threading.enumerate())
    with pytest.raises(BreachCheckerUnavailableError) as raised:
        checker.is_breached(typed(LEAKED))
    assert raised.value.reason == "timeout"
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()


def test_a_server_that_is_down() -> None:
    """A port where nobody listens is unreachable (C-32)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(BreachCheckerUnavailableError, match="unreachable"):
        PwnedPasswords(f"http://127.0.0.1:{port}/").is_breached(typed(LEAKED))


def test_too_many_at_once_are_not_checked(serve: Serve) -> None:
    """Above the most questions at once, a password is not checked, and a place becomes free again."""
    checker = PwnedPasswords(serve(http(HIT)).url)
    for _ in range(32):
        checker._free.acquire()
    with pytest.raises(BreachCheckerUnavailableError, match="busy"):
        checker.is_breached(typed(LEAKED))
    checker._free.release()
    assert checker.is_breached(typed(LEAKED))
    assert checker.is_breached(typed(LEAKED))


def test_no_proxy_for_a_server_here(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question to this machine leaves it by no proxy."""
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")
    assert PwnedPasswords(serve(http(HIT)).url).is_breached(typed(LEAKED))


@pytest.mark.parametrize(
    "url",
    [
        "http://api.pwnedpasswords.com/range/",
        "http://127.0.0.1.example.org/",
        "http://localhost.example.org/",
        "http://192.0.2.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://",
        "https:///range/",
        "https://user:secret@example.org/range/",
        "https://example.org/range/?key=1",
        "https://example.org/range/#x",
        "https://example.org:99999999/",
        "api.pwnedpasswords.com",
        "",
        "\0",
    ],
)
def test_an_address_that_is_refused(url: str) -> None:
    """Only https is taken, or http on this machine, and the message shows no value."""
    with pytest.raises(ConfigurationError) as raised:
        PwnedPasswords(url)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("timeout", [0, -1, 10.5, float("nan"), float("inf")])
def test_a_time_that_is_refused(timeout: float) -> None:
    """The timeout is more than nothing and at most ten seconds."""
    with pytest.raises(ConfigurationError):
        PwnedPasswords(timeout=timeout)
