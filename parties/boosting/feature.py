"""Vertical boosting at a party without the label; `parties.boosting.label` tells the protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from crypto.histogram import BinSets, HistogramPublicKey, HistogramScheme, histograms
from crypto.pool import Pool
from crypto.private import Private
from crypto.sealed import RowMarks, WireRefused
from federation.message import Role
from federation.messages.boosting import (
    BoostingKey,
    CandidateMarks,
    Division,
    LeftSums,
    LevelRows,
    NextTree,
    Offer,
    Picks,
    Sides,
)
from federation.session import Session
from parties.binning.cuts import Codes
from parties.boosting.candidates import Candidates
from parties.boosting.drawing import drawn_candidates, secret_order
from parties.boosting.growing import Marks
from parties.boosting.level import Level
from parties.boosting.support import Counts, Support

Numbers = npt.NDArray[np.int64]


class FeatureSide:
    """A party's side of the trees over its n training rows.

    `splits` collects (column, bins that go left) of every split that was picked, in the order of its number.
    """

    def __init__(
        self,
        session: Session,
        scheme: HistogramScheme,
        offered: Candidates,
        codes: Sequence[Codes],
        rows: int,
        *,
        minimum_support: int,
        max_depth: int,
        column_share: float = 1.0,
        pool: Pool | None = None,
    ) -> None:
        self._session, self._scheme, self._pool = session, scheme, pool
        self._offered, self._codes, self._rows = offered, codes, rows
        self._least, self._depth = minimum_support, max_depth
        self._share = column_share
        self._label = session.seating.playing(Role.LABEL)
        self._key = session.receive(self._label, BoostingKey).key
        self.splits: list[tuple[int, Marks]] = []

    def train(self, listener: Callable[[int], None] = lambda tree: None) -> int:
        """Take part in every tree; how many the model has. Splits of later ones are dropped."""
        message, last = self._session.receive(self._label, NextTree), 0
        splits_by = {0: 0}
        while message.rows is not None:
            if message.number <= last:
                raise WireRefused("NextTree: not a later tree", party=self._label)
            listener(last := message.number)
            message = _Tree(self, _of_rows(message.rows, self._rows, self._label)).grow()
            splits_by[last] = len(self.splits)
        kept = [tree for tree in splits_by if tree <= message.number]
        del self.splits[splits_by[max(kept, default=0)] :]
        return message.number


class _Tree:
    """One tree as this party sees it."""

    def __init__(self, side: FeatureSide, drawn: Marks) -> None:
        self._side = side
        self._level = Level.root(drawn)
        own = drawn_candidates(side._offered, side._share, secret_order)
        self._order = secret_order(len(own))
        self._own = side._offered.take(own)  # In the columns' order; as told: own[order].
        self._support = Support(self._own, side._least)

    def grow(self) -> NextTree:
        """Level by level, until the label party tells of the next tree; that message."""
        side, session = self._side, self._side._session
        session.send(side._label, Offer(CandidateMarks.of(self._own.ordered[self._order])))
        for depth in range(side._depth if len(self._own) else 0):
            counts = self._counts()
            told = self._answer(session.receive(side._label, LevelRows), side._key, counts)
            self._divide(session.receive(side._label, Picks), counts, told)
            if depth + 1 == side._depth:
                break
            message: Division | NextTree = session.receive(side._label, Division, NextTree)  # type: ignore[assignment]
            if isinstance(message, NextTree):
                return message
            self._follow(message)
        return session.receive(side._label, NextTree)

    def _counts(self) -> Counts:
        """Drawn rows in each node, column that has candidates, and bin."""
        level, width = self._level, self._own.tables.shape[1]
        rows = np.flatnonzero(level.drawn & (level.node >= 0))
        node = level.node[rows].astype(np.int64) * width
        found = [
            np.bincount(node + self._side._codes[column][rows], minlength=level.nodes * width)
            for column in self._support.columns
        ]
        return np.stack(found, axis=1).reshape(level.nodes, width, -1).transpose(0, 2, 1)

    def _answer(self, message: LevelRows, key: HistogramPublicKey, counts: Counts) -> Marks:
        """Tell the sums of this level; which candidates are told in which node (k x C), in their order."""
        side = self._side
        rows, sizes = self._level.grouped()
        if tuple(sizes.tolist()) != message.rows.node_sizes:
            raise WireRefused("EncryptedRows: not the rows of this level's nodes", party=side._label)
        told = self._support.told(self._level, counts)[:, self._order]
        sets = self._sets(told[list(self._level.computed)])
        bins = Private(np.stack([side._codes[column][rows] for column in self._support.columns], axis=1))
        sums, _ = histograms(side._scheme, message.rows, key, bins, sets, pool=side._pool)
        side._session.send(side._label, LeftSums(CandidateMarks.of(told.ravel()), sums))
        return told

    def _sets(self, told: Marks) -> BinSets:
        """For each computed node the told candidates, in their order, then empty sets."""
        most = max(int(told.sum(axis=1).max()), 1)
        column = np.zeros((len(told), most), dtype=np.int64)
        tables = np.zeros((len(told), most, self._own.tables.shape[1]), dtype=np.bool_)
        for node, marks in enumerate(told):
            which = self._order[marks]
            column[node, : len(which)] = np.searchsorted(self._support.columns, self._own.column[which])
            tables[node, : len(which)] = self._own.tables[which]
        return BinSets(column, tables)

    def _divide(self, message: Picks, counts: Counts, told: Marks) -> None:
        side, level = self._side, self._level
        picks = message.picked.picks(level.nodes, len(self._own))
        if not told[picks[:, 0], picks[:, 1]].all():  # Its sides would set apart what its sums must not.
            raise WireRefused("Picks: a candidate that was not told in its node", party=side._label)
        parts = []
        for node, candidate in picks.tolist():
            which = self._plainest(int(self._order[candidate]), counts[node])
            parts.append(self._own.left(which, side._codes, level.rows(node)))
            side.splits.append((int(self._own.column[which]), self._own.tables[which]))
        if parts:
            side._session.send(side._label, Sides(RowMarks.of(np.concatenate(parts))))

    def _plainest(self, candidate: int, counts: Counts) -> int:
        """The first of the column's candidates that divides the node's drawn rows as this one does: the same
        model whatever the order was."""
        column = self._own.column[candidate]
        which = self._own.of_column(int(column))
        present = counts[np.searchsorted(self._support.columns, column)] > 0
        alike = (self._own.tables[which][:, present] == self._own.tables[candidate][present]).all(axis=1)
        return int(which[alike][0])

    def _follow(self, message: Division) -> None:
        label = self._side._label
        split = _of_rows(message.split, self._level.nodes, label)
        left = _of_rows(message.left, self._side._rows, label)
        if not split.any():
            raise WireRefused("Division: of no node", party=label)
        self._level = self._level.below(split, left)


def _of_rows(marks: RowMarks, rows: int, label: str) -> Marks:
    if marks.rows != rows:
        raise WireRefused(f"{type(marks).__name__}: {marks.rows} instead of {rows}", party=label)
    return marks.marks()
