"""One frame of every kind, to be mutated."""

from __future__ import annotations

from federation.exchange import frames
from federation.ids import AGGREGATOR, PartyId, RunId

RUN, BANK, PLANT = RunId("run-7.1"), PartyId("bank"), PartyId("plant")
FRAMES = [
    frames.Open(RUN, b"i" * 16, 600, (BANK, PLANT)),
    frames.Join(RUN, BANK, b"j" * 16, frames.NO_GENERATION),
    frames.Welcome(RUN, b"g" * 16, (BANK, PLANT)),
    frames.Seen(RUN, BANK, b"j" * 16, frames.Presence.AWAY),
    frames.Data(RUN, BANK, PLANT, 7, 3, True, b"sealed" * 40),
    frames.Ack(RUN, BANK, PLANT, 7),
    frames.End(RUN, AGGREGATOR, "bank: its node was stopped"),
]
