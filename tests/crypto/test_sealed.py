"""Wire forms: one for each value, parsed once, refused otherwise; no value in a repr."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest

from crypto.sealed import (
    Disclosed,
    DisclosedNumbers,
    Entrusted,
    MaskedWords,
    RowMarks,
    RowPositions,
    Sealed,
    TorusWords,
    Travels,
    WireRefused,
)


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 8191])
def test_row_marks_come_back_bit_for_bit(count: int) -> None:
    marks = np.random.default_rng(count).random(count) < 0.5
    back = RowMarks.from_wire(RowMarks.of(marks).to_wire())
    assert back.marks().dtype == np.bool_ and np.array_equal(back.marks(), marks)


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        [],
        [8],
        [8, b"a", b"b"],
        [-1, b""],
        [True, b"\x80"],  # One mark, told by a truth value: a second wire form.
        [9, b"a"],
        [8, b"aa"],
        [1, b"\x40"],  # A bit beyond the last row: room for a message of one's own.
        [7, b"\x01"],
        ["8", b"a"],
        [8, "a"],
    ],
)
def test_row_marks_with_room_to_hide_something_are_refused(wire: Any) -> None:
    with pytest.raises(WireRefused):
        RowMarks.from_wire(wire)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_disclosed_number_is_finite(value: float) -> None:
    with pytest.raises(WireRefused):
        DisclosedNumbers.from_wire(struct.pack("<2d", 1.0, value))


def test_disclosed_numbers_come_back_exactly() -> None:
    numbers = DisclosedNumbers.of([0.1, -0.0, 1e300, 5e-324])
    assert DisclosedNumbers.from_wire(numbers.to_wire()).to_wire() == numbers.to_wire()


@pytest.mark.parametrize("found", [[0, 1, 1], [0, 5], [2**32 - 1]])
def test_positions_outside_the_table_or_twice_are_refused(found: list[int]) -> None:
    sent = RowPositions.of(np.array(found, dtype=np.int64))
    with pytest.raises(WireRefused):
        sent.positions(5)


def test_positions_keep_their_order() -> None:
    sent = RowPositions.from_wire(RowPositions.of(np.array([4, 0, 2])).to_wire())
    assert sent.positions(5).tolist() == [4, 0, 2]
    assert len(sent) == 3


@pytest.mark.parametrize(("kind", "size"), [(TorusWords, 4), (MaskedWords, 8), (RowPositions, 4)])
def test_words_come_in_whole_words_of_bytes(kind: type[Travels], size: int) -> None:
    assert kind.from_wire(bytes(3 * size)).to_wire() == bytes(3 * size)
    for wire in (bytes(3 * size + 1), "text", 7, [bytes(size)], None):
        with pytest.raises(WireRefused):
            kind.from_wire(wire)  # type: ignore[arg-type]


def test_words_wrap_as_their_ring_does_and_come_back() -> None:
    torus = np.array([0, 1, 2**32 - 1], dtype=np.uint32)
    assert np.array_equal(TorusWords.of(torus).words(), torus)
    masked = np.array([0, 2**63, 2**64 - 1], dtype=np.uint64)
    assert np.array_equal(MaskedWords.of(masked).words(), masked)


def test_received_words_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError, match="read-only"):
        MaskedWords.of(np.zeros(2, dtype=np.uint64)).words()[0] = 1


def test_a_repr_shows_sizes_only() -> None:
    words = np.arange(7000, 7003, dtype=np.uint64)
    shown = [
        repr(MaskedWords.of(words)),
        repr(TorusWords.of(words.astype(np.uint32))),
        repr(RowPositions.of(words.astype(np.int64))),
        repr(RowMarks.of(np.array([True, False]))),
    ]
    assert not any("700" in text or "\\x" in text or "True" in text for text in shown)


def test_nothing_is_of_two_kinds_at_once() -> None:
    def below(kind: type) -> set[type]:
        return {kind}.union(*(below(child) for child in kind.__subclasses__()))

    assert not below(Sealed) & below(Disclosed)
    assert not below(Entrusted) & (below(Sealed) | below(Disclosed))
    names = {kind.__name__ for kind in below(Travels) - below(Sealed) - below(Disclosed) - below(Entrusted)}
    # Only a public key and a signature over public hashes are neither.
    assert names <= {"Travels", "PublicKey", "HistogramPublicKey", "Signature"}
