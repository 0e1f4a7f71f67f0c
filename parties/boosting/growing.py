"""One tree, level by level, at the label party: from sums of candidates to splits to leaves.

Where sums come from is a `Source`: the label party's own columns, or other parties through a protocol. What
is here is the plain arithmetic, the same for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from federation.ids import PartyId
from parties.binning.cuts import Codes
from parties.boosting.candidates import Candidates
from parties.boosting.level import Level
from parties.boosting.objective import Best, Bounds, Rules
from parties.boosting.trees import Leaf, Split, Tree

Floats: TypeAlias = npt.NDArray[np.float64]
Marks: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, repr=False)
class Derivatives:
    """Gradients and hessians of the n training rows, as steps: g = first * g_step, h = second * h_step.

    Steps of 1 are derivatives as they are; else `first` and `second` are whole numbers, so that sums over
    any rows are exact in whatever order they are added.
    """

    first: Floats
    second: Floats
    g_step: float = 1.0
    h_step: float = 1.0


@dataclass(frozen=True, slots=True, repr=False)
class CandidateSums:
    """What one owner's C candidates send left in each of k nodes: sums in steps and which are told (k x C).

    ordered (C,): candidates whose left side may not weigh more than the right one."""

    owner: PartyId
    first: Floats
    second: Floats
    told: Marks
    ordered: Marks


@dataclass(frozen=True, slots=True)
class Pick:
    """The candidate by which a node of the level is split."""

    node: int
    candidate: int


class Source(Protocol):
    """Whoever offers candidates for a tree."""

    def begin(self, root: Level, derivatives: Derivatives) -> None:
        """A tree begins."""

    def sums(self, level: Level) -> Sequence[CandidateSums]:
        """The sums of every owner's candidates in every node of the level."""

    def divide(
        self, level: Level, picks: dict[PartyId, list[Pick]]
    ) -> dict[PartyId, list[tuple[int, Marks]]]:
        """For each pick of this source's owners: the owner's number for it, which of its rows go left."""

    def told(self, split: Marks, left: Marks) -> None:
        """Which nodes were split, and which rows went left; not called for a tree's last level."""


class OwnColumns:
    """The label party's own columns as a source: nothing leaves, no candidate is withheld.

    `splits` collects (column, table) of every split that was chosen, in the order of their numbers."""

    def __init__(self, owner: PartyId, offered: Candidates, codes: Sequence[Codes]) -> None:
        self._owner = owner
        self._offered = offered
        self._codes = codes
        self._derivatives = Derivatives(np.zeros(0), np.zeros(0))
        self._drawn = np.arange(len(offered))
        self.splits: list[tuple[int, Marks]] = []

    def draw(self, which: npt.NDArray[np.int64]) -> None:
        """Offer only these candidates, in this order, until the next draw."""
        self._drawn = which

    def begin(self, root: Level, derivatives: Derivatives) -> None:
        self._derivatives = derivatives

    def sums(self, level: Level) -> Sequence[CandidateSums]:
        offered = self._offered.take(self._drawn)
        rows = np.flatnonzero(level.drawn & (level.node >= 0))
        parts = [values[rows] for values in (self._derivatives.first, self._derivatives.second)]
        first, second = left_sums(offered, self._codes, level.node[rows], level.nodes, rows, parts)
        told = np.ones(first.shape, dtype=np.bool_)
        return [CandidateSums(self._owner, first, second, told, offered.ordered)]

    def divide(
        self, level: Level, picks: dict[PartyId, list[Pick]]
    ) -> dict[PartyId, list[tuple[int, Marks]]]:
        found = []
        for pick in picks.get(self._owner, ()):
            candidate = int(self._drawn[pick.candidate])
            left = self._offered.left(candidate, self._codes, level.rows(pick.node))
            self.splits.append((int(self._offered.column[candidate]), self._offered.tables[candidate]))
            found.append((len(self.splits) - 1, left))
        return {self._owner: found}

    def told(self, split: Marks, left: Marks) -> None:
        return


def left_sums(
    offered: Candidates,
    codes: Sequence[Codes],
    node: npt.NDArray[np.int32],
    nodes: int,
    rows: npt.NDArray[np.int64],
    parts: Sequence[Floats | None],
) -> list[Floats]:
    """For each of `parts` (values of `rows`; None counts them): its sum over what each candidate sends left.

    Each sum is nodes x C. `node`: the node of each of `rows`.
    """
    width = offered.tables.shape[1]
    found = [np.zeros((nodes, len(offered))) for _ in parts]
    for column in np.unique(offered.column):
        which = offered.of_column(int(column))
        tables = offered.tables[which].T.astype(np.float64)
        place = node.astype(np.int64) * width + codes[column][rows]
        for out, values in zip(found, parts, strict=True):
            by_bin = np.bincount(place, weights=values, minlength=nodes * width)
            out[:, which] = by_bin.reshape(nodes, width) @ tables
    return found


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A node's best split: whose candidate it is."""

    owner: PartyId
    best: Best


@dataclass(frozen=True, slots=True, repr=False)
class Grown:
    """A tree, and what it adds to the logit of every training row (n,)."""

    tree: Tree
    weights: Floats


def grow(
    sources: Sequence[Source],
    drawn: Marks,
    derivatives: Derivatives,
    exact: tuple[Floats, Floats],
    rules: Rules,
    max_depth: int,
    learning_rate: float,
) -> Grown:
    """Grow one tree on the rows marked in `drawn`. `exact`: gradients and hessians for the leaves' weights.

    The `sources` are asked in their order at every level; of equal gains the first counts.
    """
    level = Level.root(drawn)
    for source in sources:
        source.begin(level, derivatives)
    builder = _Builder(len(drawn), exact, drawn, rules, learning_rate)
    for depth in range(max_depth):
        chosen = _choose(
            [s for source in sources for s in source.sums(level)], level, derivatives, rules, builder
        )
        split = np.array([node in chosen for node in range(level.nodes)])
        numbers, left = _divide(sources, level, chosen)
        if not split.any():
            break
        builder.split(level, chosen, numbers, split)
        below = level.below(split, left)
        if depth + 1 < max_depth:
            for source in sources:
                source.told(split, left)
        level = below
    builder.finish(level)
    return builder.grown()


def _choose(
    told: Sequence[CandidateSums], level: Level, derivatives: Derivatives, rules: Rules, builder: _Builder
) -> dict[int, _Chosen]:
    """The best split of each node of the level that has one."""
    rows = np.flatnonzero(level.drawn & (level.node >= 0))
    totals = [
        np.bincount(level.node[rows], weights=values[rows], minlength=level.nodes)
        for values in (derivatives.first, derivatives.second)
    ]
    chosen: dict[int, _Chosen] = {}
    for node in range(level.nodes):
        total = float(totals[0][node] * derivatives.g_step), float(totals[1][node] * derivatives.h_step)
        for sums in told:
            g, h = sums.first[node] * derivatives.g_step, sums.second[node] * derivatives.h_step
            best = rules.best(total, g, h, sums.told[node], sums.ordered, builder.bounds[node])
            if best is not None and (node not in chosen or best.gain > chosen[node].best.gain):
                chosen[node] = _Chosen(sums.owner, best)
                builder.ordered[node] = bool(sums.ordered[best.candidate])
    return chosen


def _divide(
    sources: Sequence[Source], level: Level, chosen: dict[int, _Chosen]
) -> tuple[dict[int, int], Marks]:
    """The owner's number for each split, by node; which rows go left (n,)."""
    picks: dict[PartyId, list[Pick]] = {}
    for node, one in sorted(chosen.items()):
        picks.setdefault(one.owner, []).append(Pick(node, one.best.candidate))
    numbers: dict[int, int] = {}
    left = np.zeros(len(level.node), dtype=np.bool_)
    for source in sources:
        for owner, answers in source.divide(level, picks).items():
            for pick, (number, marks) in zip(picks.get(owner, ()), answers, strict=True):
                numbers[pick.node] = number
                left[level.rows(pick.node)] = marks
    return numbers, left


class _Builder:
    """The tree so far: nodes by number, and of the current level their numbers and bounds."""

    def __init__(
        self, rows: int, exact: tuple[Floats, Floats], drawn: Marks, rules: Rules, learning_rate: float
    ) -> None:
        self._exact, self._drawn, self._rules, self._rate = exact, drawn, rules, learning_rate
        self._nodes: list[Split | Leaf | None] = [None]
        self._here = [0]
        self._weights = np.zeros(rows)
        self.bounds = [Bounds()]
        self.ordered: dict[int, bool] = {}

    def split(self, level: Level, chosen: dict[int, _Chosen], numbers: dict[int, int], split: Marks) -> None:
        """Close the level: its split nodes get children, the others are leaves."""
        here, bounds = self._here, self.bounds
        self._here, self.bounds = [], []
        for node in range(level.nodes):
            if not split[node]:
                self._leaf(level, node, here[node], bounds[node])
                continue
            one = chosen[node]
            first = len(self._nodes)
            self._nodes += [None, None]
            self._nodes[here[node]] = Split(one.owner, numbers[node], first, first + 1, one.best.gain)
            self._here += [first, first + 1]
            self.bounds += self._child_bounds(node, bounds[node], one.best)
        self.ordered = {}

    def _child_bounds(self, node: int, bounds: Bounds, best: Best) -> list[Bounds]:
        if not self.ordered[node]:
            return [bounds, bounds]
        middle = (best.left + best.right) / 2
        return [Bounds(bounds.low, middle), Bounds(middle, bounds.high)]

    def finish(self, level: Level) -> None:
        """What is left of the last level are leaves."""
        for node in range(level.nodes):
            self._leaf(level, node, self._here[node], self.bounds[node])

    def _leaf(self, level: Level, node: int, number: int, bounds: Bounds) -> None:
        rows = level.rows(node)
        drawn = rows[self._drawn[rows]]
        g, h = (np.array([values[drawn].sum()]) for values in self._exact)
        # Children were allowed by their rounded hessians, and what a split has made is no smaller for that.
        rules = self._rules if number == 0 else replace(self._rules, min_child_weight=0.0)
        weight = float(rules.weights(g, h, bounds)[0]) * self._rate
        self._nodes[number] = Leaf(weight)
        self._weights[rows] = weight

    def grown(self) -> Grown:
        return Grown(Tree(tuple(node for node in self._nodes if node is not None)), self._weights)
