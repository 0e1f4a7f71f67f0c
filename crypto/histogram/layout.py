"""Which coefficient of which answer holds a histogram row.

A product polynomial holds R = N // m histogram rows, at the multiples of the block size m. In the speed
form an answer is one product polynomial. In the bytes form up to 64 are merged into one (`merge`), the
p-th of them moved by the bits of p: bit 0 by m / 2, bit 1 by m / 4, and so on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from crypto.errors import UsageError
from crypto.histogram.ring import DEGREE
from crypto.histogram.transform import Integers


@dataclass(frozen=True, slots=True)
class Layout:
    """Block size, number of histogram rows of a node, and whether product polynomials are merged."""

    block: int
    histogram_rows: int
    merges: bool

    LEAST_BLOCK: ClassVar[int] = 64  # The least that `block_rows` gives.
    MERGED_BLOCK: ClassVar[int] = 2048
    MERGES: ClassVar[int] = 6
    MERGED: ClassVar[int] = 1 << MERGES

    def __post_init__(self) -> None:
        good = self.block == self.MERGED_BLOCK if self.merges else 1 <= self.block <= DEGREE
        if not good or self.histogram_rows < 1:
            raise UsageError(
                f"blocks of {self.block} rows for {self.histogram_rows} histogram rows",
                advice="Take the block size that block_rows() gives.",
            )

    @property
    def each(self) -> int:
        """Histogram rows of a product polynomial."""
        return DEGREE // self.block

    @property
    def polynomials(self) -> int:
        """Product polynomials of a node."""
        return -(-self.histogram_rows // self.each)

    @property
    def answer_polynomials(self) -> int:
        """Product polynomials of a full answer."""
        return self.MERGED if self.merges else 1

    def parts(self) -> list[Integers]:
        """For each answer of a node, the positions of its histogram rows, in the rows' order."""
        rows = np.arange(self.histogram_rows)
        polynomial = rows // self.each
        positions = rows % self.each * self.block
        if self.merges:
            for bit in range(self.MERGES):
                positions = positions + (polynomial >> bit & 1) * (self.block >> (bit + 1))
        cuts = range(self.answer_rows, self.histogram_rows, self.answer_rows)
        return list(np.split(positions, list(cuts)))

    @property
    def answer_rows(self) -> int:
        """Histogram rows of a full answer."""
        return self.each * self.answer_polynomials

    @classmethod
    def galois_elements(cls) -> list[int]:
        """For each merge, from the first: x -> x^(2 N / s + 1), s the distance of wanted coefficients."""
        return [2 * DEGREE // (cls.MERGED_BLOCK >> bit) + 1 for bit in range(cls.MERGES)]
