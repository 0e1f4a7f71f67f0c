"""Bytes from outside are one well-formed frame, or nothing of them is used."""

from __future__ import annotations

import random

import pytest

from federation.errors import MessageRefused
from federation.exchange.frames import (
    CHUNK_BYTES,
    NO_GENERATION,
    Ack,
    Data,
    End,
    Frame,
    Join,
    Leave,
    Open,
    Presence,
    Seen,
    Welcome,
    encode,
    parse,
    plain_cause,
)
from federation.ids import AGGREGATOR, RunId, party_id

RUN = RunId("run-7.1")
BANK, PLANT = party_id("bank"), party_id("plant")
OURS = b"0123456789abcdef"

FRAMES: list[Frame] = [
    Open(RUN, OURS, 3600, (BANK, PLANT)),
    Join(RUN, BANK, OURS, NO_GENERATION),
    Welcome(RUN, OURS, (AGGREGATOR, BANK, PLANT)),
    Seen(RUN, PLANT, OURS, Presence.AWAY),
    Data(RUN, BANK, PLANT, 1, 0, False, b"sealed"),
    Data(RUN, BANK, PLANT, 2**64 - 1, 2**64 - 1, True, b""),
    Ack(RUN, BANK, AGGREGATOR, 7),
    End(RUN, BANK, "ended at the third step: é"),
    Leave(RUN, BANK),
]
IDS = [type(frame).__name__ for frame in FRAMES]


@pytest.mark.parametrize("frame", FRAMES, ids=IDS)
def test_a_frame_is_read_as_it_was_written(frame: Frame) -> None:
    assert parse(encode(frame)) == frame


@pytest.mark.parametrize("frame", [frame for frame in FRAMES if not isinstance(frame, Data)])
def test_a_frame_cut_short_or_followed_by_more_is_refused(frame: Frame) -> None:
    raw = encode(frame)
    for end in range(len(raw)):
        with pytest.raises(MessageRefused):
            parse(raw[:end])
    with pytest.raises(MessageRefused):
        parse(raw + b"\0")


@pytest.mark.parametrize("frame", FRAMES, ids=IDS)
def test_altered_bytes_are_refused_or_mean_exactly_what_they_say(frame: Frame) -> None:
    """No two byte strings are the same frame, and nothing but `MessageRefused` is ever raised."""
    raw = encode(frame)
    for at in range(len(raw)):
        for value in range(0, 256, 5):
            altered = raw[:at] + bytes([value]) + raw[at + 1 :]
            try:
                assert encode(parse(altered)) == altered
            except MessageRefused:
                continue


def test_noise_is_refused_or_means_exactly_what_it_says() -> None:
    noise = random.Random(2026)
    for _ in range(20_000):
        raw = noise.choice([b"", b"\1", b"\1\5", b"\1\7\4run1\4bank"]) + noise.randbytes(noise.randrange(60))
        try:
            assert encode(parse(raw)) == raw
        except MessageRefused:
            continue


@pytest.mark.parametrize(
    "frame",
    [
        Data(RUN, BANK, PLANT, 0, 0, True, b""),
        Data(RUN, BANK, PLANT, 1, 0, False, b""),
        Data(RUN, BANK, PLANT, 1, 0, True, bytes(CHUNK_BYTES + 1)),
        Data(RUN, BANK, PLANT, 1, 0, True, bytes(CHUNK_BYTES + 5000)),
        Open(RUN, OURS, 0, (BANK,)),
        Open(RUN, OURS, 2**31, (BANK,)),
        Open(RUN, OURS, 60, ()),
        Open(RUN, OURS, 60, (BANK, BANK)),
        Open(RUN, OURS, 60, tuple(party_id(f"party-{n}") for n in range(65))),
        Open(RUN, NO_GENERATION, 60, (BANK,)),
        Join(RUN, BANK, NO_GENERATION, NO_GENERATION),
        Join(RunId("../../etc"), BANK, OURS, NO_GENERATION),
        Join(RunId(""), BANK, OURS, NO_GENERATION),
        End(RUN, BANK, "two\nlines"),
        End(RUN, BANK, "\x1b[2J"),
        End(RUN, BANK, ""),
        End(RUN, BANK, "x" * 501),
    ],
)
def test_what_no_seat_may_say_is_refused(frame: Frame) -> None:
    with pytest.raises(MessageRefused):
        parse(encode(frame))


def test_another_version_is_refused() -> None:
    with pytest.raises(MessageRefused, match="another version"):
        parse(b"\2" + encode(FRAMES[0])[1:])


def test_a_body_is_not_copied_when_it_is_read() -> None:
    raw = encode(Data(RUN, BANK, PLANT, 1, 0, True, bytes(CHUNK_BYTES)))
    frame = parse(raw)
    assert isinstance(frame, Data)
    assert isinstance(frame.body, memoryview)
    assert frame.body.obj is raw


def test_the_largest_piece_with_the_longest_names_is_a_frame() -> None:
    long = party_id("p" * 32)
    frame = Data(RunId("r" * 128), long, long, 2**64 - 1, 2**64 - 1, False, bytes(CHUNK_BYTES))
    assert parse(encode(frame)) == frame


def test_a_refusal_holds_nothing_of_what_was_refused() -> None:
    raw = encode(Join(RUN, BANK, OURS, NO_GENERATION)).replace(b"bank", b"B4NK")
    with pytest.raises(MessageRefused) as refused:
        parse(raw)
    assert "B4NK" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", " ", "plain", "tab\there", "é" * 300, "x" * 499 + "é", "x" * 499 + " y", "\ud800"]
)
def test_any_text_becomes_a_cause_that_may_travel(text: str) -> None:
    end = End(RUN, BANK, plain_cause(text))
    assert parse(encode(end)) == end
