"""Pages are served on one address of this machine, until they are stopped."""

from __future__ import annotations

import httpx
import pytest

from crypto.errors import UsageError
from federation.local_pages import LocalPages, Receive, Scope, Send


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


def test_pages_are_served_until_they_are_stopped() -> None:
    pages = LocalPages(hello, "127.0.0.1", 0)
    port = pages.start()
    answer = httpx.get(f"http://127.0.0.1:{port}/", timeout=60)
    assert answer.text == "hello"
    assert "server" not in answer.headers
    pages.stop()
    pages.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{port}/", timeout=60)


def test_a_port_that_is_taken_is_named() -> None:
    first = LocalPages(hello, "127.0.0.1", 0)
    port = first.start()
    try:
        with pytest.raises(UsageError, match=f"port {port}"):
            LocalPages(hello, "127.0.0.1", port).start()
    finally:
        first.stop()
