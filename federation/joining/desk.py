"""The admission desk, at the coordinator: four questions, each bounded, nothing else.

| question | who may ask | answer |
|---|---|---|
| `POST /admission` | whoever holds an open invitation | an admission, and the signed roster |
| `GET /roster` | a member, by its certificate | the signed roster |
| `GET /greeting` | a member, by its certificate | the time here, and which versions run |
| `POST /renewal` | a member, for its own name and identity | an admission anew, and the signed roster |

The desk learns what a request holds: a name and public keys. Whoever can reach it learns that it is there. A
refusal tells a stranger nothing but that; who proved to hold an invitation is told what is wrong with it.
"""

from __future__ import annotations

import asyncio
import collections
import datetime as dt
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from crypto.version import component_versions
from federation.clock import timestamp
from federation.errors import IsthmusError, Refusal
from federation.files import canonical_json
from federation.flower.fleet import Answer, refusal
from federation.flower.listener import CALLER, Receive, Scope, Send, TlsListener
from federation.ids import PartyId
from federation.roster import Request
from federation.tls import serving_members

ADMISSION, ROSTER, RENEWAL, GREETING = "/admission", "/roster", "/renewal", "/greeting"
#: The longest request: a name, three public keys, two signatures.
BODY_LIMIT = 16_384
_BODY_SECONDS = 10.0
#: Requests for admission that are looked at, whoever sends them: checking a signature costs.
_ATTEMPTS, _WINDOW_SECONDS = 60, 60.0


class Register(Protocol):
    """What the desk asks of the coordinator's folder."""

    def join(self, invitation: str, proof: bytes, request: Request, now: dt.datetime) -> bytes:
        """Spend the invitation on this request: the signed admission. Raises `Refusal` with what is wrong."""

    def renew(self, request: Request, now: dt.datetime) -> bytes:
        """A member's admission anew. Raises `Refusal`."""

    def signed_roster(self) -> bytes:
        """The list of members, signed by the coordinator."""

    def is_member(self, party: PartyId) -> bool:
        """Whether this party is admitted now."""


class Desk:
    """Listens on `host`:`port` in a thread of its own between `start` and `stop`.

    The certificate and key files are the aggregator's, authority_file is the federation's. `tell` gets a
    sentence for the coordinator's people about each party that joined.
    """

    def __init__(
        self,
        host: str,
        port: int,
        register: Register,
        *,
        certificate_file: Path,
        key_file: Path,
        authority_file: Path,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # Who is not yet a member has no certificate; a foreign one is refused.
        context = serving_members(certificate_file, key_file, authority_file, strangers=True)
        self._register, self._tell, self._clock = register, tell, clock
        self._asked: collections.deque[float] = collections.deque(maxlen=_ATTEMPTS)
        self._listener = TlsListener(self._serve, host, port, context, "the admission desk")

    @property
    def port(self) -> int:
        """The port it listens on, known after `start`."""
        return self._listener.port

    def start(self) -> None:
        """Listen. Raises `UsageError` naming the port when it is taken."""
        self._listener.start()

    def stop(self) -> None:
        """Close the port. Idempotent."""
        self._listener.stop()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
        elif scope["type"] == "http":
            answer = await self._answer(scope, receive)
            headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
            headers.append((b"content-length", str(len(answer.body)).encode("ascii")))
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            await send({"type": "http.response.body", "body": answer.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        asked = (scope["method"], scope["path"]) if not scope["query_string"] else None
        try:
            if asked == ("POST", ADMISSION):
                if not self._may_ask():
                    return refusal(429)
                return await self._join(await _json(receive))
            member = PartyId(str(scope[CALLER]))
            known = (("GET", ROSTER), ("GET", GREETING), ("POST", RENEWAL))
            if asked not in known or not self._register.is_member(member):
                return refusal(403)
            if asked == ("GET", GREETING):
                return Answer(200, canonical_json({"time": timestamp(), "versions": component_versions()}))
            if asked == ("GET", ROSTER):
                return Answer(200, await asyncio.to_thread(self._register.signed_roster))
            return await self._renew(member, await _json(receive))
        except Refusal as error:
            return Answer(
                403, canonical_json({"refused": error.what, "advice": error.advice, "code": error.code})
            )
        except (IsthmusError, ValueError, RecursionError):
            return refusal(400)
        except TimeoutError:
            return refusal(408)

    async def _join(self, value: Any) -> Answer:
        if not isinstance(value, dict) or set(value) != {"invitation", "proof", "request"}:
            return refusal(400)
        request = Request.from_json(value["request"])
        proof = bytes.fromhex(str(value["proof"]))
        now = dt.datetime.now(dt.UTC)
        admission = await asyncio.to_thread(
            self._register.join, str(value["invitation"]), proof, request, now
        )
        self._tell(f"{request.party} joined by invitation; its fingerprint is {request.identity.fingerprint}")
        roster = await asyncio.to_thread(self._register.signed_roster)
        return Answer(200, _both(admission, roster))

    async def _renew(self, member: PartyId, value: Any) -> Answer:
        request = Request.from_json(value)
        if request.party != member:
            return refusal(403)
        admission = await asyncio.to_thread(self._register.renew, request, dt.datetime.now(dt.UTC))
        self._tell(f"{member} has a new certificate")
        return Answer(200, _both(admission, await asyncio.to_thread(self._register.signed_roster)))

    def _may_ask(self) -> bool:
        now = self._clock()
        if len(self._asked) == _ATTEMPTS and now - self._asked[0] < _WINDOW_SECONDS:
            return False
        self._asked.append(now)
        return True


def _both(admission: bytes, roster: bytes) -> bytes:
    return canonical_json({"admission": json.loads(admission), "roster": json.loads(roster)})


async def _json(receive: Receive) -> Any:
    """The body, parsed. `ValueError` where it is too long or no JSON, `TimeoutError` where it is late."""
    parts = bytearray()
    async with asyncio.timeout(_BODY_SECONDS):
        while True:
            event = await receive()
            if event["type"] != "http.request":
                raise ValueError("the caller went away")
            parts += event.get("body", b"")
            if len(parts) > BODY_LIMIT:
                raise ValueError("longer than any request")
            if not event.get("more_body", False):
                return json.loads(parts)
