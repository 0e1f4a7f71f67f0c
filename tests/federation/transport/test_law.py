"""What every transport promises, asked of both."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from federation.errors import PeerSilent, SessionEnded, UsageError
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.transport.memory import MemoryExchange
from tests.federation.exchange.house import BANK, PARTIES, PLANT, STRANGER, House

Seating = Callable[..., dict[PartyId, object]]


@pytest.fixture(params=["memory", "exchange"])
def table(request: pytest.FixtureRequest) -> Iterator[dict]:
    """The three seats of one session, all present."""
    everyone = (AGGREGATOR, *PARTIES)
    if request.param == "memory":
        exchange = MemoryExchange(RunId("run-7"), PARTIES, send_timeout=3.0, capacity=4 << 20)
        yield {party: exchange.seat(party) for party in everyone}
        return
    with House() as house:
        seats = {party: house.seat(party, send_timeout=3.0, window=2 << 20) for party in everyone}
        for seat in seats.values():
            seat.wait_for(everyone, 60)
        yield seats


def test_messages_of_one_sender_arrive_in_order_whatever_their_size(table: dict) -> None:
    sizes = random.Random(7).choices([0, 1, 1000, (1 << 20) + 1], k=60)
    envelopes = [bytes([number]) * size for number, size in enumerate(sizes)]

    def speak() -> None:
        for envelope in envelopes:
            table[BANK].send(PLANT, envelope)

    with ThreadPoolExecutor() as pool:
        speaking = pool.submit(speak)
        heard = [table[PLANT].receive(BANK, 60) for _ in envelopes]
        speaking.result(90)
    assert heard == envelopes


def test_senders_do_not_mix(table: dict) -> None:
    table[BANK].send(PLANT, b"from the bank")
    table[AGGREGATOR].send(PLANT, b"from the aggregator")
    assert table[PLANT].receive(AGGREGATOR, 60) == b"from the aggregator"
    assert table[PLANT].receive(BANK, 60) == b"from the bank"


def test_a_large_envelope_arrives_intact(table: dict) -> None:
    envelope = random.Random(1).randbytes(9_000_001)
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(table[BANK].send, PLANT, envelope)
        assert table[PLANT].receive(BANK, 60) == envelope
        sending.result(90)


def test_envelopes_sent_by_threads_at_once_are_not_interleaved(table: dict) -> None:
    envelopes = [bytes([number]) * 1_500_000 for number in range(4)]
    with ThreadPoolExecutor() as pool:
        sending = [pool.submit(table[BANK].send, PLANT, envelope) for envelope in envelopes]
        heard = [table[PLANT].receive(BANK, 60) for _ in envelopes]
        for done in sending:
            done.result(90)
    assert sorted(heard) == envelopes


def test_a_wait_for_a_silent_peer_is_bounded_and_names_it(table: dict) -> None:
    with pytest.raises(PeerSilent, match=r"waited 0\.2 s for plant") as silent:
        table[BANK].receive(PLANT, 0.2)
    assert silent.value.peer == PLANT


def test_a_message_is_received_once(table: dict) -> None:
    table[BANK].send(PLANT, b"first")
    with pytest.raises(PeerSilent):
        table[BANK].receive(PLANT, 0.05)
    assert table[PLANT].receive(BANK, 60) == b"first"
    with pytest.raises(PeerSilent):
        table[PLANT].receive(BANK, 0.2)  # Once only.


def test_a_peer_that_reads_nothing_stops_its_sender_and_is_named(table: dict) -> None:
    sent = 0
    with pytest.raises(PeerSilent) as silent:
        for _ in range(100):
            table[BANK].send(PLANT, bytes(500_000))
            sent += 1
    assert silent.value.peer == PLANT
    assert sent <= 10  # 4 MB wait at most, in both transports, and one envelope beyond them.
    for _ in range(sent):
        assert table[PLANT].receive(BANK, 60) == bytes(500_000)


def test_the_end_wakes_everyone_with_the_cause(table: dict) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = [
            pool.submit(table[BANK].receive, PLANT, 60),
            pool.submit(table[BANK].receive, AGGREGATOR, 60),
            pool.submit(table[AGGREGATOR].wait_for, [BANK], 60),
            pool.submit(table[AGGREGATOR].receive, BANK, 60),
        ]
        time.sleep(0.2)
        table[PLANT].end("the plan was refused")
        for wait in (waiting[0], waiting[1], waiting[3]):
            with pytest.raises(SessionEnded, match="plant ended the session: the plan was refused") as ended:
                wait.result(90)
            assert (ended.value.by, ended.value.given_cause) == (PLANT, "the plan was refused")


def test_after_the_end_every_call_says_so(table: dict) -> None:
    table[BANK].send(PLANT, b"too late to be read")
    table[AGGREGATOR].end("enough")
    table[AGGREGATOR].end("again")  # Idempotent: the first cause stands.
    for seat, peer in ((AGGREGATOR, BANK), (BANK, PLANT), (PLANT, BANK)):
        with pytest.raises(SessionEnded, match="enough"):
            table[seat].receive(peer, 60)
            table[seat].receive(peer, 60)
        with pytest.raises(SessionEnded, match="enough"):
            table[seat].send(peer, b"")


def test_a_cause_travels_as_one_short_printable_line(table: dict) -> None:
    table[BANK].end("broken\n\x1b[31m" + "é" * 1000)
    with pytest.raises(SessionEnded) as ended:
        table[PLANT].receive(BANK, 60)
    assert ended.value.given_cause.isprintable()
    assert len(ended.value.given_cause.encode()) <= 500


def test_what_was_sent_before_closing_is_received_after_it(table: dict) -> None:
    for number in range(20):
        table[BANK].send(PLANT, bytes([number]) * 100_000)
    table[BANK].close()
    for number in range(20):
        assert table[PLANT].receive(BANK, 60) == bytes([number]) * 100_000


def test_a_seat_that_left_is_not_waited_for(table: dict) -> None:
    table[BANK].close()
    with pytest.raises(SessionEnded, match="bank ended the session: it left") as left:
        table[PLANT].receive(BANK, 60)
    assert left.value.by == BANK
    with pytest.raises(SessionEnded):
        table[PLANT].send(BANK, b"")
    table[PLANT].send(AGGREGATOR, b"the others go on")
    assert table[AGGREGATOR].receive(PLANT, 60) == b"the others go on"


def test_closing_twice_is_closing_once_and_a_closed_seat_does_nothing(table: dict) -> None:
    table[BANK].close()
    table[BANK].close()
    table[BANK].end("not heard")
    with pytest.raises(UsageError, match="closed"):
        table[BANK].send(PLANT, b"")
    with pytest.raises(UsageError, match="closed"):
        table[BANK].receive(PLANT, 0.1)
    table[PLANT].send(AGGREGATOR, b"not ended")
    assert table[AGGREGATOR].receive(PLANT, 60) == b"not ended"


@pytest.mark.parametrize("nobody", [STRANGER, BANK], ids=["a stranger", "oneself"])
def test_only_another_member_is_a_peer(table: dict, nobody: PartyId) -> None:
    with pytest.raises(UsageError):
        table[BANK].send(nobody, b"")
    with pytest.raises(UsageError):
        table[BANK].receive(nobody, 0.1)


def test_who_is_present_is_known(table: dict) -> None:
    assert table[BANK].members_present() == {AGGREGATOR, BANK, PLANT}
    table[PLANT].close()
    deadline = time.monotonic() + 60
    while PLANT in table[BANK].members_present() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert table[BANK].members_present() == {AGGREGATOR, BANK}


def test_both_sides_may_send_a_large_envelope_before_either_reads(table: dict) -> None:
    envelopes = {BANK: bytes(3_000_000), PLANT: bytes(3_000_001)}
    meet = threading.Barrier(2)

    def exchange(me: PartyId, peer: PartyId) -> bytes:
        table[me].send(peer, envelopes[me])
        meet.wait(60)
        return table[me].receive(peer, 60)

    with ThreadPoolExecutor() as pool:
        bank = pool.submit(exchange, BANK, PLANT)
        plant = pool.submit(exchange, PLANT, BANK)
        assert bank.result(90) == envelopes[PLANT]
        assert plant.result(90) == envelopes[BANK]
