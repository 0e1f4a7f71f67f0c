"""Few rows, many slots: several vectors side by side in one ciphertext.

A ciphertext has N slots. With n rows, n <= N / 2, it holds m = N // n vectors, so harmonics, columns and
answers need a m-th of the ciphertexts, with the same arithmetic: the sum over harmonics becomes a sum over
the m pieces that the key holder adds up after opening, and a column's answer is the sum over its piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crypto.sealed import Words64

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Packing:
    """How n rows lie in ciphertexts of N slots. `pieces` is m, at least 1; with 1 nothing changes."""

    rows: int
    pieces: int

    @staticmethod
    def of(rows: int, slots: int) -> Packing:
        """As many pieces as fit."""
        return Packing(rows, max(1, slots // rows))

    @property
    def length(self) -> int:
        """Values in one packed vector: m n."""
        return self.rows * self.pieces

    def count(self, vectors: int) -> int:
        """Packed vectors for so many vectors."""
        return -(-vectors // self.pieces)

    def repeated(self, vector: Words64) -> Words64:
        """The same n values in every piece: what each packed column is multiplied with."""
        return np.tile(vector, self.pieces)

    def side_by_side(self, vectors: Iterable[Integers]) -> Iterator[Integers]:
        """Packed vectors of m vectors each; the last one is filled up with zeros."""
        packed: list[Integers] = []
        for vector in vectors:
            packed.append(vector)
            if len(packed) == self.pieces:
                yield np.concatenate(packed)
                packed = []
        if packed:
            missing = (self.pieces - len(packed)) * self.rows
            yield np.concatenate([*packed, np.zeros(missing, dtype=np.int64)])

    def columns(self, matrix: Integers) -> Integers:
        """n x d to (m n) x ceil(d / m), m columns to one."""
        return np.column_stack(list(self.side_by_side(matrix.T)))

    def added(self, packed: Words64, modulus: int) -> Words64:
        """The sum of the m pieces modulo t: n values."""
        total: Words64 = packed.reshape(self.pieces, self.rows).sum(axis=0, dtype=np.uint64)
        return total % np.uint64(modulus)

    def first(self, vector: Words64) -> Words64:
        """The n values in the first piece, zeros in the others."""
        return np.concatenate([vector, np.zeros(self.length - self.rows, dtype=np.uint64)])
