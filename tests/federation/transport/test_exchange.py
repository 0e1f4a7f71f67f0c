"""A seat at the exchange: streams that break, an exchange that restarts, wrong papers, rude peers."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from federation.errors import IdentityRefused, PeerSilent, Refusal, SessionEnded, UsageError
from federation.exchange import frames, server
from federation.exchange.server import Exchange
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.transport import exchange as exchange_transport
from federation.transport.exchange import ExchangeTransport
from tests.federation.exchange.house import (
    BANK,
    PARTIES,
    PLANT,
    RUN,
    STRANGER,
    TAX,
    House,
    eventually,
    papers,
)


@pytest.fixture
def house() -> Iterator[House]:
    with House() as house:
        yield house


def test_a_line_that_carries_nothing_is_given_up_at_both_ends(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a process is frozen or a firewall forgot the connection: nobody is told that it is gone."""

    def faster(options: tuple[tuple[str, object], ...]) -> tuple[tuple[str, object], ...]:
        times = ("grpc.keepalive_time_ms", "grpc.keepalive_timeout_ms", "grpc.http2.ping_timeout_ms")
        return tuple((name, 300 if name in times else value) for name, value in options)

    monkeypatch.setattr(exchange_transport, "_OPTIONS", faster(exchange_transport._OPTIONS))
    monkeypatch.setattr(server, "_SERVER_OPTIONS", faster(server._SERVER_OPTIONS))
    house.restart()
    wire = house.wire()
    house.open()
    bank = house.seat(BANK, via=wire.address)
    bank.wait_for([AGGREGATOR], 60)
    wire.stall()
    eventually(lambda: BANK not in house.exchange.status()[0].present)
    eventually(lambda: not bank._connected)


def _talk(sender: ExchangeTransport, recipient: ExchangeTransport, envelopes: list[bytes]) -> list[bytes]:
    """Send all in one thread, receive all in this one."""
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(lambda: [sender.send(recipient.me, envelope) for envelope in envelopes])
        heard = [recipient.receive(sender.me, 60) for _ in envelopes]
        sending.result(90)
    return heard


def _numbered(count: int, size: int) -> list[bytes]:
    return [number.to_bytes(4) + random.Random(number).randbytes(size) for number in range(count)]


@pytest.mark.parametrize("whose", ["the sender's", "the recipient's", "both ends'"])
def test_a_stream_cut_in_mid_message_loses_doubles_and_reorders_nothing(house: House, whose: str) -> None:
    wires = {BANK: house.wire(), PLANT: house.wire()}
    house.seat(AGGREGATOR)
    bank, plant = (house.seat(party, via=wire.address) for party, wire in wires.items())
    bank.wait_for([PLANT], 60)
    cut = {"the sender's": [BANK], "the recipient's": [PLANT], "both ends'": [BANK, PLANT]}[whose]
    done = threading.Event()
    cuts = 0

    def saboteur() -> None:
        nonlocal cuts
        while not done.is_set():
            before = wires[cut[0]].carried
            while wires[cut[0]].carried < before + 3_300_000 and not done.wait(0.001):
                pass  # Some pieces of a message have passed, not all.
            if not done.is_set():
                cuts += 1
                for party in cut:
                    wires[party].cut()

    envelopes = _numbered(8, 2_500_000)
    with ThreadPoolExecutor() as pool:
        sabotage = pool.submit(saboteur)
        try:
            assert _talk(bank, plant, envelopes) == envelopes
        finally:
            done.set()
        sabotage.result(90)
    assert cuts >= 2
    with pytest.raises(PeerSilent):
        plant.receive(BANK, 0.1)


def test_answers_on_the_way_survive_a_cut_too(house: House) -> None:
    wire = house.wire()
    house.seat(AGGREGATOR)
    bank, plant = house.seat(BANK, via=wire.address), house.seat(PLANT)

    def echo() -> None:
        for _ in range(60):
            plant.send(BANK, plant.receive(BANK, 60))

    with ThreadPoolExecutor() as pool:
        echoing = pool.submit(echo)
        for number in range(60):
            bank.send(PLANT, number.to_bytes(4))
            if number % 20 == 10:
                wire.cut()
            assert bank.receive(PLANT, 60) == number.to_bytes(4)
        echoing.result(90)


def test_a_session_outlives_a_restart_of_the_exchange(house: House) -> None:
    seats = {party: house.seat(party) for party in (AGGREGATOR, *PARTIES)}
    envelopes = _numbered(40, 500_000)
    assert _talk(seats[BANK], seats[PLANT], envelopes[:3]) == envelopes[:3]
    with ThreadPoolExecutor() as pool:
        talking = pool.submit(_talk, seats[BANK], seats[PLANT], envelopes)
        answering = pool.submit(_talk, seats[PLANT], seats[AGGREGATOR], envelopes)
        time.sleep(0.05)
        house.restart(pause=0.3)
        assert talking.result(90) == envelopes
        assert answering.result(90) == envelopes


def test_seats_that_come_before_the_session_is_open_wait_for_it(house: House) -> None:
    bank, plant = house.seat(BANK), house.seat(PLANT)
    with ThreadPoolExecutor() as pool:
        sending = pool.submit(bank.send, PLANT, b"early")
        time.sleep(0.3)
        assert not sending.done()
        house.seat(AGGREGATOR)
        assert plant.receive(BANK, 60) == b"early"
        sending.result(90)


def test_what_was_sent_before_a_member_came_reaches_it(house: House) -> None:
    house.seat(AGGREGATOR)
    bank = house.seat(BANK)
    bank.send(PLANT, b"waiting for you")
    time.sleep(0.1)
    assert house.seat(PLANT).receive(BANK, 60) == b"waiting for you"


def test_the_rendezvous_names_who_is_missing(house: House) -> None:
    bank = house.seat(BANK)
    house.seat(AGGREGATOR, members=(BANK, PLANT, TAX))
    bank.wait_for([AGGREGATOR], 60)
    with pytest.raises(PeerSilent, match=r"waited 0\.2 s for plant, tax"):
        bank.wait_for([AGGREGATOR, PLANT, TAX], 0.2)
    house.seat(PLANT)
    bank.wait_for([BANK, PLANT], 60)


def test_an_exchange_that_cannot_be_reached_is_named_with_its_address(house: House) -> None:
    address = house.exchange.address
    house.exchange.stop()
    bank = house.seat(BANK, send_timeout=0.3)
    for call in (lambda: bank.send(PLANT, b""), lambda: bank.receive(PLANT, 0.3)):
        with pytest.raises(PeerSilent, match=address) as silent:
            call()
        assert silent.value.peer == AGGREGATOR
    started = time.monotonic()
    bank.close()
    assert time.monotonic() - started < 5


def test_a_seat_that_is_cut_off_blames_the_exchange_not_the_peer(house: House) -> None:
    house.seat(AGGREGATOR)
    bank = house.seat(BANK)
    house.seat(PLANT)
    bank.wait_for([PLANT], 60)
    house.exchange.stop()
    with pytest.raises(PeerSilent) as silent:
        bank.receive(PLANT, 0.5)
    assert silent.value.peer == AGGREGATOR


def test_closing_with_a_message_that_nobody_takes_says_so(house: House) -> None:
    house.seat(AGGREGATOR)
    bank = house.seat(BANK, flush_timeout=0.3)
    bank.send(PLANT, b"plant never comes")
    with pytest.raises(PeerSilent, match="plant"):
        bank.close()
    bank.close()


def test_a_seat_that_stays_away_ends_the_session_for_all() -> None:
    with House(grace_seconds=0.5) as house:
        wire = house.wire()
        coordinator = house.seat(AGGREGATOR)
        bank = house.seat(BANK)
        house.seat(PLANT, via=wire.address)
        bank.wait_for([PLANT, AGGREGATOR], 60)
        wire.close()
        for seat in (bank, coordinator):
            with pytest.raises(SessionEnded, match="aggregator ended the session: plant left"):
                seat.receive(PLANT, 60)


def test_a_process_that_lost_its_place_cannot_take_the_seat(house: House) -> None:
    house.seat(AGGREGATOR)
    first = house.seat(BANK)
    first.wait_for([AGGREGATOR], 60)
    second = house.seat(BANK)
    with pytest.raises(UsageError, match="another process"):
        second.receive(PLANT, 60)
    house.seat(PLANT).send(BANK, b"to the first")
    assert first.receive(PLANT, 60) == b"to the first"


def test_a_session_opened_anew_sends_the_old_seats_home(house: House) -> None:
    house.seat(AGGREGATOR)
    bank = house.seat(BANK)
    bank.wait_for([AGGREGATOR], 60)
    house.seat(AGGREGATOR)
    with pytest.raises(SessionEnded, match="opened the session anew"):
        bank.receive(PLANT, 60)
    house.seat(PLANT).wait_for([AGGREGATOR], 60)  # The new one is open.


def test_a_session_that_ran_out_of_time_says_so(house: House) -> None:
    house.seat(AGGREGATOR, ttl=1)
    bank = house.seat(BANK)
    with pytest.raises(SessionEnded, match="aggregator ended the session: the session's 1 s ran out"):
        bank.receive(PLANT, 60)


def test_the_end_reaches_a_seat_that_was_cut_off_meanwhile(house: House) -> None:
    wire = house.wire()
    coordinator = house.seat(AGGREGATOR)
    bank = house.seat(BANK, via=wire.address)
    bank.wait_for([AGGREGATOR], 60)
    wire.stall()
    wire.cut()
    coordinator.end("stopped by the operator")
    wire.resume()
    with pytest.raises(SessionEnded, match="stopped by the operator"):
        bank.receive(PLANT, 60)


@pytest.mark.parametrize("who", [STRANGER, TAX], ids=["not admitted", "not in the session"])
def test_a_party_that_does_not_belong_is_told_at_once(house: House, who: PartyId) -> None:
    house.seat(AGGREGATOR)
    with pytest.raises(IdentityRefused):
        house.seat(who).receive(BANK, 30)


def test_a_party_whose_admission_was_withdrawn_does_not_come_back(house: House) -> None:
    wire = house.wire()
    house.seat(AGGREGATOR)
    bank = house.seat(BANK, via=wire.address)
    bank.wait_for([AGGREGATOR], 60)
    house.admitted.remove(BANK)
    wire.cut()
    with pytest.raises(IdentityRefused, match="does not know this party"):
        bank.receive(PLANT, 30)


def test_wrong_papers_are_found_before_anything_is_sent() -> None:
    bank, plant, foreign = papers(BANK), papers(PLANT), papers(BANK, "theirs")
    with pytest.raises(UsageError, match="not bank's"):
        ExchangeTransport(BANK, RUN, "127.0.0.1:9", bank.ca_pem, plant.certificate_pem, plant.key_pem)
    with pytest.raises(Refusal, match="another federation"):
        ExchangeTransport(BANK, RUN, "127.0.0.1:9", bank.ca_pem, foreign.certificate_pem, foreign.key_pem)
    with pytest.raises(UsageError, match="only the aggregator"):
        ExchangeTransport(
            BANK, RUN, "127.0.0.1:9", bank.ca_pem, bank.certificate_pem, bank.key_pem, members=PARTIES
        )


@pytest.mark.parametrize(
    "wrong",
    [{"run": "no spaces"}, {"members": ()}, {"members": (BANK, BANK)}, {"ttl": 1e9}],
    ids=["name", "nobody", "twice", "for decades"],
)
def test_a_session_that_cannot_be_is_refused_by_the_seat_itself(wrong: dict) -> None:
    own = papers(AGGREGATOR)
    options = {"members": PARTIES, "ttl": 60.0, "run": RUN, **wrong}
    with pytest.raises(UsageError, match="cannot be"):
        ExchangeTransport(
            AGGREGATOR,
            RunId(options.pop("run")),
            "127.0.0.1:9",
            own.ca_pem,
            own.certificate_pem,
            own.key_pem,
            **options,
        )


def test_a_party_cannot_stand_in_for_the_exchange(house: House) -> None:
    """A listener with a party's certificate of the same federation is not taken for the aggregator."""
    bank = papers(BANK)
    impostor = Exchange("127.0.0.1:0", bank.ca_pem, bank.certificate_pem, bank.key_pem, lambda: {PLANT})
    impostor.start()
    try:
        plant = house.seat(PLANT, via=impostor.address)
        with pytest.raises(PeerSilent, match=impostor.address):
            plant.receive(BANK, 1.0)
        assert impostor.status() == ()
    finally:
        impostor.stop()


def test_a_peer_that_breaks_the_rules_ends_the_session_by_name(house: House) -> None:
    house.open()
    bank = house.seat(BANK)
    rude = house.raw(PLANT)
    rude.join(PLANT)
    bank.wait_for([PLANT], 60)
    rude.say(frames.Ack(RUN, PLANT, BANK, 99))
    with pytest.raises(SessionEnded, match="plant broke the transport's rules"):
        bank.receive(PLANT, 60)


def test_pieces_repeated_or_out_of_order_are_dropped(house: House) -> None:
    house.open()
    bank = house.seat(BANK)
    rude = house.raw(PLANT)
    rude.join(PLANT)
    bank.wait_for([PLANT], 60)
    for sequence, last, body in ((2, True, b"X"), (1, False, b"one "), (1, False, b"X"), (2, True, b"two")):
        rude.say(frames.Data(RUN, PLANT, BANK, sequence, 0, last, body))
    rude.say(frames.Data(RUN, PLANT, BANK, 2, 0, True, b"X"))
    assert bank.receive(PLANT, 60) == b"one two"
    with pytest.raises(PeerSilent):
        bank.receive(PLANT, 0.2)
    eventually(lambda: rude.hear(frames.Ack).acknowledged == 2)


def test_a_seat_leaves_no_thread_behind(house: House) -> None:
    house.seat(AGGREGATOR)
    bank = house.seat(BANK)
    bank.wait_for([AGGREGATOR], 60)
    bank.close()
    assert not bank._thread.is_alive()
    assert bank._channel is None


def test_after_an_envelope_went_in_part_nothing_is_put_behind_it(house: House) -> None:
    """What follows would be read as the rest of it."""
    house.open()
    bank = house.seat(BANK, send_timeout=0.3, flush_timeout=0.1, window=2 << 20)
    bank.wait_for([AGGREGATOR], 60)
    with pytest.raises(PeerSilent, match="plant"):
        bank.send(PLANT, bytes(5 << 20))  # The plant has not come: two pieces fit, three do not.
    with pytest.raises(PeerSilent, match="an earlier message"):
        bank.send(PLANT, b"short")
    plant = house.seat(PLANT, window=2 << 20)
    bank.wait_for([PLANT], 60)
    with pytest.raises(PeerSilent, match="an earlier message"):
        bank.send(PLANT, b"short")
    with pytest.raises(PeerSilent):
        plant.receive(BANK, 0.2)
