"""Serves an ASGI app to browsers on this machine: plain HTTP, reading only, and no network by default.

It is no part of a round: no role's message passes it. Evidence packs are shown with it, and a
service's health.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

import uvicorn

from federation.errors import PeerSilent
from federation.flower.child import listen

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_START_SECONDS = 10.0
_STOP_SECONDS = 10.0
_DRAIN_SECONDS = 2
_IDLE_SECONDS = 10
_CONNECTIONS = 64
_NAME = "the supervisor's pages"


class LocalPages:
    """Serves `app` on `host`:`port` (0 takes a free one) between `start` and `stop`. `name`: for errors."""

    def __init__(self, app: App, host: str, port: int, name: str = _NAME) -> None:
        self._name = name
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                interface="asgi3",
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=_CONNECTIONS,
                timeout_keep_alive=_IDLE_SECONDS,
                timeout_graceful_shutdown=_DRAIN_SECONDS,
            )
        )
        self._host, self._wanted = host, port
        self._thread: threading.Thread | None = None

    def start(self) -> int:
        """Listen; the port. Raises `UsageError` when it is taken, `PeerSilent` when nothing starts."""
        self._socket = listen(self._host, self._wanted, self._name)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="pages", daemon=True
        )
        self._thread.start()
        waited = threading.Event()
        for _ in range(int(_START_SECONDS / 0.02)):
            if self._server.started:
                return int(self._socket.getsockname()[1])
            waited.wait(0.02)
        self.stop()
        raise PeerSilent(self._name, "its start", _START_SECONDS)

    def stop(self) -> None:
        """Close the port; open requests get a few seconds. Nothing happens when it does not run."""
        if self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_STOP_SECONDS)
            self._thread = None
            self._socket.close()  # uvicorn leaves a socket that it was given to its giver.
