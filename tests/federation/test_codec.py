"""Bytes are one message in its one form, or nothing of them is used."""

from __future__ import annotations

import struct
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crypto.errors import Refusal
from crypto.private import Private
from crypto.sealed import DisclosedNumbers, MaskedWords, TorusWords
from federation import codec
from federation.codec import VERSION, decode, encode
from federation.errors import EgressRefused, MessageRefused
from federation.message import Message, field_types
from federation.messages.alignment import RingPoints, RingTags
from federation.messages.logistic import Direction, GramShare, Harmonics, LogitRange, Move
from federation.messages.round import Prepared, Progress, Receipt, Step, TrainingRows
from tests.federation.samples import any_message, every_message, messages

EVERY = every_message()
fuzz = settings(
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def packed(*parts: Any) -> bytes:
    data: bytes = msgpack.packb(list(parts), use_bin_type=True)
    return data


GOOD = encode(Prepared(12))


@pytest.mark.parametrize("kind", EVERY.values(), ids=lambda kind: kind.NAME)
def test_every_message_comes_back_as_it_was_sent(kind: type[Message]) -> None:
    @settings(fuzz, max_examples=40)
    @given(messages(kind))
    def check(sent: Message) -> None:
        data = encode(sent)
        assert decode(data, kind) == sent
        assert decode(data, *EVERY.values()) == sent

    check()


@settings(fuzz, max_examples=2000)
@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(Refusal):
        decode(data, *EVERY.values())


@settings(fuzz, max_examples=1000)
@given(any_message(), st.data())
def test_mutated_messages_are_refused_or_are_another_message_in_its_one_form(
    sent: Message, data: st.DataObject
) -> None:
    changed = bytearray(encode(sent))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(changed) - 1))
        action = data.draw(st.sampled_from(["set", "insert", "delete", "cut"]))
        if action == "set":
            changed[at] = data.draw(st.integers(0, 255))
        elif action == "insert":
            changed[at:at] = data.draw(st.binary(max_size=5))
        elif action == "delete" and len(changed) > 1:
            del changed[at]
        elif action == "cut":
            del changed[at + 1 :]
    try:
        heard = decode(bytes(changed), type(sent))
    except Refusal:
        return
    assert encode(heard) == changed


structures = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


@settings(fuzz, max_examples=300)
@given(st.sampled_from(sorted(EVERY)), st.lists(structures, max_size=4))
def test_well_formed_lists_in_the_place_of_fields_are_refused_or_canonical(
    name: str, values: list[Any]
) -> None:
    wanted = len(field_types(EVERY[name]))
    data = packed(VERSION, name, (values + [0] * wanted)[:wanted])
    try:
        heard = decode(data, EVERY[name])
    except Refusal:
        return
    assert encode(heard) == data


@pytest.mark.parametrize(
    "data",
    {
        "trailing byte": GOOD + b"\0",
        "second message": GOOD + GOOD,
        "16-bit length of the list": b"\xdc\x00\x03" + GOOD[1:],
        "wide integer": GOOD[:-1] + b"\xcc\x0c",
        "widest integer": GOOD[:-1] + struct.pack(">BQ", 0xCF, 12),
        "wide text": GOOD.replace(b"\xaeround", b"\xd9\x0eround"),
        "name as bytes": packed(VERSION, b"round/prepared", [12]),
        "version as a truth value": packed(True, "round/prepared", [12]),
        "version as a float": packed(1.0, "round/prepared", [12]),
    }.values(),
)
def test_a_second_form_of_a_good_message_is_refused(data: bytes) -> None:
    assert data != GOOD
    with pytest.raises(MessageRefused):
        decode(data, Prepared)


@pytest.mark.parametrize(
    "data",
    {
        "empty": b"",
        "another version": packed(2, "round/prepared", [12]),
        "no version": packed("round/prepared", [12]),
        "a field more": packed(VERSION, "round/prepared", [12, 13]),
        "a field less": packed(VERSION, "round/prepared", []),
        "a part more": packed(VERSION, "round/prepared", [12], b"hidden"),
        "unknown name": packed(VERSION, "round/secret", [12]),
        "another message": encode(LogitRange(3)),
        "name is a list": packed(VERSION, ["round/prepared"], [12]),
        "name is nothing": packed(VERSION, None, [12]),
        "map for the fields": packed(VERSION, "round/prepared", {"columns": 12}),
        "map for all": msgpack.packb({"v": 1}),
        "map as a field": packed(VERSION, "round/prepared", [{}]),
        "float": packed(VERSION, "round/prepared", [12.0]),
        "truth value": packed(VERSION, "round/prepared", [True]),
        "text": packed(VERSION, "round/prepared", ["12"]),
        "bytes": packed(VERSION, "round/prepared", [b"12"]),
        "list": packed(VERSION, "round/prepared", [[12]]),
        "nothing": packed(VERSION, "round/prepared", [None]),
        "extension": packed(VERSION, "round/prepared", [msgpack.ExtType(5, b"abc")]),
        "empty extension": packed(VERSION, "round/prepared", [msgpack.ExtType(5, b"")]),
        "time stamp": packed(VERSION, "round/prepared", [msgpack.Timestamp(1, 2)]),
        "list of 4 billion": b"\xdd\xff\xff\xff\xff",
        "bytes of 4 GB": b"\xc6\xff\xff\xff\xff" + bytes(10),
        "text of 4 GB": b"\xdb\xff\xff\xff\xff" + bytes(10),
        "map of 4 billion": b"\xdf\xff\xff\xff\xff",
        "extension of 4 GB": b"\xc9\xff\xff\xff\xff\x05" + bytes(10),
        "reserved byte": b"\xc1",
        "nested 100,000 deep": b"\x91" * 100_000 + b"\xc0",
        "nested fields": packed(VERSION, "round/prepared", [1])[:-2] + b"\x91" * 600 + b"\x01",
        "broken UTF-8": packed(VERSION, "round/prepared", [1]).replace(b"round", b"\xff\xff\xff\xff\xff"),
    }.values(),
)
def test_what_is_not_the_expected_message_is_refused(data: bytes) -> None:
    with pytest.raises(MessageRefused):
        decode(data, Prepared)


@pytest.mark.parametrize("value", [{"a": 1}, msgpack.ExtType(5, b"abc"), msgpack.Timestamp(1, 2)])
def test_maps_and_extensions_are_not_even_built(value: Any) -> None:
    with pytest.raises(MessageRefused, match="not well-formed"):
        decode(packed(VERSION, "round/prepared", [value]), Prepared)


def test_the_refusal_of_an_unknown_name_does_not_repeat_it() -> None:
    with pytest.raises(MessageRefused) as refused:
        decode(packed(VERSION, "91330100MA27XYZ12Q", [12]), Prepared)
    assert "91330100" not in str(refused.value)
    with pytest.raises(MessageRefused, match="logistic/range came where round/prepared was due"):
        decode(encode(LogitRange(3)), Prepared)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Progress, ["dancing", 1, 2]),
        (Progress, [["reading its table"], 1, 2]),
        (Progress, [None, 1, 2]),
        (Direction, ["step", struct.pack("<d", float("nan"))]),
        (Direction, ["step", bytes(7)]),
        (Direction, ["step", [1.0]]),
        (GramShare, [bytes(12)]),
        (Harmonics, [b""]),
        (Harmonics, [[[bytes(16), 5]]]),
        (TrainingRows, [[9, b"a"]]),
        (RingTags, ["bank", bytes(32)]),  # One tag twice.
        (RingTags, ["bank\n", bytes(16)]),  # A line break in a name.
        (RingTags, ["b" * 401, bytes(16)]),
        (RingPoints, ["bank", bytes(32)]),  # A point of low order.
        (RingPoints, ["bank", bytes(33)]),
        (Receipt, [1, 2, 3, 4, 5, 6, bytes(31)]),
        (Receipt, [1, 2, 3, 4, 5, 6, "0" * 32]),
    ],
)
def test_a_field_that_is_not_what_the_class_declares_is_refused(
    kind: type[Message], fields: list[Any]
) -> None:
    with pytest.raises(Refusal):
        decode(packed(VERSION, kind.NAME, fields), kind)


def test_a_message_above_the_limit_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "LIMIT", len(GOOD) - 1)
    with pytest.raises(MessageRefused, match="too large"):
        decode(GOOD, Prepared)


@pytest.mark.parametrize(
    "built",
    [
        Prepared([0.25, 0.5]),  # type: ignore[arg-type]
        Prepared(0.5),  # type: ignore[arg-type]
        Prepared(True),
        Prepared("91330100MA27XYZ12Q"),  # type: ignore[arg-type]
        Prepared(b"rows"),  # type: ignore[arg-type]
        Prepared(np.int64(3)),  # type: ignore[arg-type]
        Prepared(1 << 64),
        Prepared(Private(3)),  # type: ignore[arg-type]
        Prepared({"turnover": 3}),  # type: ignore[arg-type]
        Progress("aligning firms", 1, 2),  # type: ignore[arg-type]
        Progress(Move.STEP, 1, 2),  # type: ignore[arg-type]
        Progress(Step.TRAIN, 1, None),  # type: ignore[arg-type]
        GramShare(np.zeros(3, dtype=np.uint64)),  # type: ignore[arg-type]
        GramShare(DisclosedNumbers.of([1.0])),  # type: ignore[arg-type]
        GramShare(TorusWords(bytes(8))),  # type: ignore[arg-type]
        GramShare(bytes(8)),  # type: ignore[arg-type]
        Harmonics(MaskedWords(bytes(8))),  # type: ignore[arg-type]
        Harmonics((0.5, 0.25)),  # type: ignore[arg-type]
        RingTags("a\nb", None),  # type: ignore[arg-type]
        Receipt(1, 2, 3, 4, 5, 6, bytes(31)),  # type: ignore[arg-type]
    ],
    ids=lambda built: type(built).__name__,
)
def test_a_message_built_around_its_types_is_not_encoded(built: Message) -> None:
    with pytest.raises(EgressRefused, match="does not hold what the message declares") as refused:
        encode(built)
    assert "9133" not in str(refused.value)
