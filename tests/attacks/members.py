"""What attack tests share: the members of a sum, what they do to their updates, and their secrets."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import numpy.typing as npt

from crypto.masks import PairwiseMasks
from crypto.private import Private
from crypto.sealed import Words64
from crypto.summation import ring
from crypto.summation.grid import Grid
from crypto.summation.lanes import Lanes
from crypto.summation.protection import GroupKey, Protection, SealedVector
from crypto.summation.schemes import protection
from crypto.summation.stream import KeyStream

Floats = npt.NDArray[np.float64]
NAMES = ("victim", "honest", "colluder")
#: Public weights where the aggregator weighs.
WEIGHTS = {"victim": 700, "honest": 1024, "colluder": 3}
SCHEMES = {"he": ("he", False), "he-seeded": ("he", True), "mask": ("mask", False), "ckks": ("ckks", False)}


def scheme_named(name: str) -> Protection:
    form, seeded = SCHEMES[name]
    return protection(form, seeded=seeded)


@dataclass(repr=False)
class Group:
    """Three members and all that they hold. An attacker's code takes from it what its collusion has."""

    name: str  # of the scheme, in `SCHEMES`
    scheme: Protection = field(init=False)
    key: GroupKey = field(init=False)
    pairwise: dict[frozenset[str], bytes] = field(init=False)
    own: dict[str, bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.scheme = scheme_named(self.name)
        self.key = self.scheme.generate_key()
        self.pairwise = {frozenset(pair): secrets.token_bytes(32) for pair in combinations(NAMES, 2)}
        self.own = {name: secrets.token_bytes(32) for name in NAMES}

    @property
    def lanes(self) -> Lanes:
        return self.scheme.packing(len(NAMES), sum(WEIGHTS.values()) if self.scheme.weighs else None)

    @property
    def grid(self) -> Grid:
        return Grid(1.0, self.lanes.levels)

    @property
    def weights(self) -> list[int] | None:
        return list(WEIGHTS.values()) if self.scheme.weighs else None

    def masks(self, me: str) -> PairwiseMasks:
        """Fresh, as after a start: what it has served is forgotten."""
        return PairwiseMasks(
            me, {other: self.pairwise[frozenset((me, other))] for other in NAMES if other != me}
        )

    def factor(self, me: str) -> int:
        return self.scheme.factor(WEIGHTS[me]) if self.scheme.weighs else 1

    def times(self, words: Words64, factor: int) -> Words64:
        if factor == 1:
            return words
        return words * np.uint64(factor) % np.uint64(self.scheme.modulus)

    def packed(self, me: str, update: Floats) -> Words64:
        rounding = KeyStream(self.own[me], "rounding")
        return self.lanes.pack(self.grid.quantise(Private(update), rounding).open_locally())

    def seal(self, me: str, update: Floats, label: str = "1", *, masked: bool = True) -> SealedVector:
        """One member's upload. `masked=False` is the control: the group's key alone protects it."""
        words = self.packed(me, update)
        if masked:
            others = frozenset(NAMES) - {me}
            hiding = self.masks(me).residues(label, others, len(words), self.scheme.modulus)
            hiding = ring.add(hiding, self.own_mask(me, label, len(words)), self.scheme.modulus)
            words = ring.add(words, self.times(hiding, self.factor(me)), self.scheme.modulus)
        return self.scheme.seal(self.key, label, Private(words), pads=me == NAMES[0])

    def own_mask(self, me: str, label: str, count: int) -> Words64:
        return KeyStream(self.own[me], f"own|{label}").residues(count, self.scheme.modulus)

    def without_own_masks(self, words: Words64, label: str = "1") -> Words64:
        """The total's words once each member has released its own mask of this label."""
        for name in NAMES:
            words = ring.subtract(words, self.own_mask(name, label, len(words)), self.scheme.modulus)
        return words

    def lane_values(self, words: Words64, length: int) -> Floats:
        """The integers in the lanes of any words, without the checks of `Lanes.unpack`."""
        bits, lanes = self.lanes.lane_bits, self.lanes.lanes
        mask = np.uint64((1 << bits) - 1)
        values = np.concatenate([words >> np.uint64(k * bits) & mask for k in range(lanes)])
        return values[:length].astype(np.float64)


def updates(length: int) -> dict[str, Floats]:
    return {name: np.random.default_rng(i).normal(0, 0.2, length).clip(-1, 1) for i, name in enumerate(NAMES)}


def correlation(one: Floats, other: Floats) -> float:
    return abs(float(np.corrcoef(one, other)[0, 1]))
