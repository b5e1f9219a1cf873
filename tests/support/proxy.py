"""A proxy before a database server on 127.0.0.1, which loses, cuts and holds back what passes through it."""

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from enum import Enum, auto
from typing import Final, Self

_CHUNK: Final = 65_536
_LOOK_SECONDS: Final = 0.02


class Fault(Enum):
    """What happens to a connection when a message with certain bytes comes from the client."""

    REQUEST_LOST = auto()
    """The connection is closed, and the server never gets the message."""

    ANSWER_LOST = auto()
    """The server gets the message and answers; then the connection is closed without the answer."""

    ANSWER_CUT = auto()
    """The client gets half of the answer; then the connection is closed."""

    FROZEN = auto()
    """Nothing passes any longer, on no connection, and none is closed."""


class Proxy:
    """Forwards connections to a port of 127.0.0.1; use it in ``with``.

    Attributes:
        port: Where it listens.
        met: How often a fault happened.
    """

    def __init__(self, target: int) -> None:
        """Forward to the port *target*."""
        self._target = target
        self._fault: tuple[bytes, Fault] | None = None
        self._frozen = threading.Event()
        self._refusing = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.met = 0

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def arm(self, pattern: bytes, fault: Fault) -> None:
        """Let *fault* happen once, at the next message of a client that has *pattern* in it."""
        with self._lock:
            self._fault = (pattern, fault)

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Be a server that is stopped: close every connection, and each new one at once."""
        self._refusing.set()
        try:
            yield
        finally:
            self._refusing.clear()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Be a server that hangs: nothing passes within the block."""
        self._frozen.set()
        try:
            yield
        finally:
            self._frozen.clear()

    def thaw(self) -> None:
        """Let everything pass again."""
        self._frozen.clear()

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            if not select.select([self._listener], [], [], _LOOK_SECONDS)[0]:
                continue
            client, _ = self._listener.accept()
            if self._refusing.is_set():
                client.close()
            else:
                self._start(self._forward, client)

    def _forward(self, client: socket.socket) -> None:
        with (
            closing(client),
            closing(socket.create_connection(("127.0.0.1", self._target))) as server,
            suppress(OSError),
        ):
            fault: Fault | None = None
            while not (self._ended.is_set() or self._refusing.is_set()):
                if self._frozen.is_set():
                    self._ended.wait(_LOOK_SECONDS)
                    continue
                for one in select.select([client, server], [], [], _LOOK_SECONDS)[0]:
                    data = one.recv(_CHUNK)
                    if not data:
                        return
                    if one is client:
                        fault = self._fault_of(data)
                        if fault is Fault.REQUEST_LOST:
                            return
                        server.sendall(data)
                    elif fault is None:
                        client.sendall(data)
                    elif fault is not Fault.FROZEN:
                        client.sendall(data[: len(data) // 2] if fault is Fault.ANSWER_CUT else b"")
                        return

    def _fault_of(self, data: bytes) -> Fault | None:
        """Return what happens to a message, once."""
        with self._lock:
            if self._fault is None or self._fault[0] not in data:
                return None
            fault = self._fault[1]
            self._fault = None
            self.met += 1
        if fault is Fault.FROZEN:
            self._frozen.set()
        return fault
