"""Two sums in one residue: gradients and hessians travel as one number a row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crypto.errors import UsageError
from crypto.histogram.transform import Integers
from crypto.sealed import Words64


@dataclass(frozen=True, slots=True)
class Packing:
    """first + second * W modulo t, where W counts the whole numbers from first_least to first_bound.

    Over any of the rows `first` adds up to first_least at least (minus first_bound unless given) and to
    first_bound at most, `second` likewise: so unpacking is exact. Needs the two ranges' sizes, multiplied, to
    be at most t. Numbers that are never negative, with a least sum of 0, take half the room.
    """

    modulus: int
    first_bound: int
    second_bound: int
    first_least: int | None = None
    second_least: int | None = None

    def __post_init__(self) -> None:
        if min(self.first_bound, self.second_bound) < 0 or max(self._lows) > 0:
            raise UsageError(
                "bounds of sums are not negative, and least sums not positive",
                advice="Add up the positive and the negative values, each for itself.",
            )
        if self._width * (self.second_bound - self._lows[1] + 1) > self.modulus:
            raise UsageError(
                f"two sums of these sizes do not fit {self.modulus.bit_length()} bits",
                advice="Round the values to fewer bits.",
            )

    @property
    def _lows(self) -> tuple[int, int]:
        return (
            -self.first_bound if self.first_least is None else self.first_least,
            -self.second_bound if self.second_least is None else self.second_least,
        )

    @property
    def _width(self) -> int:
        return self.first_bound - self._lows[0] + 1

    def pack(self, first: Integers, second: Integers) -> Words64:
        """n and n integers to n residues. UsageError when sums of some of them may leave the bounds."""
        for values, low, high in zip(
            (first, second), self._lows, (self.first_bound, self.second_bound), strict=True
        ):
            if int(np.minimum(values, 0).sum()) < low or int(np.maximum(values, 0).sum()) > high:
                raise UsageError(
                    "values sum to more than their packing allows", advice="Make the packing for these rows."
                )
        packed = first + second * self._width
        return np.where(packed < 0, packed + self.modulus, packed).astype(np.uint64)

    def unpack(self, words: Words64) -> tuple[Integers, Integers]:
        """Residues of sums, of any shape, to the sums of the first values and of the second."""
        low, second_low = self._lows
        place = (words.astype(np.int64) - (low + second_low * self._width)) % self.modulus
        return place % self._width + low, place // self._width + second_low
