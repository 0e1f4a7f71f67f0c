"""Vertical boosting at the label party L, with any number of parties F without the label.

L alone has outcomes, gradients g and hessians h. All parties have the same training rows in the same order.

    once      L -> F   public key of the run
    each tree L -> F   which training rows grow it (a uniform draw)
              F -> L   how many candidates F has (sets of bins whose rows go left: `candidates`), in a fresh
                       random order over all its columns, and which of them are of columns with a trend
    level     L -> F   Enc(g, h) of the computed nodes' rows, node by node (`crypto.histogram`)
              F -> L   which candidates are told in which node (`support`), Enc of what those send left
              L        opens the sums; takes the best split of each node over all parties and its own columns
              L -> F   which of F's own candidates split which nodes
              F -> L   which rows of those nodes go left; F keeps the edge under a number of its own
              L -> F   which rows went left in every node that F still follows; not after the last level
    scores    F -> L   for each row that the plan opens, which side of each of F's splits it is on

Of two children the smaller is computed and the other follows by subtraction, for which a candidate must be
the same in both; so the order is fresh for each tree and not for each node. It hides which candidates share a
column and how they are ordered (not where column_share leaves F a single column, nor how many candidates the
drawn columns have), but not that a candidate of one node is the same in another of the tree. F draws its
columns itself, from the operating system: L does not know which ones.

What each role learns (all parties follow the protocol: semi-honest):
    F           which rows share a node, down to the last level but one, while the node has `minimum_support`
                rows on both sides; rows that share a node have similar gradients, so similar outcomes. Which
                of its own splits were the best of all. Nothing of g, h or any sum.
    L           in each node the exact, rounded sums of g and h over what each told candidate sends left, so
                about how many rows those are, and which candidates are told; F's number of candidates. One
                bit a training row for each split of F that is used; one bit an opened row for each split of
                F in the model, on the row's way through the tree or not. No threshold, no column's name.
    aggregator  sizes and times of sealed envelopes.
    aggregator with one party: nothing more than that party. L with F1: nothing more of F2 than L.

What nodes tell F of outcomes, measured (`isthmus bench leakage`: AUC by the directions along which rows share
nodes, without one known outcome, less that of the best model of F's own columns given all other outcomes):
0.005 on default_credit, 0.08 on 12,000 generated firms of three parties, where other columns tell much: nodes
show F about what the joint model says. What lowers it, with that excess and the model's test AUC there
(defaults: .827):
    max_depth 1          0.00, .808: nodes are F's own splits and nothing else, so this closes it; with 40
                         trees .832 (0.02, from outcomes that its own splits were chosen by)
    max_depth 2          0.05, .834; with own_trees 5 of 10 0.01, .817
    own_trees 7 of 10    0.02, .795: no node of the first trees, whose gradients tell most (3: .06, .830)
    minimum_support 500  0.08, .814, and row_share 0.5  0.07, .807: neither closes it
Rows are drawn uniformly: drawing by gradient would tell F which of them are misclassified. `minimum_support`
is for L's sums, whose groups it makes larger. Their order hides little: the candidate that is nearest by its
sums is of the same column 3 to 6 times in 10 there (by chance once in 20, and in 5), and 7 in 10 on
default_credit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crypto.histogram import HistogramScheme, Packing
from crypto.private import Private
from crypto.sealed import RowMarks, WireRefused
from federation.ids import PartyId
from federation.messages.boosting import (
    BoostingKey,
    Division,
    LeftSums,
    LevelRows,
    NextTree,
    NodeMarks,
    Offer,
    Picked,
    Picks,
    Sides,
)
from federation.session import Session
from parties.boosting.growing import CandidateSums, Derivatives, Marks, Pick
from parties.boosting.level import Level
from parties.boosting.objective import Floats

#: No party has more: a thousand columns of 128 bins with missing rows are a quarter of it.
MOST_CANDIDATES = 1 << 20


@dataclass(frozen=True, slots=True, repr=False)
class _Opened:
    """One owner's sums in the nodes of the shared level (k x C): what was opened or follows from it."""

    first: Floats
    second: Floats
    told: Marks


class RemoteColumns:
    """The other parties' columns as a source of `growing.grow`.

    The level that is shared with them has only those nodes of the tree in which something may still be told:
    `_label_node` is the number of each at this party.
    """

    def __init__(self, session: Session, scheme: HistogramScheme, minimum_support: int) -> None:
        self._session = session
        self._scheme = scheme
        self._least = minimum_support
        self._owners = session.others()
        self._key = scheme.generate()
        session.send_all(self._owners, BoostingKey(self._key.public))
        self._splits = dict.fromkeys(self._owners, 0)
        self._before: dict[int, dict[PartyId, int]] = {}  # tree -> how many splits there were before it
        self._shared = Level.root(np.zeros(0, dtype=np.bool_))
        self._label_node: list[int] = []
        self._derivatives = Derivatives(np.zeros(0), np.zeros(0))
        self._number, self._packing = 0, Packing(scheme.modulus, 0, 0)
        self._ordered: dict[PartyId, Marks] = {}
        self._opened: dict[PartyId, _Opened] = {}

    @property
    def splits(self) -> dict[PartyId, int]:
        """How many splits each owner has, over all trees; after `finish` over those of the model."""
        return self._splits

    def announce(self, number: int, packing: Packing) -> None:
        """The next tree's number, and how its sums are packed; comes before it is grown."""
        self._number, self._packing = number, packing

    def finish(self, number: int) -> None:
        """Tell the others that no tree follows, and that the model is the first `number` of them: splits of
        later ones are dropped at both ends, and no row's side of them is told."""
        later = [tree for tree in self._before if tree > number]
        self._splits = self._before[min(later)] if later else self._splits
        self._session.send_all(self._owners, NextTree(number, None))

    def begin(self, root: Level, derivatives: Derivatives) -> None:
        self._derivatives = derivatives
        self._shared, self._label_node, self._opened = root, [0], {}
        self._before[self._number] = dict(self._splits)
        self._session.send_all(self._owners, NextTree(self._number, RowMarks.of(root.drawn)))
        offers = self._session.gather(self._owners, Offer)
        for owner, offer in offers.items():
            if offer.ordered.rows > MOST_CANDIDATES:
                raise WireRefused(f"Offer: more than {MOST_CANDIDATES} candidates", party=owner)
        self._ordered = {owner: offer.ordered.marks() for owner, offer in offers.items()}

    def sums(self, level: Level) -> Sequence[CandidateSums]:
        offering = [owner for owner in self._owners if len(self._ordered[owner])]
        if not self._label_node or not offering:
            return []
        rows, sizes = self._shared.grouped()
        words = self._packing.pack(
            *(values[rows].astype(np.int64) for values in (self._derivatives.first, self._derivatives.second))
        )
        block = self._scheme.block_rows(len(rows), self._most_told(offering), len(sizes))
        encrypted = LevelRows(self._key.encrypt(Private(words), sizes.tolist(), block))
        self._session.send_all(offering, encrypted)
        self._opened = {
            owner: self._open(owner, self._session.receive(owner, LeftSums), block) for owner in offering
        }
        return [self._at_label(owner, opened, level.nodes) for owner, opened in self._opened.items()]

    def _most_told(self, offering: list[PartyId]) -> int:
        """The most candidates that one party may tell in one node: no more than in the node above."""
        above = list(self._shared.parents)
        if not above:
            return max(len(self._ordered[owner]) for owner in offering)
        return max(1, *(int(self._opened[owner].told[above].sum(axis=1).max()) for owner in offering))

    def _open(self, owner: PartyId, answer: LeftSums, block: int) -> _Opened:
        """The sums of every node of the shared level: of computed ones opened, of siblings subtracted."""
        level, candidates = self._shared, len(self._ordered[owner])
        told = answer.told.marks()
        if told.size != level.nodes * candidates:
            raise WireRefused("CandidateMarks: not one for each candidate and node", party=owner)
        told = told.reshape(level.nodes, candidates)
        above, parents = self._opened.get(owner), list(level.parents)
        if above is not None and (
            (told[0::2] != told[1::2]).any() or (told[0::2] & ~above.told[parents]).any()
        ):
            raise WireRefused("CandidateMarks: not told in both children, or not above", party=owner)
        computed = list(level.computed)
        most = max(int(told[computed].sum(axis=1).max()), 1)
        opened = self._key.open(answer.sums, nodes=len(computed), histogram_rows=most, block=block)
        unpacked = self._packing.unpack(opened.open_locally())
        parts = []
        for number, values in enumerate(unpacked):
            part = np.zeros(told.shape)
            for node, row in zip(computed, values, strict=True):
                part[node, told[node]] = row[: int(told[node].sum())]
            if above is not None:
                siblings = [node ^ 1 for node in computed]
                part[siblings] = (above.first, above.second)[number][parents] - part[computed]
            parts.append(part)
        return _Opened(parts[0], parts[1], told)

    def _at_label(self, owner: PartyId, opened: _Opened, nodes: int) -> CandidateSums:
        """The same by this party's node numbers; nothing is told in nodes that are not shared."""
        parts = [np.zeros((nodes, opened.told.shape[1])) for _ in range(3)]
        for part, values in zip(parts, (opened.first, opened.second, opened.told), strict=True):
            part[self._label_node] = values
        return CandidateSums(owner, parts[0], parts[1], parts[2] > 0, self._ordered[owner])

    def divide(
        self, level: Level, picks: dict[PartyId, list[Pick]]
    ) -> dict[PartyId, list[tuple[int, Marks]]]:
        if not self._opened or not self._label_node:
            return {}
        shared = {label: node for node, label in enumerate(self._label_node)}
        for owner in self._opened:
            chosen = [(shared[pick.node], pick.candidate) for pick in picks.get(owner, ())]
            picked = Picked.of(np.array(chosen, dtype=np.int64).reshape(-1, 2))
            self._session.send(owner, Picks(picked))
        return {owner: self._sides(owner, level, picks[owner]) for owner in self._opened if picks.get(owner)}

    def _sides(self, owner: PartyId, level: Level, picks: list[Pick]) -> list[tuple[int, Marks]]:
        rows = [len(level.rows(pick.node)) for pick in picks]
        left = self._session.receive(owner, Sides).left.marks()
        if len(left) != sum(rows):
            raise WireRefused("Sides: not one mark for each row of the nodes picked", party=owner)
        first = self._splits[owner]
        self._splits[owner] += len(picks)
        parts = np.split(left, np.cumsum(rows)[:-1])
        return [(first + number, part) for number, part in enumerate(parts)]

    def told(self, split: Marks, left: Marks) -> None:
        """Share those splits whose children both have enough rows for something to be told in them."""
        if not self._label_node:
            return
        shared = split[self._label_node]
        children = self._shared.below(shared, left)
        enough = children.sizes.reshape(-1, 2).min(axis=1) >= max(self._least, 1)
        shared[shared] = enough
        places = np.cumsum(split) - 1  # Of each split node among the split ones, at this party.
        parents = [node for node, one in zip(self._label_node, shared, strict=True) if one]
        self._label_node = [int(2 * places[node] + side) for node in parents for side in (0, 1)]
        if not parents:
            return
        self._shared = self._shared.below(shared, left)
        followed = np.zeros(len(left), dtype=np.bool_)
        rows = self._shared.node >= 0
        followed[rows] = left[rows]
        self._session.send_all(self._opened, Division(NodeMarks.of(shared), RowMarks.of(followed)))
