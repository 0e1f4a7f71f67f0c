"""A capture between the parties' processes and the exchange: it ends their TLS, so it sees what they send.

    party's process --- (whatever delays it) --- capture (TLS, gRPC) --- exchange

Whoever runs it owns the whole federation, so the capture shows the exchange's certificate to the parties and
each party's certificate to the exchange. It passes everything on as it is, and knows no session key: what it
sees is sealed. It takes no connection without mutual TLS.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import grpc

from crypto.certificates import AGGREGATOR_NAME
from federation.coordinator.home import CoordinatorHome
from federation.exchange.frames import Data, Join, parse
from federation.exchange.service import CHANNEL_OPTIONS, METHOD
from federation.ids import AGGREGATOR, PartyId
from federation.transport.capture import Frame, Stream
from parties.home import PartyHome

_OPTIONS = (*CHANNEL_OPTIONS, ("grpc.enable_http_proxy", 0))


class Capture(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Stands at the address that the parties know; the exchange listens at `upstream`."""

    def __init__(
        self, coordinator: CoordinatorHome, parties: Mapping[PartyId, PartyHome], upstream: str
    ) -> None:
        self._parties, self._upstream = parties, upstream
        self._lock = threading.Lock()
        self.streams: dict[tuple[str, str], Stream] = {}  # (party, session) -> what it sent there
        #: (recipient, session) -> what the aggregator, which is beside the exchange, sent to it
        self.relayed: dict[tuple[str, str], Stream] = {}
        self.answered: Counter[str] = Counter()  # party -> messages of the exchange to it
        self._server = grpc.server(ThreadPoolExecutor(16), options=CHANNEL_OPTIONS)
        self._server.add_generic_rpc_handlers((self,))
        credentials = grpc.ssl_server_credentials(
            [(coordinator.tls_key(), coordinator.tls_certificate())],
            coordinator.authority(),
            require_client_auth=True,
        )
        self.port = self._server.add_secure_port("127.0.0.1:0", credentials)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(1).wait(5)

    def frames(self, run: str) -> dict[PartyId, list[Frame]]:
        """What each role sent in all attempts of a run, as a carrier sees it."""
        found: dict[PartyId, list[Frame]] = {}
        with self._lock:
            seen = [(PartyId(name), session, stream) for (name, session), stream in self.streams.items()]
            seen += [(AGGREGATOR, session, stream) for (_, session), stream in self.relayed.items()]
            for sender, session, stream in seen:
                if session.rpartition(".")[0] == run:
                    found.setdefault(sender, []).extend(stream.frames)
        return found

    def service(self, details: Any) -> Any:
        """gRPC asks for the method's handler."""
        return grpc.stream_stream_rpc_method_handler(self._serve) if details.method == METHOD else None

    def _serve(self, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        (name,) = (text.decode() for text in context.auth_context()["x509_common_name"])
        home = self._parties[PartyId(name)]
        credentials = grpc.ssl_channel_credentials(home.authority(), home.tls_key(), home.tls_certificate())
        named = ("grpc.ssl_target_name_override", AGGREGATOR_NAME)
        with grpc.secure_channel(self._upstream, credentials, options=(*_OPTIONS, named)) as channel:
            call = channel.stream_stream(METHOD)(self._noted(name, requests))
            context.add_callback(call.cancel)
            try:
                for raw in call:
                    self._note_answer(name, raw)
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

    def _note_answer(self, name: str, raw: bytes) -> None:
        frame = parse(raw)
        with self._lock:
            self.answered[name] += 1
            if isinstance(frame, Data) and frame.sender == AGGREGATOR:
                self.relayed.setdefault((name, frame.session), Stream()).take(raw)
