"""A transport that counts what passes: envelopes and bytes by peer, and how long it waited for whom."""

from __future__ import annotations

import time
from collections.abc import Callable

from federation.ids import PartyId
from federation.serving.tally import Tally
from federation.transport.interface import Transport


class MeteredTransport:
    """`inner`, counted in `tally`; a `Transport`."""

    def __init__(self, inner: Transport, tally: Tally, clock: Callable[[], float] = time.monotonic) -> None:
        self._inner, self._tally, self._clock = inner, tally, clock

    def send(self, to: PartyId, envelope: bytes) -> None:
        """As `Transport.send`; counted once it was handed over."""
        self._inner.send(to, envelope)
        self._tally.sent(to, len(envelope))

    def receive(self, sender: PartyId, timeout: float) -> bytes:
        """As `Transport.receive`; a wait that was in vain is counted too."""
        began = self._clock()
        try:
            envelope = self._inner.receive(sender, timeout)
        finally:
            self._tally.waited(sender, self._clock() - began)
        self._tally.received(sender, len(envelope))
        return envelope

    def end(self, cause: str) -> None:
        """As `Transport.end`."""
        self._inner.end(cause)

    def close(self) -> None:
        """As `Transport.close`."""
        self._inner.close()
