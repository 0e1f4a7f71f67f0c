"""Witnesses on the way of what a party sends: `benchmarks.border.capturing`, and a counter before it.

party's process --- counter (TCP) --- capture (TLS, gRPC) --- exchange
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

from benchmarks.border import capturing
from federation.coordinator.home import CoordinatorHome
from federation.ids import PartyId
from parties.home import PartyHome
from tests.system.federation import LOOPBACK, Federation


class Capture(capturing.Capture):
    """Stands at the address that the parties know; the exchange listens at `federation`'s own."""

    def __init__(self, federation: Federation, upstream: str) -> None:
        parties = {PartyId(name): PartyHome.open(federation.party(name)) for name in federation.names}
        super().__init__(CoordinatorHome.open(federation.home), parties, upstream)


class TcpCounter:
    """Passes TCP connections on and counts the bytes from who connects: `sent`, and `connections`."""

    def __init__(self, address: str, to: int) -> None:
        host, _, port = address.rpartition(":")
        self._to, self._lock = to, threading.Lock()
        self.sent = self.connections = 0
        self._listener = socket.create_server((host, int(port)))
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection((LOOPBACK, self._to), timeout=5)
                far.settimeout(None)
                with self._lock:
                    self.connections += 1
                    self._open += [near, far]
                threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if counted:
                    with self._lock:
                        self.sent += len(data)
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
