"""The relay against those who should not be there, and those who should but misbehave."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator

import grpc
import pytest

from federation.errors import IsthmusError, SessionEnded, UsageError
from federation.exchange import frames
from federation.exchange.mailbox import MAILBOX_BYTES
from federation.exchange.server import Exchange
from federation.exchange.sessions import Traffic
from federation.ids import AGGREGATOR, PartyId, RunId
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


def _still_works(house: House) -> None:
    """The bank and the plant, who did nothing wrong, can talk."""
    bank, plant = house.seat(BANK), house.seat(PLANT)
    bank.send(PLANT, b"hello")
    assert plant.receive(BANK, 10) == b"hello"


@pytest.mark.parametrize(("name", "federation"), [(None, "ours"), (BANK, "theirs"), (AGGREGATOR, "theirs")])
def test_without_a_certificate_of_this_federation_there_is_no_connection(
    house: House, name: PartyId | None, federation: str
) -> None:
    house.open()
    raw = house.raw(name, federation)
    raw.join(name or BANK)
    assert raw.refusal() is grpc.StatusCode.UNAVAILABLE
    _still_works(house)


def test_a_party_that_is_removed_in_mid_session_ends_it_for_all_by_its_name(house: House) -> None:
    house.open()
    bank, plant = house.seat(BANK), house.seat(PLANT)
    bank.send(PLANT, b"hello")
    assert plant.receive(BANK, 30) == b"hello"
    house.admitted.discard(PLANT)
    for seat, other in ((bank, PLANT), (plant, BANK)):
        with pytest.raises(SessionEnded, match="plant was removed from the federation"):
            seat.receive(other, 60)
    with pytest.raises(IsthmusError):
        house.seat(PLANT).wait_for([], 10)


def test_a_party_that_is_not_admitted_gets_nowhere(house: House) -> None:
    house.open()
    raw = house.raw(STRANGER)
    raw.join(STRANGER)
    assert raw.refusal() is grpc.StatusCode.UNAUTHENTICATED


def test_admission_is_read_afresh(house: House) -> None:
    house.open()
    house.admitted.remove(BANK)
    refused = house.raw(BANK)
    refused.join(BANK)
    assert refused.refusal() is grpc.StatusCode.UNAUTHENTICATED
    house.admitted.add(BANK)
    welcome = house.raw(BANK)
    welcome.join(BANK)
    assert welcome.hear(frames.Welcome).members == (AGGREGATOR, BANK, PLANT)


def test_an_admitted_party_has_no_seat_in_a_session_that_does_not_name_it(house: House) -> None:
    house.open()
    raw = house.raw(TAX)
    raw.join(TAX)
    assert raw.refusal() is grpc.StatusCode.PERMISSION_DENIED
    assert TAX not in house.exchange.status()[0].present


@pytest.mark.parametrize(
    "first",
    [
        frames.Join(RUN, PLANT, b"raw-incarnation!", frames.NO_GENERATION),
        frames.Join(RUN, AGGREGATOR, b"raw-incarnation!", frames.NO_GENERATION),
        frames.Open(RunId("my-own-run"), b"raw-incarnation!", 60, (BANK, PLANT)),
        frames.Open(RUN, b"raw-incarnation!", 60, (BANK, TAX)),
        frames.End(RUN, AGGREGATOR, "I am the aggregator"),
        frames.End(RUN, BANK, "without a seat"),
    ],
    ids=["joins as another", "joins as aggregator", "opens", "opens again", "ends as aggregator", "ends"],
)
def test_a_party_cannot_be_another_nor_open_nor_end_what_is_not_its_own(
    house: House, first: frames.Frame
) -> None:
    house.open()
    raw = house.raw(BANK)
    raw.say(first)
    # Only who has a seat may end a session, so an end is no way to start a stream.
    out_of_place = isinstance(first, frames.End)
    denied = grpc.StatusCode.INVALID_ARGUMENT if out_of_place else grpc.StatusCode.PERMISSION_DENIED
    assert raw.refusal() is denied
    (status,) = house.exchange.status()
    assert (status.session, status.ended) == (RUN, None)
    _still_works(house)


@pytest.mark.parametrize(
    "frame",
    [
        frames.Data(RUN, PLANT, AGGREGATOR, 1, 0, True, b"forged"),
        frames.Data(RUN, AGGREGATOR, PLANT, 1, 0, True, b"forged"),
        frames.Ack(RUN, PLANT, AGGREGATOR, 1),
        frames.End(RUN, PLANT, "forged"),
        frames.Leave(RUN, PLANT),
        frames.Data(RunId("another-run"), BANK, PLANT, 1, 0, True, b"forged"),
    ],
)
def test_a_seat_that_speaks_as_another_is_cut_off_and_nothing_is_passed_on(
    house: House, frame: frames.Frame
) -> None:
    coordinator = house.open()
    plant = house.seat(PLANT)
    plant.wait_for([AGGREGATOR], 10)
    liar = house.raw(BANK)
    liar.join(BANK)
    liar.hear(frames.Welcome)
    liar.say(frame)
    assert liar.refusal() is grpc.StatusCode.PERMISSION_DENIED
    plant.send(AGGREGATOR, b"the real one")
    assert coordinator.receive(PLANT, 10) == b"the real one"
    (status,) = house.exchange.status()
    assert status.ended is None
    assert set(status.traffic) == {(PLANT, AGGREGATOR)}


def test_malformed_bytes_end_their_own_stream_and_no_other(house: House) -> None:
    house.open()
    plant = house.seat(PLANT)
    plant.wait_for([AGGREGATOR], 10)
    noise = random.Random(5)
    bad = [b"", b"\xff" * 40, b"\1", noise.randbytes(1 << 20), frames.encode(frames.Leave(RUN, BANK)) + b"x"]
    for raw_bytes in bad:
        first = house.raw(BANK)
        first.say(raw_bytes)
        assert first.refusal() is grpc.StatusCode.INVALID_ARGUMENT
        seated = house.raw(BANK)
        seated.join(BANK)
        seated.hear(frames.Welcome)
        seated.say(raw_bytes)
        assert seated.refusal() is grpc.StatusCode.INVALID_ARGUMENT
    huge = house.raw(BANK)
    huge.say(bytes(frames.FRAME_BYTES + 1))
    assert huge.refusal() is grpc.StatusCode.RESOURCE_EXHAUSTED
    last = house.raw(BANK)
    last.join(BANK)
    last.hear(frames.Welcome)
    last.say(frames.Data(RUN, BANK, PLANT, 1, 0, True, b"still open"))
    assert plant.receive(BANK, 10) == b"still open"


@pytest.mark.parametrize(
    "frame",
    [
        frames.Data(RUN, BANK, BANK, 1, 0, True, b"to myself"),
        frames.Data(RUN, BANK, TAX, 1, 0, True, b"to a stranger"),
        frames.Seen(RUN, PLANT, b"raw-incarnation!", frames.Presence.LEFT),
        frames.Welcome(RUN, b"raw-incarnation!", (BANK,)),
        frames.Join(RUN, BANK, b"raw-incarnation!", frames.NO_GENERATION),
    ],
)
def test_a_frame_that_does_not_belong_there_is_refused(house: House, frame: frames.Frame) -> None:
    house.open()
    raw = house.raw(BANK)
    raw.join(BANK)
    raw.hear(frames.Welcome)
    raw.say(frame)
    assert raw.refusal() is grpc.StatusCode.INVALID_ARGUMENT


def test_a_session_that_is_not_open_is_not_there(house: House) -> None:
    raw = house.raw(BANK)
    raw.join(BANK)
    assert raw.refusal() is grpc.StatusCode.NOT_FOUND
    assert house.exchange.status() == ()


def test_the_relay_passes_on_exactly_the_bytes_it_was_given_and_counts_them(house: House) -> None:
    house.open()
    bank, plant = house.raw(BANK), house.raw(PLANT)
    for raw, me in ((bank, BANK), (plant, PLANT)):
        raw.join(me)
        raw.hear(frames.Welcome)
    plant.hear(frames.Seen)
    bodies = [random.Random(n).randbytes(size) for n, size in enumerate((0, 1, 70_000, frames.CHUNK_BYTES))]
    given = [
        frames.encode(frames.Data(RUN, BANK, PLANT, number, 0, True, body))
        for number, body in enumerate(bodies, start=1)
    ]
    eventually(lambda: {BANK, PLANT} <= house.exchange.status()[0].present)
    for raw_bytes in given:
        bank.say(raw_bytes)
    plant.heard.clear()
    for _ in given:
        plant.hear(frames.Data)
    assert [raw for raw in plant.heard if isinstance(frames.parse(raw), frames.Data)] == given
    (status,) = house.exchange.status()
    assert status.traffic == {(BANK, PLANT): Traffic(len(bodies), sum(map(len, bodies)))}


def test_a_recipient_that_stops_reading_holds_its_senders_back_and_is_named() -> None:
    """The bound: one mailbox and what gRPC holds in flight, not what the sender would like to send."""
    with House(grace_seconds=1.0) as house:
        coordinator = house.open()
        flood, deaf = house.raw(BANK), house.raw(PLANT)
        flood.join(BANK)
        flood.hear(frames.Welcome)
        deaf.join(PLANT)  # And never reads.
        eventually(lambda: PLANT in house.exchange.status()[0].present)
        body = bytes(frames.CHUNK_BYTES)
        for sequence in range(1, 101):
            flood.say(frames.Data(RUN, BANK, PLANT, sequence, 0, False, body))
        with pytest.raises(SessionEnded, match="plant took nothing for 1 s"):
            coordinator.receive(BANK, 20)
        passed = house.exchange.status()[0].traffic[BANK, PLANT].bytes
        assert passed <= MAILBOX_BYTES + (24 << 20)


def test_a_deaf_seat_in_one_session_does_not_hold_up_another(house: House) -> None:
    house.open()
    flood, deaf = house.raw(BANK), house.raw(PLANT)
    flood.join(BANK)
    flood.hear(frames.Welcome)
    deaf.join(PLANT)
    other = RunId("run-8")
    opener = house.raw(AGGREGATOR)
    opener.say(frames.Open(other, b"raw-incarnation!", 60, PARTIES))
    opener.hear(frames.Welcome)
    for sequence in range(1, 61):
        flood.say(frames.Data(RUN, BANK, PLANT, sequence, 0, False, bytes(frames.CHUNK_BYTES)))
    bank = house.raw(BANK)
    bank.join(BANK, other)
    bank.hear(frames.Welcome)
    bank.say(frames.Data(other, BANK, AGGREGATOR, 1, 0, True, b"not held up"))
    assert bytes(opener.hear(frames.Data).body) == b"not held up"


def test_the_supervisor_may_end_a_session(house: House) -> None:
    coordinator = house.open()
    house.exchange.end(RunId("no-such-run"), "nothing happens")
    house.exchange.end(RUN, "stopped by the operator")
    with pytest.raises(SessionEnded, match="aggregator ended the session: stopped by the operator"):
        coordinator.receive(BANK, 10)
    (status,) = house.exchange.status()
    assert status.ended == frames.End(RUN, AGGREGATOR, "stopped by the operator")
    assert status.present == frozenset()


def test_who_comes_after_the_end_learns_the_cause(house: House) -> None:
    house.open().end("the plan was refused")
    with pytest.raises(SessionEnded, match="the plan was refused"):
        house.seat(BANK).receive(PLANT, 10)


def test_the_status_tells_who_is_present_and_who_left(house: House) -> None:
    house.open()
    bank = house.seat(BANK)
    bank.wait_for([AGGREGATOR], 10)
    (status,) = house.exchange.status()
    assert status.members == (AGGREGATOR, BANK, PLANT)
    assert (status.present, status.left) == ({AGGREGATOR, BANK}, set())
    bank.close()
    (status,) = house.exchange.status()
    assert (status.present, status.left) == ({AGGREGATOR}, {BANK})


def test_a_port_in_use_is_named_with_the_next_step() -> None:
    own = papers(AGGREGATOR)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        exchange = Exchange(f"127.0.0.1:{port}", own.ca_pem, own.certificate_pem, own.key_pem, frozenset[str])
        with pytest.raises(UsageError, match=f"port {port}") as refused:
            exchange.start()
    assert "another port" in refused.value.advice
    exchange.start()  # The port is free now.
    exchange.stop()


def test_two_exchanges_do_not_share_a_port(house: House) -> None:
    own = papers(AGGREGATOR)
    second = Exchange(house.exchange.address, own.ca_pem, own.certificate_pem, own.key_pem, frozenset[str])
    with pytest.raises(UsageError):
        second.start()


def test_starting_and_stopping_twice_is_doing_it_once_and_leaves_no_thread(house: House) -> None:
    house.exchange.start()
    house.open()
    house.exchange.stop()
    house.exchange.stop()
    assert house.exchange.status() == ()
    assert not [thread for thread in threading.enumerate() if thread.name == "exchange"]
