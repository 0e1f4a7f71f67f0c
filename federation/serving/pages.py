"""`/healthz` and `/metrics`, for programs on this machine: GET only, and only by this machine's own names.

A page of another site that a browser has been made to think is on this machine (DNS rebinding) asks for
another host, and is refused.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from federation.local_pages import App, Receive, Scope, Send

_HOSTS = frozenset({"127.0.0.1", "localhost"})
_JSON, _TEXT = "application/json", "text/plain; version=0.0.4; charset=utf-8"


def app(health: Callable[[], dict[str, Any]], metrics: Callable[[], bytes]) -> App:
    """The ASGI app. Both are called in a thread, anew for each request."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        status, kind, body = await _answer(scope, health, metrics)
        headers = {
            "content-type": kind,
            "content-length": str(len(body)),
            "cache-control": "no-store",
            "cross-origin-resource-policy": "same-origin",
            "x-content-type-options": "nosniff",
        }
        if status == 405:
            headers["allow"] = "GET"
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    return answer


async def _answer(
    scope: Scope, health: Callable[[], dict[str, Any]], metrics: Callable[[], bytes]
) -> tuple[int, str, bytes]:
    if scope["method"] != "GET":
        return 405, _JSON, _error("only GET is answered")
    if not _is_ours(scope) or scope["query_string"]:
        return 400, _JSON, _error("not for this address")
    try:
        if scope["path"] == "/healthz":
            found = await asyncio.to_thread(health)
            return 200 if found["healthy"] else 503, _JSON, json.dumps(found).encode() + b"\n"
        if scope["path"] == "/metrics":
            return 200, _TEXT, await asyncio.to_thread(metrics)
    except Exception:  # noqa: BLE001 - the edge of the program: no stack trace reaches a reader.
        return 500, _JSON, _error("internal error")
    return 404, _JSON, _error("there are /healthz and /metrics")


def _is_ours(scope: Scope) -> bool:
    """Whether the one host that a request names is this machine by itself."""
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    return len(hosts) == 1 and hosts[0].partition(":")[0].lower() in _HOSTS


def _error(what: str) -> bytes:
    return json.dumps({"error": what}).encode() + b"\n"
