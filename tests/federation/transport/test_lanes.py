"""Exactly once and in order, whatever a wire that breaks does in between."""

from __future__ import annotations

import random

import pytest

from federation.errors import MessageRefused
from federation.transport.lanes import ACK_SECONDS, Incoming, Outgoing, envelope_of, pieces_of

WINDOW = 64 << 10


def _put(outgoing: Outgoing, envelope: bytes) -> None:
    outgoing.put(memoryview(envelope), True)


@pytest.mark.parametrize("seed", range(20))
def test_a_wire_that_drops_cuts_and_repeats_delivers_each_once_in_order(seed: int) -> None:
    fate = random.Random(seed)
    outgoing, incoming = Outgoing(WINDOW), Incoming(WINDOW)
    envelopes = [number.to_bytes(2) * fate.randrange(1, 9000) for number in range(120)]
    waiting, heard, now = list(envelopes), [], 0.0
    for _ in range(100_000):
        now += 0.001
        if waiting and outgoing.has_room(len(waiting[0])):
            _put(outgoing, waiting.pop(0))
        if outgoing.unsent:
            piece = outgoing.next()
            for _ in range(fate.choice([0, 1, 1, 1, 1, 2])):
                incoming.accept(piece.sequence, piece.last, piece.body, now)
        if fate.random() < 0.1:  # The stream is new: whatever was lost is noticed now.
            outgoing.rewind()
            incoming.must_acknowledge(now)
        due = incoming.ack_at()
        if due is not None and due <= now:
            acknowledged = incoming.acknowledgement()
            if fate.random() < 0.8:
                outgoing.acknowledge(acknowledged)
        if incoming.ready and fate.random() < 0.5:
            heard.append(envelope_of(incoming.take(now)))
        if outgoing.empty and not waiting and not incoming.ready:
            break
    assert heard == envelopes


def test_the_window_bounds_what_is_kept_and_one_piece_always_fits() -> None:
    outgoing = Outgoing(WINDOW)
    assert outgoing.has_room(WINDOW * 10)
    while outgoing.has_room(1000):
        _put(outgoing, bytes(1000))
    assert outgoing._cost <= WINDOW


def test_many_empty_messages_are_bounded_too() -> None:
    outgoing = Outgoing(WINDOW)
    count = 0
    while outgoing.has_room(0):
        _put(outgoing, b"")
        count += 1
    assert count <= WINDOW // 256


def test_what_is_not_read_is_not_acknowledged() -> None:
    incoming = Incoming(WINDOW)
    for sequence in range(1, 1001):
        incoming.accept(sequence, True, bytes(1000), 0.0)
    held = incoming.acknowledgement()
    assert held <= WINDOW // 1000 + 1
    assert incoming._arrived <= 2 * (WINDOW // 1000) + 1  # A sender without a window gets no further.
    while incoming.ready:
        incoming.take(0.0)
    assert incoming.acknowledgement() == incoming._arrived


def test_an_envelope_larger_than_the_window_is_acknowledged_while_it_comes() -> None:
    incoming = Incoming(WINDOW)
    for sequence in range(1, 200):
        incoming.accept(sequence, False, bytes(1000), 0.0)
    assert incoming.acknowledgement() == 199


def test_an_endless_envelope_is_refused() -> None:
    incoming = Incoming(WINDOW, envelope_limit=5000)
    with pytest.raises(MessageRefused, match="longer"):
        for sequence in range(1, 10):
            incoming.accept(sequence, False, bytes(1000), 0.0)


def test_acknowledging_what_was_never_sent_is_refused() -> None:
    outgoing = Outgoing(WINDOW)
    _put(outgoing, b"one")
    with pytest.raises(MessageRefused):
        outgoing.acknowledge(2)
    assert outgoing.acknowledge(1)
    assert not outgoing.acknowledge(1)
    assert outgoing.empty


def test_an_acknowledgement_waits_for_data_to_carry_it_but_not_long() -> None:
    incoming = Incoming(WINDOW)
    assert incoming.ack_at() is None
    incoming.accept(1, True, b"small", 5.0)
    assert incoming.ack_at() == 5.0 + ACK_SECONDS
    incoming.accept(2, True, bytes(WINDOW // 8), 5.01)
    assert incoming.ack_at() == 5.01  # Much is unacknowledged: the sender may be near its window.
    assert incoming.acknowledgement() == 2
    assert incoming.ack_at() is None


def test_a_repeated_piece_is_acknowledged_again_at_once() -> None:
    incoming = Incoming(WINDOW)
    incoming.accept(1, True, b"x", 0.0)
    incoming.acknowledgement()
    assert not incoming.accept(1, True, b"x", 9.0)
    assert incoming.ack_at() == 9.0


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
def test_pieces_are_at_most_a_mebibyte_and_make_the_envelope_again(size: int) -> None:
    envelope = random.Random(size).randbytes(size)
    pieces = pieces_of(envelope)
    assert all(len(piece) <= 1 << 20 for piece in pieces)
    assert len(pieces) == max(1, -(-size // (1 << 20)))
    assert envelope_of(list(pieces)) == envelope
