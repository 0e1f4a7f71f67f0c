"""Passing a SuperNode's requests on: what the gate and the tunnel have in common.

A request is rebuilt, not relayed: only a POST to a fleet path, only the headers that Flower's fleet
interface reads, each once, and a bounded body that arrived in bounded time.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from federation.flower.listener import CALLER, Receive, Scope, Send, TlsListener

#: On every answer that a gate or tunnel gives by itself, so that it is not taken for the SuperLink's.
REFUSED_HEADER = "isthmus-refused"

_FLEET_PATH = re.compile(r"/v1/fleet/[a-z]+(-[a-z]+)*")
_PASSED_ON = frozenset(
    {
        "accept",
        "content-type",
        "flwr-component-name",
        "flwr-package-name",
        "flwr-package-version",
        "flwr-public-key",
        "flwr-signature",
        "flwr-timestamp",
    }
)
_PASSED_BACK = frozenset({"content-type", "flwr-version-incompatibility-message", REFUSED_HEADER})
#: Flower sends objects in pieces of 5 MB; a bundle may have 10 MB.
BODY_LIMIT = 16 * 1024 * 1024
_BODY_SECONDS = 60.0
_UPSTREAM_SECONDS = 60.0
#: How long a connection upstream is kept when nobody asks for anything.
IDLE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class FleetRequest:
    """A request that is one for the fleet interface; who sent it is not yet checked."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    caller: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. `refused` marks an answer of our own."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def refusal(status: int) -> Answer:
    """An answer of the gate or the tunnel itself. It gives no reason: the caller may be anyone."""
    return Answer(status, b"refused\n", {"content-type": "text/plain", REFUSED_HEADER: "1"})


def fleet_path(scope: Scope) -> bool:
    """Whether the request is a POST to a fleet path, written plainly."""
    path = scope["path"]
    # The raw path as well: what one side decodes and the other does not is a way around the check.
    return (
        scope["method"] == "POST"
        and _FLEET_PATH.fullmatch(path) is not None
        and scope["raw_path"] == path.encode("ascii")
        and scope["query_string"] == b""
    )


async def read_request(scope: Scope, receive: Receive, body_limit: int) -> FleetRequest | Answer:
    """The request, parsed, or the refusal that it gets."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        if name not in _PASSED_ON:
            continue
        if name in headers or not raw_value.isascii():
            return refusal(400)
        headers[name] = raw_value.decode("ascii")
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            body = await _body(receive, body_limit)
    except TimeoutError:
        return refusal(408)
    if body is None:
        return refusal(413)
    return FleetRequest(scope["path"], headers, body, scope[CALLER])


async def _body(receive: Receive, limit: int) -> bytes | None:
    parts = bytearray()
    while True:
        event = await receive()
        if event["type"] != "http.request":
            return None
        parts += event.get("body", b"")
        if len(parts) > limit:
            return None
        if not event.get("more_body", False):
            return bytes(parts)


async def _write(send: Send, answer: Answer) -> None:
    """Send the answer. The connection ends after a refusal: an unread body may still be on it."""
    headers = [(name.encode("ascii"), value.encode("latin-1")) for name, value in answer.headers.items()]
    headers.append((b"content-length", str(len(answer.body)).encode("ascii")))
    if REFUSED_HEADER in answer.headers:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


class Upstream:
    """The next hop: `address` over TLS under the given name, whatever the address is.

    Connections are kept between requests, and let go of once nobody has asked for `IDLE_SECONDS`: httpx looks
    at its idle ones only when another request comes, and would hold them for good, even when the other side
    has closed them.
    `open` and `close` are called in the listener's event loop.
    """

    def __init__(self, address: str, context: ssl.SSLContext, server_name: str) -> None:
        self.address = address
        self._context = context
        self._server_name = server_name
        self._client: httpx.AsyncClient | None = None
        self._under_way = 0
        self._rest: asyncio.TimerHandle | None = None
        self._letting_go: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Ready the connection pool. The environment's proxies and certificates are not used."""
        self._client = self._pool()

    async def close(self) -> None:
        """Close the pool."""
        if self._rest is not None:
            self._rest.cancel()
        if self._letting_go is not None:
            await self._letting_go
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def forward(self, request: FleetRequest) -> Answer:
        """The upstream's answer. Raises `httpx.TransportError` when there is none."""
        if self._client is None:
            raise httpx.ConnectError("the listener is stopping")
        if self._rest is not None:
            self._rest.cancel()
        self._under_way += 1
        try:
            response = await self._client.post(
                f"https://{self.address}{request.path}",
                content=request.body,
                headers={**request.headers, "accept-encoding": "identity"},
                extensions={"sni_hostname": self._server_name},
            )
        finally:
            self._under_way -= 1
            if self._under_way == 0:
                self._rest = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._let_go)
        passed = {name: value for name, value in response.headers.items() if name in _PASSED_BACK}
        return Answer(response.status_code, response.content, passed)

    def _let_go(self) -> None:
        """Take up an empty pool and close the one that nobody uses."""
        if self._client is not None and self._under_way == 0:
            idle, self._client = self._client, self._pool()
            self._letting_go = asyncio.get_running_loop().create_task(idle.aclose())

    def _pool(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            verify=self._context, trust_env=False, timeout=_UPSTREAM_SECONDS, follow_redirects=False
        )


class FleetDoor(ABC):
    """A listener before an upstream: what the gate and the tunnel are. They differ in whom they let by."""

    def __init__(self, upstream: Upstream, host: str, port: int, context: ssl.SSLContext, name: str) -> None:
        self._upstream = upstream
        self._listener = TlsListener(self._serve, host, port, context, name)

    def start(self) -> None:
        """Listen. Raises `UsageError` naming the port when it is taken."""
        self._listener.start()

    def stop(self) -> None:
        """Close the port and the open requests. Idempotent."""
        self._listener.stop()

    @abstractmethod
    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        """The upstream's answer to a request that is let by, or the refusal that it gets."""

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(self._upstream, receive, send)
        elif scope["type"] == "http":
            await _write(send, await self._answer(scope, receive))


async def _lifespan(upstream: Upstream, receive: Receive, send: Send) -> None:
    """uvicorn's start and stop, in the event loop that the requests will run in."""
    while True:
        event = await receive()
        if event["type"] == "lifespan.startup":
            upstream.open()
            await send({"type": "lifespan.startup.complete"})
        else:
            await upstream.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
