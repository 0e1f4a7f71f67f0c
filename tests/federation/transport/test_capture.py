"""Guard log and capture agree to the byte, or it is said which frames are in one of them only."""

from __future__ import annotations

import hashlib

import pytest

from federation.errors import MessageRefused
from federation.exchange.frames import Ack, Data, encode
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.journal import Entry
from federation.transport.capture import Frame, Stream, reconcile

BANK = PartyId("bank")


def entry(frame: Frame) -> Entry:
    return Entry("round/progress", frame.to, frame.size, frame.sha256, "test")


ONE, OTHER = Frame(BANK, 100, "a" * 64), Frame(AGGREGATOR, 50, "b" * 64)


def test_the_same_frames_in_whatever_order_agree() -> None:
    both = reconcile([entry(ONE), entry(OTHER), entry(ONE)], [OTHER, ONE, ONE])
    assert both.agrees and both.guard_bytes == both.captured_bytes == 250


def test_a_frame_that_was_not_logged_is_named() -> None:
    both = reconcile([entry(ONE)], [ONE, OTHER])
    assert not both.agrees and both.unlogged == (OTHER,) and both.captured_bytes == 150


def test_a_frame_that_was_sent_twice_and_logged_once_is_named() -> None:
    assert reconcile([entry(ONE)], [ONE, ONE]).unlogged == (ONE,)


def test_a_line_of_a_frame_that_nobody_saw_is_named() -> None:
    both = reconcile([entry(ONE), entry(OTHER)], [ONE])
    assert not both.agrees and both.unseen == (OTHER,)


def test_the_same_number_of_bytes_is_not_enough() -> None:
    changed = Frame(ONE.to, ONE.size, "c" * 64)
    both = reconcile([entry(ONE)], [changed])
    assert both.guard_bytes == both.captured_bytes and not both.agrees
    assert not reconcile([entry(ONE)], [Frame(AGGREGATOR, ONE.size, ONE.sha256)]).agrees


def piece(sequence: int, body: bytes, last: bool) -> bytes:
    return encode(Data(RunId("run-1.1"), PartyId("plant"), BANK, sequence, 0, last, body))


def test_an_envelope_is_put_together_from_its_pieces_and_counted_without_their_headers() -> None:
    stream = Stream()
    raws = [piece(1, b"abc", False), piece(2, b"de", True), piece(2, b"de", True), piece(3, b"", True)]
    for raw in raws:
        stream.take(raw)
    acknowledged = encode(Ack(RunId("run-1.1"), PartyId("plant"), BANK, 7))
    stream.take(acknowledged)
    assert [frame.size for frame in stream.frames] == [5, 0]
    assert stream.frames[0].sha256 == hashlib.sha256(b"abcde").hexdigest()
    assert stream.beside == sum(map(len, raws)) - 5 + len(acknowledged)


def test_a_piece_that_was_left_out_and_bytes_that_are_no_frame_are_refused() -> None:
    stream = Stream()
    stream.take(piece(1, b"abc", False))
    with pytest.raises(MessageRefused, match="left out"):
        stream.take(piece(3, b"e", True))
    with pytest.raises(MessageRefused):
        stream.take(b"a row of a table")
