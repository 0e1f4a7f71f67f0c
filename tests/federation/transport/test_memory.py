from __future__ import annotations

import pytest

from federation.errors import PeerSilent, UsageError
from federation.ids import AGGREGATOR, RunId, party_id
from federation.transport.memory import MemoryExchange

BANK, PLANT = party_id("bank"), party_id("plant")
RUN = RunId("run-7")


def test_the_tap_sees_every_envelope_as_it_was_sent() -> None:
    seen = []
    exchange = MemoryExchange(RUN, [BANK, PLANT], tap=lambda *what: seen.append(what))
    exchange.seat(BANK).send(PLANT, b"one")
    exchange.seat(AGGREGATOR).send(BANK, b"two")
    assert seen == [(BANK, PLANT, b"one"), (AGGREGATOR, BANK, b"two")]


def test_a_tap_that_raises_is_a_wire_that_fails() -> None:
    def broken(*what: object) -> None:
        raise ConnectionError

    exchange = MemoryExchange(RUN, [BANK, PLANT], tap=broken)
    with pytest.raises(ConnectionError):
        exchange.seat(BANK).send(PLANT, b"one")
    with pytest.raises(PeerSilent):
        exchange.seat(PLANT).receive(BANK, 0.01)


def test_there_is_no_seat_for_a_stranger() -> None:
    with pytest.raises(UsageError, match="not a member"):
        MemoryExchange(RUN, [BANK]).seat(PLANT)


def test_the_rendezvous_names_who_is_missing() -> None:
    exchange = MemoryExchange(RUN, [BANK, PLANT])
    with pytest.raises(PeerSilent, match="aggregator, plant"):
        exchange.seat(BANK).wait_for([AGGREGATOR, BANK, PLANT], 0.05)
    exchange.seat(PLANT)
    exchange.seat(BANK).wait_for([PLANT], 0.05)
