"""The gate: the aggregator's public door to Flower. Mutual TLS, fleet paths only, one key per party.

The SuperLink's single port also serves the control and runtime interfaces, and its TLS asks no one for a
certificate. The gate in front of it lets a request through when

- the client's certificate was issued by the federation's authority (checked in the handshake),
- its common name is a party that is admitted now, and
- the request carries the SuperNode key that was admitted for that very party; the SuperLink then checks
  that the request is signed with it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from crypto.errors import IsthmusError, UsageError
from federation.flower.fleet import (
    BODY_LIMIT,
    Answer,
    FleetDoor,
    FleetRequest,
    Upstream,
    fleet_path,
    read_request,
    refusal,
)
from federation.flower.keys import PUBLIC_KEY_HEADER, public_key_header
from federation.flower.listener import CALLER, Receive, Scope
from federation.tls import serving_members, trusting


class Gate(FleetDoor):
    """Listens on `host`:`port` in a thread of its own; forwards to the SuperLink at `superlink_address`.

    `certificate_file` and `key_file` are the aggregator's, `authority_file` is the federation's
    authority. `admitted` maps each admitted party to its SuperNode public key (OpenSSH line); it is read
    afresh for every request, so a removal takes effect at once. It is called in the gate's thread and
    must not block.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        superlink_address: str,
        superlink_root_file: Path,
        certificate_file: Path,
        key_file: Path,
        authority_file: Path,
        admitted: Callable[[], Mapping[str, bytes]],
        body_limit: int = BODY_LIMIT,
    ) -> None:
        self._admitted = admitted
        self._body_limit = body_limit
        super().__init__(
            Upstream(superlink_address, trusting(superlink_root_file), "localhost"),
            host,
            port,
            serving_members(certificate_file, key_file, authority_file),
            "the gate",
        )

    @property
    def port(self) -> int:
        """The port it listens on, known after `start`."""
        return self._listener.port

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        # Before a byte of the body is read: who is not admitted, or asks for another path, gets no memory.
        try:
            admitted_key = self._admitted().get(scope[CALLER])
        except IsthmusError:
            return refusal(503)  # A member's record cannot be read; whoever edits it will be done soon.
        if admitted_key is None or not fleet_path(scope):
            return refusal(403)
        request = await read_request(scope, receive, self._body_limit)
        if isinstance(request, Answer):
            return request
        if not _carries(request, admitted_key):
            return refusal(403)
        try:
            return await self._upstream.forward(request)
        except httpx.TransportError:
            return refusal(502)


def _carries(request: FleetRequest, admitted_key: bytes) -> bool:
    try:
        expected = public_key_header(admitted_key)
    except UsageError:
        return False  # An admission record without a usable key admits no SuperNode.
    return hmac.compare_digest(request.headers.get(PUBLIC_KEY_HEADER, "").encode("ascii"), expected)
