"""A capture between the parties' processes and the exchange: it ends their TLS, so it sees what they send.

    party's process --- counter (TCP) --- capture (TLS, gRPC) --- exchange

The test owns the federation, so the capture shows the exchange's certificate to the parties and each party's
certificate to the exchange. It passes everything on as it is, and knows no session key: what it sees is
sealed.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import grpc

from crypto.certificates import AGGREGATOR_NAME
from federation.coordinator.home import CoordinatorHome
from federation.exchange.frames import Join, parse
from federation.exchange.service import CHANNEL_OPTIONS, METHOD
from federation.transport.capture import Stream
from parties.home import PartyHome
from tests.system.federation import LOOPBACK, Federation

_OPTIONS = (*CHANNEL_OPTIONS, ("grpc.enable_http_proxy", 0))


class Capture(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Stands at the address that the parties know; the exchange listens at `federation`'s own."""

    def __init__(self, federation: Federation, upstream: str) -> None:
        self._federation, self._upstream = federation, upstream
        self._lock = threading.Lock()
        self.streams: dict[tuple[str, str], Stream] = {}  # (party, session) -> what it sent there
        self.answered: Counter[str] = Counter()  # party -> messages of the exchange to it
        self._server = grpc.server(ThreadPoolExecutor(16), options=CHANNEL_OPTIONS)
        self._server.add_generic_rpc_handlers((self,))
        home = CoordinatorHome.open(federation.home)
        credentials = grpc.ssl_server_credentials(
            [(home.tls_key(), home.tls_certificate())], home.authority(), require_client_auth=True
        )
        self.port = self._server.add_secure_port(f"{LOOPBACK}:0", credentials)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(1).wait(5)

    def service(self, details: Any) -> Any:
        return grpc.stream_stream_rpc_method_handler(self._serve) if details.method == METHOD else None

    def _serve(self, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        (name,) = (text.decode() for text in context.auth_context()["x509_common_name"])
        home = PartyHome.open(self._federation.party(name))
        credentials = grpc.ssl_channel_credentials(home.authority(), home.tls_key(), home.tls_certificate())
        named = ("grpc.ssl_target_name_override", AGGREGATOR_NAME)
        with grpc.secure_channel(self._upstream, credentials, options=(*_OPTIONS, named)) as channel:
            call = channel.stream_stream(METHOD)(self._noted(name, requests))
            context.add_callback(call.cancel)
            try:
                for raw in call:
                    self.answered[name] += 1
                    yield raw
            except grpc.RpcError as broken:
                with contextlib.suppress(Exception):
                    context.abort(broken.code(), broken.details())

    def _noted(self, name: str, requests: Iterator[bytes]) -> Iterator[bytes]:
        session = ""
        try:
            for raw in requests:
                frame = parse(raw)
                session = frame.session if isinstance(frame, Join) else session
                with self._lock:
                    self.streams.setdefault((name, session), Stream()).take(raw)
                yield raw
        except grpc.RpcError:
            return


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
                far = socket.create_connection((LOOPBACK, self._to), timeout=60)
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
