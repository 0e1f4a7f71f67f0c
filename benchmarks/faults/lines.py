"""A party's line to the exchange, which can be cut: bytes wait, and nobody is told.

    party's process --- this --- exchange

While it is cut a new connection is taken, as by a network that drops what is sent, and answered by nobody.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

_CHUNK = 1 << 16
_CONNECT_SECONDS = 5.0


class Line:
    """Listens at `port` and copies each connection to `upstream`, a port of this machine."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self._through = threading.Event()
        self._through.set()
        self._closed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._through.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for each in self._sockets:
                _shut(each)

    def cut(self) -> None:
        """From now on nothing passes."""
        self._through.clear()

    def mend(self) -> None:
        """Everything passes, what waited first."""
        self._through.set()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        with near:
            self._through.wait()
            try:
                far = socket.create_connection(("127.0.0.1", self.upstream), _CONNECT_SECONDS)
            except OSError:
                return
            with far:
                far.settimeout(None)
                with self._lock:
                    self._sockets |= {near, far}
                back = threading.Thread(target=self._copy, args=(far, near), daemon=True)
                back.start()
                self._copy(near, far)
                back.join()
                with self._lock:
                    self._sockets -= {near, far}

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(_CHUNK):
                self._through.wait()
                sink.sendall(data)
        except OSError:
            pass
        self._through.wait()  # A cut line does not tell that the other end is gone.
        _shut(source)
        _shut(sink)


def _shut(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
