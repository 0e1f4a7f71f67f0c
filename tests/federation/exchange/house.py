"""A federation's exchange on loopback, with seats, and with a wire that can be cut."""

from __future__ import annotations

import contextlib
import datetime as dt
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any

import grpc

from crypto.certificates import CertificateAuthority, certificate_request, new_tls_key
from federation.exchange import frames
from federation.exchange.server import Exchange
from federation.exchange.service import CHANNEL_OPTIONS, METHOD
from federation.ids import AGGREGATOR, PartyId, RunId, party_id
from federation.transport.exchange import ExchangeTransport

RUN = RunId("run-7.1")
BANK = party_id("bank")
PLANT = party_id("plant")
TAX = party_id("tax")  # Admitted, but in no session unless a test says so.
STRANGER = party_id("stranger")  # Has a certificate; is not admitted.
PARTIES = (BANK, PLANT)


@dataclass(frozen=True)
class Papers:
    ca_pem: bytes
    certificate_pem: bytes
    key_pem: bytes


@cache
def papers(name: str, federation: str = "ours") -> Papers:
    """What a role of a federation shows and trusts. Made once: keys take time."""
    now = dt.datetime.now(dt.UTC)
    authority = _authority(federation)
    key = new_tls_key()
    request = certificate_request(key, name)
    if name == AGGREGATOR:
        certificate = authority.issue_aggregator(request, now)
    else:
        certificate = authority.issue_party(request, name, now)
    return Papers(authority.certificate_pem, certificate, key)


@cache
def _authority(federation: str) -> CertificateAuthority:
    return CertificateAuthority.create(federation, dt.datetime.now(dt.UTC))


class House:
    """An exchange and the seats that a test takes at it; everything is closed at the end."""

    def __init__(self, grace_seconds: float = 30.0) -> None:
        self.admitted = {BANK, PLANT, TAX}
        self._grace = grace_seconds
        self._open = contextlib.ExitStack()
        self.exchange = self._start("127.0.0.1:0")

    def _start(self, address: str) -> Exchange:
        own = papers(AGGREGATOR)
        exchange = Exchange(
            address, own.ca_pem, own.certificate_pem, own.key_pem, lambda: self.admitted, self._grace
        )
        exchange.start()
        return exchange

    def restart(self, pause: float = 0.0) -> None:
        """Stop the exchange, and start a new one that knows nothing, at the same address."""
        self.exchange.stop()
        time.sleep(pause)
        self.exchange = self._start(self.exchange.address)

    def seat(self, me: PartyId, via: str | None = None, **options: Any) -> ExchangeTransport:
        own = papers(me)
        if me == AGGREGATOR:
            options.setdefault("members", PARTIES)
        options.setdefault("flush_timeout", 5.0)
        seat = ExchangeTransport(
            me, RUN, via or self.exchange.address, own.ca_pem, own.certificate_pem, own.key_pem, **options
        )
        self._open.callback(_close_whatever_happens, seat)
        return seat

    def open(self) -> ExchangeTransport:
        """The coordinator's seat, once the session is open."""
        coordinator = self.seat(AGGREGATOR)
        coordinator.wait_for([], 60)
        return coordinator

    def raw(self, name: str | None, federation: str = "ours") -> RawSeat:
        seat = RawSeat(self.exchange.address, name, federation)
        self._open.callback(seat.close)
        return seat

    def wire(self) -> Wire:
        wire = Wire(self.exchange.address)
        self._open.callback(wire.close)
        return wire

    def __enter__(self) -> House:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(TimeoutError):
            self.exchange.end(RUN, "the test is over")  # So that no seat waits to flush.
        self._open.close()
        self.exchange.stop()


def _close_whatever_happens(seat: ExchangeTransport) -> None:
    seat._flush_timeout = 0.2
    with contextlib.suppress(Exception):
        seat.close()


class RawSeat:
    """A client that keeps no rule: it sends the bytes it is told to."""

    def __init__(self, address: str, name: str | None, federation: str = "ours") -> None:
        root = papers(AGGREGATOR).ca_pem
        if name is None:
            credentials = grpc.ssl_channel_credentials(root)
        else:
            own = papers(name, federation)
            credentials = grpc.ssl_channel_credentials(root, own.key_pem, own.certificate_pem)
        options = (*CHANNEL_OPTIONS, ("grpc.ssl_target_name_override", "aggregator"))
        self.channel = grpc.secure_channel(address, credentials, options=options)
        self._out: queue.Queue[bytes | None] = queue.Queue()
        self._call = self.channel.stream_stream(METHOD)(iter(self._out.get, None), timeout=60)
        self.heard: list[bytes] = []

    def say(self, frame: frames.Frame | bytes) -> None:
        self._out.put(frame if isinstance(frame, bytes) else frames.encode(frame))

    def join(self, me: PartyId, session: RunId = RUN) -> None:
        self.say(frames.Join(session, me, b"raw-incarnation!", frames.NO_GENERATION))

    def hear(self, kind: type) -> Any:
        """The next frame of that kind; what is passed over is dropped."""
        for raw in self._call:
            self.heard.append(raw)
            frame = frames.parse(raw)
            if isinstance(frame, kind):
                return frame
        raise AssertionError("the stream ended first")

    def refusal(self) -> grpc.StatusCode:
        """How the stream ends."""
        try:
            for _ in self._call:
                pass
        except grpc.RpcError as refused:
            return refused.code()
        return grpc.StatusCode.OK

    def close(self) -> None:
        self._out.put(None)
        self.channel.close()


class Wire:
    """A TCP forwarder in front of the exchange: it can be cut in mid-message, or stop carrying."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._carrying = threading.Event()
        self._carrying.set()
        self._sockets: list[socket.socket] = []
        self.carried = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Reset every connection, as a broken line or a rebooted firewall does."""
        sockets, self._sockets = self._sockets, []
        for end in sockets:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def stall(self) -> None:
        self._carrying.clear()

    def resume(self) -> None:
        self._carrying.set()

    def close(self) -> None:
        self._carrying.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # Wakes `accept`, which `close` does not.
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        for near in self._connections():
            try:
                far = socket.create_connection(self._target)
            except OSError:
                near.close()
                continue
            self._sockets += [near, far]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(a, b), daemon=True).start()

    def _connections(self) -> Iterator[socket.socket]:
        while True:
            try:
                yield self._listener.accept()[0]
            except OSError:
                return

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                self._carrying.wait()
                sink.sendall(piece)
                self.carried += len(piece)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def eventually(what: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until `what()` holds."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            raise AssertionError("it did not happen in time")
        time.sleep(0.01)
