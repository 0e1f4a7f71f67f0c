"""What a round came to is counted from its begin, and by peer from the service's."""

from __future__ import annotations

import pytest

from federation.errors import PeerSilent
from federation.ids import PartyId, RunId
from federation.serving.tally import Tally
from federation.transport.memory import MemoryExchange
from federation.transport.metered import MeteredTransport

BANK, PLANT = PartyId("bank"), PartyId("plant")


def test_a_round_counts_what_passed_in_it_and_the_service_all_of_it() -> None:
    now = iter([10.0, 12.5, 20.0, 21.0])
    tally = Tally(lambda: next(now))
    tally.begun()
    tally.sent(PLANT, 100)
    assert tally.ended("failed")["bytes_sent"] == 100
    tally.begun()
    tally.sent(PLANT, 5)
    tally.received("aggregator", 7)
    tally.waited("aggregator", 0.25)
    assert tally.ended("finished") == {
        "seconds": 1.0,
        "frames_sent": 1,
        "bytes_sent": 5,
        "frames_received": 1,
        "bytes_received": 7,
        "waits": 1,
        "wait_seconds": 0.25,
    }
    counted = tally.now()
    assert counted.rounds == {"failed": 1, "finished": 1}
    assert counted.peers["plant"].bytes_sent == 105
    assert (counted.running, counted.last_seconds) == (False, 1.0)


def test_an_order_that_was_refused_before_its_round_is_a_round_that_failed() -> None:
    tally = Tally()
    assert tally.ended("failed") == {}
    assert tally.now().rounds == {"failed": 1}
    assert tally.now().last_seconds is None


def test_a_transport_is_counted_by_peer_and_a_wait_in_vain_too() -> None:
    exchange = MemoryExchange(RunId("run"), [BANK, PLANT])
    clock = iter([0.0, 1.5, 2.0, 2.5])
    tally = Tally()
    bank, plant = MeteredTransport(exchange.seat(BANK), tally, lambda: next(clock)), exchange.seat(PLANT)
    bank.send(PLANT, b"12345")
    assert plant.receive(BANK, 60) == b"12345"
    plant.send(BANK, b"123")
    assert bank.receive(PLANT, 60) == b"123"
    with pytest.raises(PeerSilent, match="plant"):
        bank.receive(PLANT, 0.01)
    found = tally.now().peers["plant"]
    assert (found.frames_sent, found.bytes_sent, found.frames_received, found.bytes_received) == (1, 5, 1, 3)
    assert (found.waits, found.wait_seconds) == (2, 2.0)
