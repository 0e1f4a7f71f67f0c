"""The tunnel: a party's way to the gate. A SuperNode has no client certificate, so the tunnel shows it.

It listens on loopback and passes on nothing but fleet requests that carry this party's own SuperNode
key: another program on the machine cannot use the party's certificate for anything else.
"""

from __future__ import annotations

import hmac
import time
from pathlib import Path

import httpx

from crypto.certificates import AGGREGATOR_NAME
from federation.flower.child import LOOPBACK
from federation.flower.fleet import (
    BODY_LIMIT,
    REFUSED_HEADER,
    Answer,
    FleetDoor,
    Upstream,
    fleet_path,
    read_request,
    refusal,
)
from federation.flower.keys import PUBLIC_KEY_HEADER, public_key_header
from federation.flower.listener import Receive, Scope
from federation.flower.loopback import LoopbackTls
from federation.tls import trusting_as

_PUSH = "/v1/fleet/push-messages"


class Tunnel(FleetDoor):
    """Forwards to the gate at `gate_address` (`HOST:PORT`), which must show the name `aggregator`.

    `certificate_file` and `key_file` are the party's, `authority_file` is the federation's authority and
    the only one trusted. `public_key` is the party's SuperNode key (OpenSSH line). `tls` is the loopback
    certificate that the SuperNode trusts. `port` 0 takes a free one.
    """

    def __init__(
        self,
        gate_address: str,
        *,
        certificate_file: Path,
        key_file: Path,
        authority_file: Path,
        public_key: bytes,
        tls: LoopbackTls,
        port: int = 0,
        body_limit: int = BODY_LIMIT,
    ) -> None:
        context = trusting_as(authority_file, certificate_file, key_file)
        self._own_key = public_key_header(public_key)
        self._body_limit = body_limit
        upstream = Upstream(gate_address, context, AGGREGATOR_NAME)
        super().__init__(upstream, LOOPBACK, port, tls.server_context(), "the tunnel")
        self._last_error: str | None = None
        self._last_request = time.monotonic()
        self._replies = 0

    @property
    def address(self) -> str:
        """Where the SuperNode finds it, known after `start`: `127.0.0.1:PORT`."""
        return f"{LOOPBACK}:{self._listener.port}"

    @property
    def last_error(self) -> str | None:
        """Why the last request did not reach the SuperLink, naming the gate; None when it did."""
        return self._last_error

    @property
    def silence(self) -> float:
        """Seconds since the SuperNode last asked for anything; a live one asks every few."""
        return time.monotonic() - self._last_request

    @property
    def replies(self) -> int:
        """How many replies of this party the SuperLink has taken: their heads; their parts follow."""
        return self._replies

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if not fleet_path(scope):
            return refusal(403)
        request = await read_request(scope, receive, self._body_limit)
        if isinstance(request, Answer):
            return request
        shown = request.headers.get(PUBLIC_KEY_HEADER, "").encode("ascii")
        if not hmac.compare_digest(shown, self._own_key):
            return refusal(403)
        self._last_request = time.monotonic()
        try:
            answer = await self._upstream.forward(request)
        except httpx.TransportError as error:
            self._last_error = f"the gate at {self._upstream.address} cannot be reached ({_why(error)})"
            return refusal(502)
        if REFUSED_HEADER in answer.headers:
            return self._refused_by_gate(answer)
        if answer.status >= httpx.codes.INTERNAL_SERVER_ERROR:
            # On most of these a SuperNode leaves the federation and neither ends nor comes back.
            self._last_error = (
                f"the SuperLink behind {self._upstream.address} failed (status {answer.status})"
            )
            return refusal(503)
        self._last_error = None
        if request.path == _PUSH and answer.status == httpx.codes.OK:
            self._replies += 1
        return answer

    def _refused_by_gate(self, answer: Answer) -> Answer:
        """A refusal of the gate itself becomes a 503, which a SuperNode waits out.

        On a 403 it would stop its heartbeats for good; so a party that is admitted later, or again,
        would have to be restarted by hand.
        """
        if answer.status == httpx.codes.FORBIDDEN:
            why = "has not admitted this party with this SuperNode key"
        elif answer.status == httpx.codes.BAD_GATEWAY:
            why = "does not reach its SuperLink"
        else:
            why = f"refused a request (status {answer.status})"
        self._last_error = f"the gate at {self._upstream.address} {why}"
        return refusal(503)


def _why(error: httpx.TransportError) -> str:
    # httpx hides a failed check of the certificate behind a connection error.
    if "CERTIFICATE" in str(error).upper():
        return "its certificate is not the aggregator's of this federation"
    return type(error).__name__
