"""A TLS listener in a thread of its own, that tells its app who called.

The gate and the tunnel are two of these. uvicorn parses HTTP/1.1 with h11, the strictest parser it has:
what h11 refuses never reaches the SuperLink.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from crypto.certificates import certificate_name
from federation.errors import PeerSilent
from federation.flower.child import listen

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

#: The scope's key for the common name of the client's verified certificate; "" without one.
CALLER = "isthmus.caller"

_START_SECONDS = 10.0
_STOP_SECONDS = 10.0
_DRAIN_SECONDS = 2
_IDLE_SECONDS = 75
_CONNECTIONS = 512


class _NamedCaller(H11Protocol):
    """uvicorn keeps the peer's certificate to itself; this puts its common name into each scope."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        caller = _caller(transport)
        app = self.app

        async def with_caller(scope: Scope, receive: Receive, send: Send) -> None:
            scope[CALLER] = caller
            await app(scope, receive, send)

        self.app = with_caller


def _caller(transport: asyncio.Transport) -> str:
    connection = transport.get_extra_info("ssl_object")
    certificate = connection.getpeercert(binary_form=True) if connection is not None else None
    if certificate is None:
        return ""
    return certificate_name(ssl.DER_cert_to_PEM_cert(certificate).encode("ascii"))


class TlsListener:
    """Serves `app` over TLS on `host`:`port` (0 takes a free one) between `start` and `stop`."""

    def __init__(self, app: App, host: str, port: int, context: ssl.SSLContext, name: str) -> None:
        self._app = app
        self._host = host
        self._wanted_port = port
        self._context = context
        self._name = name
        self._port = port
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None

    @property
    def port(self) -> int:
        """The port it listens on, known after `start`."""
        return self._port

    def start(self) -> None:
        """Listen. Raises `UsageError` when the port is taken, `PeerSilent` when the thread stays away."""
        if self._thread is not None:
            return
        sock = listen(self._host, self._wanted_port, self._name)
        self._socket = sock
        self._port = int(sock.getsockname()[1])
        server = uvicorn.Server(self._config())
        self._server = server
        self._thread = threading.Thread(
            target=server.run, args=([sock],), name=self._name.replace(" ", "-"), daemon=True
        )
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_START_SECONDS / 0.02)):
            if server.started:
                return
            waited.wait(0.02)
        self.stop()
        raise PeerSilent(self._name, "its start", _START_SECONDS)

    def stop(self) -> None:
        """Close the port, end the open requests within a few seconds. Idempotent."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
        if self._socket is not None:
            self._socket.close()  # uvicorn leaves a socket that it was given to its giver.
            self._socket = None
        self._server = None
        self._thread = None

    def _config(self) -> uvicorn.Config:
        context = self._context
        return uvicorn.Config(
            self._app,
            interface="asgi3",
            http=_NamedCaller,
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            limit_concurrency=_CONNECTIONS,
            timeout_keep_alive=_IDLE_SECONDS,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
            ssl_context_factory=lambda _config, _default: context,
        )
