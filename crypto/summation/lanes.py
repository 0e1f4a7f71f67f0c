"""Several small integers in one word of a ring, in lanes that a sum over all members cannot overflow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crypto.codes import Code
from crypto.errors import Refusal
from crypto.sealed import Words64
from crypto.summation.grid import Integers
from crypto.summation.ring import blocks


@dataclass(frozen=True, slots=True)
class Lanes:
    """`lanes` lanes of `lane_bits` bits in a word that is added up over `parties` members.

    Each member's integer lies in [-levels, levels] and travels as the unsigned number v + levels. With
    weights, the aggregator multiplies each member's words by its own weight first; they add up to
    `weight_total`. `levels` is the largest number for which total x 2 levels stays below 7/8 of
    2^lane_bits, so no lane runs into the next one whatever the members hold.

    The eighth that no sum reaches is there to be looked at: words that still have a mask on them, or that
    belong to another sum, are uniform, and pass for a sum of n integers with probability (7/8)^n.
    """

    lanes: int
    lane_bits: int
    parties: int
    weight_total: int | None = None

    def __post_init__(self) -> None:
        if self.lanes < 1 or self.lane_bits < 3 or self.lanes * self.lane_bits > 63 or self.parties < 1:
            raise ValueError("lanes do not fit a word")
        if self.weight_total is not None and self.weight_total < self.parties:
            raise ValueError("the weights add up to less than one for each member")
        if self.levels < 1:
            raise ValueError(f"{self._total} members' values do not fit a lane of {self.lane_bits} bits")

    @property
    def levels(self) -> int:
        """The largest absolute value that a member may put into a lane."""
        return (7 << self.lane_bits) // 8 // (2 * self._total)

    @property
    def largest(self) -> int:
        """The largest word that a sum can be. The ring's modulus must lie above it."""
        lane = 2 * self.levels * self._total
        return sum(lane << (self.lane_bits * k) for k in range(self.lanes))

    @property
    def _total(self) -> int:
        return self.parties if self.weight_total is None else self.weight_total

    def words(self, length: int) -> int:
        """How many words hold `length` integers."""
        return -(-length // self.lanes)

    def pack(self, integers: Integers) -> Words64:
        """Words for n integers in [-levels, levels]: the first ceil(n / lanes) in the lowest lane, and so on.

        Raises `Refusal` when an integer lies beyond the levels.
        """
        if len(integers) and (integers.max() > self.levels or integers.min() < -self.levels):
            raise Refusal(
                f"an integer to be packed lies beyond {self.levels}, so that a sum could overflow",
                advice="Use fewer levels, or fewer members or smaller weights.",
            )
        count = self.words(len(integers))
        packed = np.empty(count, dtype=np.uint64)
        for k in range(self.lanes):
            part = integers[k * count : (k + 1) * count]
            for at in blocks(len(part)):
                # Signed integers plus `levels` are not negative: the same bits as unsigned words.
                lane = (part[at] + self.levels).view(np.uint64)
                if k == 0:
                    packed[at] = lane
                else:
                    packed[at] |= lane << np.uint64(k * self.lane_bits)
        return packed

    def unpack(self, words: Words64, length: int) -> Integers:
        """The `length` signed sums in the opened total of all members' words.

        Raises `Refusal` when a word or lane holds what no members' sum can: a vector was added that is not
        of this sum, a mask is missing, or a member left its bounds.
        """
        count = self.words(length)
        if len(words) != count:
            raise Refusal(
                f"the opened sum has {len(words)} words instead of {count}",
                advice=_ADVICE,
                code=Code.SUM_WRONG,
            )
        zero = self.levels * self._total  # What a lane holds when its sum is zero.
        most = 2 * zero
        mask = np.uint64((1 << self.lane_bits) - 1)
        sums = np.empty(count * self.lanes, dtype=np.int64)
        for k in range(self.lanes):
            out = sums[k * count : (k + 1) * count]
            for at in blocks(count):
                lane = words[at] >> np.uint64(k * self.lane_bits)
                if k < self.lanes - 1:
                    lane &= mask  # The last lane takes all that is left.
                if lane.max() > most:
                    raise Refusal(
                        "the opened sum is not one of this step's vectors",
                        advice=_ADVICE,
                        code=Code.SUM_WRONG,
                    )
                np.subtract(lane.view(np.int64), zero, out=out[at])
        if (sums[length:] != -zero).any():
            raise Refusal(
                "the opened sum is longer than this step's vectors", advice=_ADVICE, code=Code.SUM_WRONG
            )
        return sums[:length]


_ADVICE = "Launch the round again; if it recurs, one member's vector is not what the plan says."
