"""The group's pad: it hides the sum from whoever adds, and serves once."""

from __future__ import annotations

import numpy as np
import pytest

from crypto.private import Private
from crypto.sealed import WireRefused
from crypto.summation.pad import PaddedSum
from crypto.summation.protection import SealedVector

WORDS = Private(np.arange(1000, dtype=np.uint64))


def test_a_pad_serves_once() -> None:
    scheme = PaddedSum()
    key, another = scheme.generate_key(), scheme.generate_key()
    scheme.seal(key, "one", WORDS, pads=True)
    with pytest.raises(ValueError, match="twice"):
        scheme.seal(key, "one", WORDS, pads=True)
    scheme.seal(key, "two", WORDS, pads=True)
    scheme.seal(another, "one", WORDS, pads=True)


def test_only_the_member_that_pads_adds_the_pad() -> None:
    scheme = PaddedSum()
    key = scheme.generate_key()
    padded, plain = (scheme.seal(key, "one", WORDS, pads=pads) for pads in (True, False))
    assert np.frombuffer(plain.parts[0], dtype="<u4").tolist() == list(range(1000))
    assert len(np.intersect1d(*(np.frombuffer(v.parts[0], dtype="<u4") for v in (padded, plain)))) < 5
    opened = scheme.open(key, "one", scheme.add([padded, plain]), 1000).open_locally()
    assert opened.tolist() == list(range(0, 2000, 2))


@pytest.mark.parametrize(
    "parts",
    [(), (bytes(3999),), (bytes(4001),), (bytes(4004),), (bytes(2000), bytes(2000)), (bytes(4000), b"")],
)
def test_malformed_vectors_are_refused(parts: tuple[bytes, ...]) -> None:
    scheme = PaddedSum()
    vector = SealedVector("mask", 1000, parts)
    good = SealedVector("mask", 1000, (bytes(4000),))
    for act in (
        lambda: scheme.check(vector, 1000),
        lambda: scheme.add([good, vector]),
        lambda: scheme.add([vector]),
        lambda: scheme.open(scheme.generate_key(), "one", vector, 1000),
    ):
        with pytest.raises(WireRefused):
            act()


def test_a_count_that_no_part_backs_is_refused_before_memory_is_taken() -> None:
    vector = SealedVector("mask", 1 << 28, (bytes(4),))
    with pytest.raises(WireRefused):
        PaddedSum().add([vector])
