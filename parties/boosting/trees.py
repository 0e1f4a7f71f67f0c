"""A grown tree as the label party keeps it: who owns each split, and what each leaf adds to the logit.

Nodes are numbered level by level. A split is known by its owner and the owner's number for it; where it
cuts, only the owner knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from federation.ids import PartyId
from parties.features.saved import finite, position, text

Floats: TypeAlias = npt.NDArray[np.float64]
Marks: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Split:
    """A node whose rows are divided by `owner`'s split `number`; node numbers of its children."""

    owner: PartyId
    number: int
    left: int
    right: int
    gain: float


@dataclass(frozen=True, slots=True)
class Leaf:
    """A node that adds `weight` to the logit, the learning rate in it."""

    weight: float


@dataclass(frozen=True, slots=True, repr=False)
class Tree:
    """A tree's nodes; the first is the root."""

    nodes: tuple[Split | Leaf, ...]

    @property
    def splits(self) -> tuple[Split, ...]:
        return tuple(node for node in self.nodes if isinstance(node, Split))

    def weights(self, rows: int, sides: Mapping[PartyId, Marks]) -> Floats:
        """What the tree adds to each row's logit (n,); sides: for each owner, rows x its splits, left or not.

        A row's weight is the one of its leaf: the same bits whichever rows are scored beside it.
        """
        place = np.zeros(rows, dtype=np.int64)
        found = np.zeros(rows)
        for number, node in enumerate(self.nodes):  # Children have greater numbers than their parents.
            here = np.flatnonzero(place == number)
            if isinstance(node, Leaf):
                found[here] = node.weight
            elif len(here):
                left = sides[node.owner][here, node.number]
                place[here] = np.where(left, node.left, node.right)
        return found

    def to_list(self) -> list[dict[str, Any]]:
        """Plain values for JSON."""
        return [
            {"weight": node.weight}
            if isinstance(node, Leaf)
            else {
                "owner": node.owner,
                "number": node.number,
                "left": node.left,
                "right": node.right,
                "gain": node.gain,
            }
            for node in self.nodes
        ]

    @staticmethod
    def from_list(saved: Sequence[Mapping[str, Any]]) -> Tree:
        """What `to_list` wrote; `KeyError`, `TypeError` or `ValueError` for anything else."""
        found: list[Split | Leaf] = []
        for number, node in enumerate(saved):
            if "weight" in node:
                found.append(Leaf(finite(node["weight"])))
                continue
            left, right = (position(node[side], len(saved)) for side in ("left", "right"))
            if min(left, right) <= number:
                raise ValueError("a tree that turns back on itself")
            owner, which = PartyId(text(node["owner"])), position(node["number"], 1 << 31)
            found.append(Split(owner, which, left, right, finite(node["gain"])))
        if not found:
            raise ValueError("a tree without nodes")
        return Tree(tuple(found))

    def __repr__(self) -> str:
        return f"Tree({len(self.nodes)} nodes)"


def total(base: float, trees: Sequence[Tree], rows: int, sides: Mapping[PartyId, Marks]) -> Floats:
    """The logit of each row (n,): the base and the trees' weights, added in the trees' order."""
    logits = np.full(rows, base)
    for tree in trees:
        logits = logits + tree.weights(rows, sides)
    return logits
