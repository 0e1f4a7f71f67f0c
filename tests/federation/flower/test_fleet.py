"""What is passed on upstream, and what is kept open for it."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from federation.flower import fleet
from federation.flower.fleet import FleetRequest, Upstream
from federation.flower.listener import Receive, Scope, Send, TlsListener
from federation.flower.loopback import LoopbackTls
from federation.tls import trusting

REQUEST = FleetRequest("/v1/fleet/pull-messages", {}, b"", "bank")
WAIT_SECONDS = 10.0


class Above:
    """Answers every request, and counts the connections that are open to it."""

    def __init__(self, tls: LoopbackTls) -> None:
        self.listener = TlsListener(self.serve, "127.0.0.1", 0, tls.server_context(), "the test's upstream")
        self.listener.start()
        self.tls = tls
        self.seconds = 0.0

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for told in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{told}.complete"})
            return
        await asyncio.sleep(self.seconds)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def upstream(self) -> Upstream:
        return Upstream(f"127.0.0.1:{self.listener.port}", trusting(self.tls.certificate_file), "localhost")

    @property
    def connections(self) -> int:
        server = self.listener._server
        assert server is not None
        return len(server.server_state.connections)

    async def until(self, connections: int) -> None:
        for _ in range(int(WAIT_SECONDS / 0.01)):
            if self.connections == connections:
                return
            await asyncio.sleep(0.01)
        assert self.connections == connections


@pytest.fixture
def above(tmp_path: Path) -> Iterator[Above]:
    found = Above(LoopbackTls.create(tmp_path / "tls", dt.datetime.now(dt.UTC)))
    yield found
    found.listener.stop()


def test_an_upstream_that_nobody_asks_holds_no_connection(
    above: Above, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "IDLE_SECONDS", 0.2)

    async def play() -> None:
        upstream = above.upstream()
        upstream.open()
        answers = await asyncio.gather(*(upstream.forward(REQUEST) for _ in range(5)))
        assert {each.status for each in answers} == {200} and above.connections == 5
        await above.until(0)
        assert (await upstream.forward(REQUEST)).status == 200  # And it asks again as before.
        assert above.connections == 1
        await upstream.close()
        await above.until(0)

    asyncio.run(play())


def test_a_connection_is_kept_between_requests(above: Above) -> None:
    async def play() -> None:
        upstream = above.upstream()
        upstream.open()
        for _ in range(20):
            await upstream.forward(REQUEST)
        assert above.connections == 1
        await upstream.close()

    asyncio.run(play())


def test_a_request_that_takes_longer_than_the_rest_is_not_cut_off(
    above: Above, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet, "IDLE_SECONDS", 0.05)

    async def play() -> None:
        upstream = above.upstream()
        upstream.open()
        await upstream.forward(REQUEST)
        above.seconds = 0.5
        slow = asyncio.create_task(upstream.forward(REQUEST))
        await asyncio.sleep(0.1)
        above.seconds = 0.0
        assert (await upstream.forward(REQUEST)).status == 200
        assert (await slow).status == 200
        await upstream.close()

    asyncio.run(play())
