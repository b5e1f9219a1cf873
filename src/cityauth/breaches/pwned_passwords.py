"""`PwnedPasswords`: asks a service for breached passwords, and never sends more than five digits of a digest.

Needs the extra ``breach``.
"""

import hashlib
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from threading import BoundedSemaphore, Lock, Thread
from typing import Any, Final, final

from cityauth.core.passwords import Password
from cityauth.errors import BreachCheckerUnavailableError, ConfigurationError, MissingExtraError
from cityauth.policy.mail import is_loopback

try:
    import httpx
except ImportError:
    raise MissingExtraError("breach", "PwnedPasswords") from None

_URL: Final = "https://api.pwnedpasswords.com/range/"
_HEADERS: Final = {"Add-Padding": "true", "Accept-Encoding": "identity", "User-Agent": "cityauth"}
_PREFIX: Final = 5
_LINE: Final = re.compile(rb"([0-9A-Fa-f]{35}):([0-9]{1,15})")
_LARGEST: Final = 1 << 20
"""The most bytes of an answer; a range with its padding has about 50 kB."""

_AT_ONCE: Final = 32
"""The most questions at once. Above it a password is not checked."""

_LONGEST_WAIT: Final = 10
_LAST_PORT: Final = 65535
_CONNECTED: Final = frozenset({"connection.connect_tcp.complete", "connection.start_tls.complete"})


@final
class PwnedPasswords:
    """Asks the range API of Have I Been Pwned, or a copy of it, for each new password.

    The service gets the first five hexadecimal digits of the password's SHA-1 and answers with every digest that begins
    with them. The rest is compared here. So the service cannot know which password was meant. It pads its answer,
    so the length of the answer does not show an observer of the network which digits were asked for.

    An answer counts only where the whole of it is as the API gives it. In every other case `is_breached` raises
    `BreachCheckerUnavailableError`: no answer in time, a redirect, another status than 200, more than 1 MiB, a line
    that is no digest and count, or no line at all.
    """

    def __init__(self, url: str = _URL, *, timeout: float = 1.0) -> None:
        """Prepare to ask. Nothing is connected yet.

        Args:
            url: The address to which the five digits are appended. It must be https, unless it is on this machine.
            timeout: After how many seconds there is no answer, all in all; more than 0, at most 10.

        Raises:
            ConfigurationError: the address or the time cannot be used.
        """
        self._url, here = _read_url(url)
        if not 0 < timeout <= _LONGEST_WAIT:
            raise ConfigurationError(f"the timeout of PwnedPasswords must be more than 0 and at most {_LONGEST_WAIT} s")
        self._timeout = timeout
        self._client = httpx.Client(
            headers=_HEADERS,
            timeout=timeout,
            trust_env=not here,  # a proxy would be another machine
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )
        self._free = BoundedSemaphore(_AT_ONCE)

    def is_breached(self, password: Password) -> bool:
        """Return whether the service knows the password's NFC from a leak.

        Raises:
            BreachCheckerUnavailableError: there is no answer in time that can be used.
        """
        answer = self._ask(_digest(password)[:_PREFIX])
        # The rest of the digest is made after the question, so that no error on the way can show it.
        return _count(answer).get(_digest(password)[_PREFIX:], 0) > 0

    def _ask(self, prefix: str) -> bytes:
        """Return the service's answer.

        A thread asks, so that neither a slow resolver of names nor an answer that comes byte by byte takes longer than
        the timeout, which httpx counts anew for each step.
        """
        if not self._free.acquire(blocking=False):
            raise BreachCheckerUnavailableError("busy")
        call = _Call(self._client, self._url + prefix)
        try:
            thread = Thread(target=self._answer, args=(call,), daemon=True)
            thread.start()
        except RuntimeError:  # no more threads
            self._free.release()
            raise BreachCheckerUnavailableError("busy") from None
        thread.join(self._timeout)
        if thread.is_alive():
            call.cut()
            raise BreachCheckerUnavailableError("timeout")
        if call.body is None:
            raise BreachCheckerUnavailableError(call.failure)
        return call.body

    def _answer(self, call: "_Call") -> None:
        try:
            call.run()
        finally:
            self._free.release()


class _Call:
    """One question to the service. It is a class so that the thread that waits can end the one that asks.

    Attributes:
        body: The answer; ``None`` where there is none that can be used.
        failure: Why there is none.
    """

    def __init__(self, client: httpx.Client, url: str) -> None:
        self.body: bytes | None = None
        self.failure = "unreachable"
        self._client = client
        self._url = url
        self._lock = Lock()
        self._socket: socket.socket | None = None
        self._is_cut = False

    def run(self) -> None:
        """Ask, and keep the answer or why there is none."""
        try:
            with self._client.stream("GET", self._url, extensions={"trace": self._trace}) as response:
                if response.status_code != httpx.codes.OK:
                    self.failure = f"status_{response.status_code}"
                elif response.headers.get("Content-Encoding", "identity") != "identity":
                    self.failure = "bad_answer"
                else:
                    self._read(response)
        except httpx.TimeoutException:
            self.failure = "timeout"
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            self.failure = "unreachable"

    def _read(self, response: httpx.Response) -> None:
        body = bytearray()
        for part in response.iter_raw():
            body += part
            if len(body) > _LARGEST:
                self.failure = "bad_answer"
                return
        self.body = bytes(body)

    def cut(self) -> None:
        """End the connection, now or as soon as there is one."""
        with self._lock:
            self._is_cut = True
            self._shut()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event in _CONNECTED:
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
                if self._is_cut:
                    self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # it has ended by itself
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _digest(password: Password) -> str:
    return hashlib.sha1(password.nfc.encode(), usedforsecurity=False).hexdigest().upper()


def _count(answer: bytes) -> dict[str, int]:
    """Return how often each digest without its first digits was leaked; padding has the count 0."""
    counts = {}
    for line in answer.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise BreachCheckerUnavailableError("bad_answer")
        counts[match[1].decode().upper()] = int(match[2])
    if not counts:
        raise BreachCheckerUnavailableError("bad_answer")
    return counts


def _read_url(text: str) -> tuple[str, bool]:
    """Return *text* as an address that ends with a slash, and whether it is on this machine."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError):
        raise ConfigurationError("the address of PwnedPasswords cannot be read") from None
    here = is_loopback(url.host)
    if not url.host or (url.port or 0) > _LAST_PORT or not (url.scheme == "https" or (url.scheme == "http" and here)):
        raise ConfigurationError("the address of PwnedPasswords must be https, unless it is on this machine")
    if url.userinfo or url.query or url.fragment:
        raise ConfigurationError("the address of PwnedPasswords must have no user, query or fragment")
    return f"{str(url).rstrip('/')}/", here
