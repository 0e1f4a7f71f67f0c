"""The relay at the aggregator: one gRPC stream per seat, mutual TLS, opaque bytes.

A stream's identity is the common name of its client certificate, issued by the federation's authority;
a party's certificate never holds the aggregator's name (`crypto.certificates`). The exchange keeps no
state on disk: when it starts again, the seats come back and send what was not acknowledged.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from typing import Any, TypeVar

import grpc
import grpc.aio

from crypto.certificates import AGGREGATOR_NAME
from crypto.codes import Code, coded
from federation.errors import IsthmusError, MessageRefused, UsageError
from federation.exchange.frames import Frame, parse
from federation.exchange.service import CHANNEL_OPTIONS, METHOD, STATUS_OF, Reason
from federation.exchange.sessions import Attachment, Relayed, Sessions, SessionStatus, StreamRefused
from federation.ids import AGGREGATOR, PartyId, RunId, party_id

_log = logging.getLogger(__name__)

T = TypeVar("T")

_SERVER_OPTIONS = (
    *CHANNEL_OPTIONS,
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # Two listeners on one port would share its streams between them: refuse instead.
    ("grpc.so_reuseport", 0),
)

#: How long a stream may stay open without saying what it wants, and how long start and stop may take.
_FIRST_FRAME_SECONDS = 10.0
#: Between two looks at whether a party that is seated is still admitted.
_LOOK_SECONDS = 1.0
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0


class Exchange:
    """The relay, running in a thread of its own between `start` and `stop`.

    `address` is "host:port" (port 0 lets the system choose; see `address` after `start`). `admitted`
    gives the names of the admitted parties; it is called anew for every stream, in the exchange's
    thread. A seat whose stream breaks has `grace_seconds` to come back before the session is ended.
    """

    def __init__(
        self,
        address: str,
        ca_pem: bytes,
        certificate_pem: bytes,
        key_pem: bytes,
        admitted: Callable[[], Collection[str]],
        grace_seconds: float = 30.0,
    ) -> None:
        self.address = address
        self._credentials = grpc.ssl_server_credentials(
            [(key_pem, certificate_pem)], root_certificates=ca_pem, require_client_auth=True
        )
        self._admitted = admitted
        self._grace = grace_seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stopping: asyncio.Event | None = None
        self._sessions: Sessions | None = None

    def start(self) -> None:
        """Listen; return when streams are taken. Raises `UsageError` when the port cannot be had."""
        if self._thread is not None:
            return
        started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._main, args=(started,), name="exchange", daemon=True)
        self._thread.start()
        try:
            started.result(_START_SECONDS)
        except UsageError:
            self._thread.join(_STOP_SECONDS)
            self._thread = None
            raise

    def stop(self) -> None:
        """Close every stream and stop listening. The sessions are not ended: the seats wait for a restart.

        Idempotent.
        """
        thread, loop, stopping = self._thread, self._loop, self._stopping
        if thread is None or loop is None or stopping is None:
            return
        if thread.is_alive():
            loop.call_soon_threadsafe(stopping.set)
            thread.join(2 * _STOP_SECONDS)
        self._thread = self._loop = self._stopping = None

    def status(self) -> tuple[SessionStatus, ...]:
        """Every open or recently ended session: who is present, what was relayed. Empty when stopped."""
        return self._ask(lambda sessions: sessions.status(), ())

    def relayed(self) -> Relayed | None:
        """What was relayed since the start; None when it is stopped, or does not answer in some seconds."""
        try:
            return self._ask(lambda sessions: sessions.relayed(), None)
        except TimeoutError:
            return None

    def end(self, session: RunId, cause: str) -> None:
        """End a session for every seat, in the aggregator's name."""
        self._ask(lambda sessions: sessions.end(session, AGGREGATOR, cause), None)

    def _ask(self, question: Callable[[Sessions], T], otherwise: T) -> T:
        loop, sessions = self._loop, self._sessions
        if loop is None or sessions is None:
            return otherwise

        async def answer() -> T:
            return question(sessions)

        return _within(answer(), loop)

    def _main(self, started: concurrent.futures.Future[None]) -> None:
        try:
            asyncio.run(self._run(started))
        finally:
            if not started.done():
                started.set_exception(
                    UsageError(
                        "the exchange did not start with these certificates",
                        advice="Check the coordinator's certificate, its key and the federation's authority.",
                    )
                )

    async def _run(self, started: concurrent.futures.Future[None]) -> None:
        loop = asyncio.get_running_loop()
        stopping = asyncio.Event()
        sessions = Sessions(loop.call_later, self._grace)
        server = grpc.aio.server(options=_SERVER_OPTIONS)
        server.add_generic_rpc_handlers((_Handler(_Streams(sessions, self._admitted)),))
        try:
            port = server.add_secure_port(self.address, self._credentials)
        except RuntimeError:
            started.set_exception(_port_in_use(self.address))
            await server.stop(None)
            return
        await server.start()
        self.address = f"{self.address.rpartition(':')[0]}:{port}"
        self._loop, self._stopping, self._sessions = loop, stopping, sessions
        started.set_result(None)
        _log.info("the exchange listens at %s", self.address)
        await stopping.wait()
        self._sessions = None
        sessions.cut()
        await server.stop(_STOP_SECONDS)


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
    """Routes the one method; bytes in, bytes out, no generated code."""

    def __init__(self, streams: _Streams) -> None:
        self._handler = grpc.stream_stream_rpc_method_handler(streams.serve)

    def service(self, handler_call_details: Any) -> Any:
        return self._handler if handler_call_details.method == METHOD else None


class _Streams:
    """Serves one stream at a time per call: identity, first frame, then frames both ways."""

    def __init__(self, sessions: Sessions, admitted: Callable[[], Collection[str]]) -> None:
        self._sessions = sessions
        self._admitted = admitted

    async def serve(self, requests: AsyncIterator[bytes], context: Any) -> None:
        """A stream's life. What is wrong with it ends it with a status code, and no other stream."""
        try:
            name = self._identify(context)
            attachment = self._sessions.attach(name, await _first(requests))
            refusal = await self._serve_seat(attachment, requests, context)
        except StreamRefused as refused:
            refusal = refused
        if refusal is not None:
            await context.abort(STATUS_OF[refusal.reason], refusal.what)

    def _identify(self, context: Any) -> PartyId:
        names = context.auth_context().get("x509_common_name", [])
        if len(names) != 1:
            raise StreamRefused(Reason.NOT_ADMITTED)
        try:
            name = names[0].decode("ascii")
            if name == AGGREGATOR_NAME:
                return AGGREGATOR
            if not self._is_admitted(name):
                raise StreamRefused(Reason.NOT_ADMITTED)
            return party_id(name)
        except (UnicodeDecodeError, UsageError):
            raise StreamRefused(Reason.NOT_ADMITTED) from None

    async def _serve_seat(
        self, attachment: Attachment, requests: AsyncIterator[bytes], context: Any
    ) -> StreamRefused | None:
        reader = asyncio.create_task(self._read(attachment, requests))
        watch = asyncio.create_task(self._end_when_removed(attachment))
        try:
            while (frame := await attachment.mailbox.get()) is not None:
                await context.write(frame)
        finally:
            self._sessions.detach(attachment)
            reader.cancel()
            watch.cancel()
        (outcome,) = await asyncio.gather(reader, return_exceptions=True)
        if isinstance(outcome, Exception) and not isinstance(outcome, StreamRefused):
            raise outcome
        return outcome if isinstance(outcome, StreamRefused) else None

    def _is_admitted(self, name: str) -> bool:
        return name in self._admitted()

    async def _end_when_removed(self, attachment: Attachment) -> None:
        """Once the seat's party is no member any more, its session is over for all, by that name."""
        party = attachment.seat.party
        while party != AGGREGATOR:
            await asyncio.sleep(_LOOK_SECONDS)
            with contextlib.suppress(IsthmusError):  # A member's record that is being edited.
                if not self._is_admitted(party):
                    cause = coded(Code.NOT_ADMITTED, f"{party} was removed from the federation")
                    self._sessions.end(attachment.session.name, AGGREGATOR, cause)
                    return

    async def _read(self, attachment: Attachment, requests: AsyncIterator[bytes]) -> None:
        try:
            async for raw in requests:
                await self._sessions.take(attachment, _parse(raw), raw)
        finally:
            attachment.mailbox.close()  # Wakes the writing side, which lets the seat go.


async def _first(requests: AsyncIterator[bytes]) -> Frame:
    try:
        return _parse(await asyncio.wait_for(anext(requests), _FIRST_FRAME_SECONDS))
    except (TimeoutError, StopAsyncIteration):
        raise StreamRefused(Reason.MALFORMED) from None


def _parse(raw: bytes) -> Frame:
    try:
        return parse(raw)
    except MessageRefused:
        raise StreamRefused(Reason.MALFORMED) from None


def _within(answer: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop) -> T:
    return asyncio.run_coroutine_threadsafe(answer, loop).result(_STOP_SECONDS)


def _port_in_use(address: str) -> UsageError:
    return UsageError(
        f"the exchange cannot listen at {address}: port {address.rpartition(':')[2]} is taken or not allowed",
        advice="Stop what listens there, or set another port for the exchange in federation.json.",
        code=Code.PORT_TAKEN,
    )
