"""Which rows are in which node of a tree's level: what every party of a tree can work out by itself.

All parties hold the same levels: the label party tells which rows grow the tree, which nodes were split and
which rows went left. Nodes of a level are numbered from the left. Of two children the one with fewer rows is
computed, the left one where they are equal; the other is what its parent has more (sibling subtraction).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Marks: TypeAlias = npt.NDArray[np.bool_]
Numbers: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, repr=False)
class Level:
    """node (n,): the node of each training row, -1 where its leaf is reached. drawn (n,): the rows that grow
    this tree. parents: for each pair of children, the node of the level before; none at the root."""

    node: npt.NDArray[np.int32]
    drawn: Marks
    nodes: int
    parents: tuple[int, ...] = ()

    @staticmethod
    def root(drawn: Marks) -> Level:
        """All rows in one node."""
        return Level(np.zeros(len(drawn), dtype=np.int32), drawn, 1)

    @property
    def sizes(self) -> Numbers:
        """How many drawn rows each node has."""
        return np.bincount(self.node[self.drawn & (self.node >= 0)], minlength=self.nodes)

    @property
    def computed(self) -> tuple[int, ...]:
        """The nodes whose sums are computed; the rest are their siblings."""
        if not self.parents:
            return (0,)
        sizes = self.sizes
        return tuple(
            2 * pair + bool(sizes[2 * pair + 1] < sizes[2 * pair]) for pair in range(self.nodes // 2)
        )

    def rows(self, node: int) -> Numbers:
        """All rows of a node, drawn or not, in the common order."""
        return np.flatnonzero(self.node == node)

    def grouped(self) -> tuple[Numbers, Numbers]:
        """The drawn rows of the computed nodes, node by node, and how many each has."""
        computed = np.array(self.computed)
        place = np.full(self.nodes + 1, self.nodes, dtype=np.int32)  # The last one is for node -1.
        place[computed] = np.arange(len(computed), dtype=np.int32)
        key = np.where(self.drawn, place[self.node], self.nodes)
        order = np.argsort(key, kind="stable")
        sizes = np.bincount(key, minlength=self.nodes + 1)[: len(computed)]
        return order[: int(sizes.sum())], sizes

    def below(self, split: Marks, left: Marks) -> Level:
        """The level of the children: split (nodes,), left (n,) where its node is split."""
        first = np.full(self.nodes + 1, -1, dtype=np.int32)  # A split node's left child; the last: node -1.
        first[:-1][split] = 2 * np.arange(int(split.sum()), dtype=np.int32)
        child = first[self.node]
        node = np.where(child >= 0, child + ~left, -1).astype(np.int32)
        return Level(node, self.drawn, 2 * int(split.sum()), tuple(int(p) for p in np.flatnonzero(split)))
