"""Protection "mask": the masked words under a pad of the group, without homomorphic encryption.

Pairwise masks (Bonawitz et al., CCS 2017) would let the aggregator read the sum; so one member adds a pad,
AES-CTR words under the group key, to its vector. The aggregator then adds up uniform words and learns
nothing of the sum either; the members take the pad away. Against an aggregator that shares the group key
with a member it is as strong as "he": what hides then is the pairwise masks. At 4 bytes a value it is the
cheapest; what it lacks is a second assumption beside the pseudo-random generator's.

Words are residues modulo 2^32. A vector is one part of 4 bytes a word, little-endian: any such bytes are
well formed, and there is no other form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from crypto.private import Private
from crypto.sealed import WireRefused, Words32, Words64
from crypto.summation.protection import GroupKey, Protection, SealedVector
from crypto.summation.stream import KeyStream


class PaddedSum(Protection):
    """Sums modulo 2^32 of words that masks and, at one member, the group's pad hide."""

    name: ClassVar[str] = "mask"
    modulus = 1 << 32
    lanes = 1
    lane_bits = 32

    def __init__(self) -> None:
        self._padded: set[tuple[bytes, str]] = set()

    def seal(self, key: GroupKey, label: str, words: Private[Words64], *, pads: bool) -> SealedVector:
        """The words, plus the pad of `label` where `pads`: once only, or ValueError."""
        plain = words.open_locally()
        self._check_words(plain)
        out: Words32 = plain.astype("<u4")
        if pads:
            if (key.data, label) in self._padded:
                raise ValueError("a pad label was used twice")
            self._padded.add((key.data, label))
            out += _pad(key, label, len(out))
        return SealedVector("mask", len(out), (out.tobytes(),))

    def add(self, vectors: Sequence[SealedVector], weights: Sequence[int] | None = None) -> SealedVector:
        """The sum modulo 2^32."""
        self._check_sum(vectors, weights)
        count = vectors[0].count
        for vector in vectors:
            self.check(vector, count)
        total = np.zeros(count, dtype="<u4")
        for vector in vectors:
            total += np.frombuffer(vector.parts[0], dtype="<u4")
        return SealedVector("mask", len(total), (total.tobytes(),))

    def open(self, key: GroupKey, label: str, total: SealedVector, count: int) -> Private[Words64]:
        """The total without the pad of `label`."""
        self.check(total, count)
        words = np.frombuffer(total.parts[0], dtype="<u4") - _pad(key, label, count)
        return Private(words.astype(np.uint64))

    def check(self, vector: SealedVector, count: int) -> None:
        """Raise `WireRefused` unless `vector` is one part of `count` words."""
        if vector.form != "mask":
            raise WireRefused("SealedVector: of another form than mask")
        if count < 1 or vector.count != count or [len(part) for part in vector.parts] != [4 * count]:
            raise WireRefused(f"SealedVector: not {count} words of 4 bytes")


def _pad(key: GroupKey, label: str, count: int) -> Words32:
    return KeyStream(key.data, f"pad|{label}").words32(count)
