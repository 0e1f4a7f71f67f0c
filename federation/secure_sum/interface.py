"""Sums over parties of which nobody sees a part: what code that only needs sums is written against."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from crypto.private import Private
from federation.ids import PartyId

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]


class Sums(Protocol):
    """One member's seat at the sums of a session.

    Every member calls the same methods with the same labels, lengths, clips and bounds in the same order,
    and each label once. A call blocks until all members have given their part; the wait has a bound and
    names whom it waits for. Every member gets the same array, bit for bit.

    A sum over three or more members tells nothing on one of them but what follows from the sum. A sum over
    two tells each of them the other's part.
    """

    @property
    def me(self) -> PartyId:
        """The member that sits here."""
        ...

    @property
    def members(self) -> tuple[PartyId, ...]:
        """All members, this one among them, in the same order at each."""
        ...

    def total(self, label: str, values: Private[Floats], clip: float) -> Floats:
        """The sum (n,) over members of `values` (n,), each value cut to [-clip, clip] before it is added.

        Carried on a grid, rounded without bias: the finer the smaller `clip`. `Refusal` for values that are
        not finite.
        """
        ...

    def noisy_total(self, label: str, values: Private[Floats], clip: float, multiplier: float) -> Floats:
        """The sum (n,) over members of `values` (n,), with noise; each has cut its own to L2 norm `clip`.

        Every member adds discrete Gaussian noise of standard deviation `multiplier` x `clip` to each of its
        values before they leave it: enough by itself if all others tell each other theirs. So the noise of
        the sum over k members has sqrt(k) times that. `Refusal` for values that are not finite or whose norm
        is larger, and for a multiplier that the sum's integers cannot carry.
        """
        ...

    def counts(self, label: str, values: Private[Integers], bound: int) -> Integers:
        """The exact sum (n,) over members of whole numbers `values` (n,), each from -bound to bound.

        `Refusal` where a value lies beyond `bound`: a count is never cut.
        """
        ...

    def mean(
        self,
        label: str,
        values: Private[Floats],
        clip: float,
        weight: float,
        shares: Private[Floats] | None = None,
    ) -> Floats:
        """The mean (n,) over members of `values` (n,) cut to [-clip, clip], weighed by each one's `weight`.

        `shares` (n,), each from 0 to 1, are what the values weigh instead, where that differs from value to
        value; the sum is divided by that of the weights all the same. No member's weights are revealed.
        """
        ...
