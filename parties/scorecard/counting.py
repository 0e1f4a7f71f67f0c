"""Counting bads in bins of columns that lie apart from the outcomes.

L has the outcomes of n training rows, F (any party without them) the cells of its columns, each cell with
`binning.minimum_support` training rows at least. One pass, in two forms:

    0  F -> all    how many cells and columns it has; everyone checks them against the equation budget
    1  L -> F      Enc(1 + (2 n + 1) y) for each training row, once for all parties        (crypto.histogram)
    `disclose = "counts"`: F is told its own bins' counts and merges by itself
    2  F -> L      Enc(sum over each cell) + a uniform mask for each
    3  L -> F      the opened words, uniform to L; F takes its masks off
    `disclose = "woe"`: L merges, and F is never told a count of bads
    2  F -> L      the shapes of its columns, in an order drawn for the purpose; Enc(sum over each cell)
    3  L -> F      each cell's bin, each bin's WOE and each column's IV, to `binning.woe_decimals`

What each role learns:
    counts: F      rows and bads of each of its own cells, exactly; so the share of bads among all
            L      how many cells and columns F has
    woe:    F      which of its cells are alike, and WOE and IV to so many decimals
            L      rows and bads of each cell of F's nameless columns, and whether a column is of numbers or
                   of levels. Their order is drawn for this alone: nothing else that F sends has it
    aggregator     sizes of sealed envelopes
    nobody         anything about a single row
Rounding is no noise. One more bad in a bin changes its WOE by 1 / bads + 1 / goods, so two decimals still
tell the count to a party that knows the bin's rows where that is above 0.01: in bins of fewer than about
100 bads (or goods). What lessens it is fewer and larger bins.

Counts are linear equations about the outcomes: `federation.budget` says how many are allowed and what they
were measured to tell. Where one in 15 is bad, they order 4,200 firms better than the best model of F's own
columns: by 0.036 of AUC at one party and 0.055 at another, and rounded WOE by 0.03 to 0.05. The plan that
lowers it: `limits.equations_per_row = 0.0055` with `binning.minimum_support = 200`; then -0.001 and 0.013,
0.018 at the worst seed. F counts no columns together of which a combination would be few rows
(`parties.binning.leverage`). The sums carry their rows beside their bads, so that each side checks what it
opens: F that its cells have the rows it knows, L, where it merges, that no cell has too few. A party that
follows the protocol is assumed all the same.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from crypto.histogram import HistogramKey, HistogramScheme, Packing, histograms
from crypto.private import Private
from crypto.sealed import DisclosedNumbers, MaskedWords, WireRefused, Words64
from federation.budget import check_equations
from federation.credit import Binning
from federation.ids import PartyId
from federation.message import Role
from federation.messages.scorecard import (
    Binned,
    CellCounts,
    CellGroups,
    CellShapes,
    Grouped,
    OpenedCounts,
    Outcomes,
    Shapes,
)
from federation.plan import Plan
from federation.session import Session
from parties.binning.book import BinningTable, counted, grouped, told
from parties.binning.fine import FineColumn, Merging, count_equations
from parties.binning.woe import Counts, Floats, information_value, woe
from parties.dataset.rules import TRENDS

Cells = npt.NDArray[np.uint8]
T = TypeVar("T", bound=np.generic)


# -- at the label party ----------------------------------------------------------------------------


def give_counts(session: Session, plan: Plan, outcomes: Private[npt.NDArray[np.int8]]) -> None:
    """L's whole side, for the outcomes (n,) of the training rows: 1 is bad.

    Raises `PlanRefused` for a party that wants more counts than the plan allows, `WireRefused` for answers
    that do not fit what was announced.
    """
    bad = outcomes.open_locally().astype(np.int64)
    others = session.others(Role.HELPER, Role.FEATURE)
    announced = _announced(session, plan, len(bad), others)
    scheme = HistogramScheme()
    key, packing = scheme.generate(), _packing(scheme, len(bad))
    block = scheme.block_rows(len(bad), max(each.cells for each in announced.values()), 1)
    words = Private(packing.pack(np.ones_like(bad), bad))
    session.send_all(others, Outcomes(key.public, key.encrypt(words, [len(bad)], block)))
    for party in others:
        give = _return_words if plan.binning.disclose == "counts" else _return_groups
        give(session, party, plan, _Opening(key, packing, block, announced[party], bad))


@dataclass(frozen=True, slots=True, repr=False)
class _Opening:
    """What L opens one party's counts with, and what they must be."""

    key: HistogramKey
    packing: Packing
    block: int
    announced: Binned
    bad: Counts

    def open(self, session: Session, party: PartyId) -> Words64:
        """One word for each of the party's cells."""
        reply = session.receive(party, CellCounts).histogram
        opened = self.key.open(reply, nodes=1, histogram_rows=self.announced.cells, block=self.block)
        words: Words64 = opened.open_locally()[0]
        return words


def _return_words(session: Session, party: PartyId, plan: Plan, opening: _Opening) -> None:
    session.send(party, OpenedCounts(MaskedWords.of(opening.open(session, party))))


def _return_groups(session: Session, party: PartyId, plan: Plan, opening: _Opening) -> None:
    shapes = session.receive(party, Shapes).shapes.shapes()
    widths = shapes[:, 0] + shapes[:, 1]
    wrong = (shapes[:, 2] >= len(Merging)) | (shapes[:, 3] >= len(TRENDS)) | (widths < 1)
    if len(shapes) != opening.announced.columns or widths.sum() != opening.announced.cells or wrong.any():
        raise WireRefused("Shapes: not of the columns that were announced", party=party)
    rows, bads = opening.packing.unpack(opening.open(session, party))
    groups: list[Counts] = []
    values: list[float] = []
    ivs: list[float] = []
    for shape, of, bad in zip(shapes, *(_by_column(each, widths) for each in (rows, bads)), strict=True):
        if of.min() < plan.binning.minimum_support or (bad < 0).any() or (bad > of).any():
            raise WireRefused("CellCounts: a cell has fewer rows than the plan asks for", party=party)
        if of.sum() != len(opening.bad) or bad.sum() != opening.bad.sum():
            raise WireRefused("CellCounts: a column's cells do not hold each row once", party=party)
        found, merged, iv = _merged(shape, of - bad, bad, plan.binning)
        groups.append(found)
        values += merged.tolist()
        ivs.append(iv)
    session.send(
        party,
        Grouped(CellGroups.of(np.concatenate(groups)), DisclosedNumbers.of(values), DisclosedNumbers.of(ivs)),
    )


def _merged(shape: Counts, good: Counts, bad: Counts, plan: Binning) -> tuple[Counts, Floats, float]:
    """The bin of each cell, each bin's WOE and the column's IV, rounded.

    The IV is rounded down, so that a least IV of as many decimals leaves out what it would leave out exactly.
    """
    trend = TRENDS[shape[3]]
    groups = grouped(Merging(shape[2]), int(shape[0]), good, bad, plan.method, plan.bins, trend)
    goods, bads = (np.bincount(groups, weights=each).astype(np.int64) for each in (good, bad))
    values: Floats = np.round(woe(goods, bads), plan.woe_decimals) + 0.0  # No negative zero.
    steps = 10**plan.woe_decimals
    return groups, values, math.floor(information_value(goods, bads) * steps) / steps


# -- at a party without the label ------------------------------------------------------------------


def count_own(
    session: Session, plan: Plan, columns: Sequence[FineColumn], codes: Private[Cells]
) -> tuple[BinningTable, ...]:
    """F's whole side: the table of each of its columns. `codes`: the cells of the training rows, n x F.

    Raises `PlanRefused` where another party wants more counts than the plan allows, `WireRefused` for
    answers that cannot be counts of these cells.
    """
    rows, label = len(codes.open_locally()), session.seating.playing(Role.LABEL)
    session.send_all(session.others(), Binned(sum(column.cells for column in columns), len(columns)))
    _announced(session, plan, rows, session.others(Role.HELPER, Role.FEATURE))
    outcomes = session.receive(label, Outcomes)
    if outcomes.rows.node_sizes != (rows,):
        raise WireRefused("Outcomes: not one for each training row", party=label)
    ask = _ask_counts if plan.binning.disclose == "counts" else _ask_groups
    return ask(session, plan, columns, codes, outcomes)


def _ask_counts(
    session: Session, plan: Plan, columns: Sequence[FineColumn], codes: Private[Cells], outcomes: Outcomes
) -> tuple[BinningTable, ...]:
    scheme, label = HistogramScheme(), session.seating.playing(Role.LABEL)
    packing = _packing(scheme, outcomes.rows.rows)
    widths = [column.cells for column in columns]
    reply, masks = histograms(scheme, outcomes.rows, outcomes.key, codes, widths, mask=True)
    session.send(label, CellCounts(reply))
    opened = session.receive(label, OpenedCounts).words.words()
    if masks is None or len(opened) != sum(widths) or (opened >= scheme.modulus).any():
        raise WireRefused("OpenedCounts: not one residue for each cell", party=label)
    modulus = np.uint64(scheme.modulus)
    rows, bads = packing.unpack((opened + modulus - masks.open_locally()[0]) % modulus)
    found = _by_column(bads, widths)
    for column, of, bad in zip(columns, _by_column(rows, widths), found, strict=True):
        if of.tolist() != list(column.rows) or (bad < 0).any() or (bad > of).any():
            raise WireRefused("OpenedCounts: not the counts of these cells", party=label)
    return tuple(
        counted(column, bad, plan.binning.method, plan.binning.bins)
        for column, bad in zip(columns, found, strict=True)
    )


def _ask_groups(
    session: Session, plan: Plan, columns: Sequence[FineColumn], codes: Private[Cells], outcomes: Outcomes
) -> tuple[BinningTable, ...]:
    scheme, label = HistogramScheme(), session.seating.playing(Role.LABEL)
    order = list(range(len(columns)))
    secrets.SystemRandom().shuffle(order)
    drawn = [columns[at] for at in order]
    widths = [column.cells for column in drawn]
    session.send(label, Shapes(CellShapes.of(np.array([_shape(column) for column in drawn]))))
    shuffled = Private(codes.open_locally()[:, order])
    reply, _ = histograms(scheme, outcomes.rows, outcomes.key, shuffled, widths)
    session.send(label, CellCounts(reply))
    answer = session.receive(label, Grouped)
    groups = _by_column(_checked_groups(answer, widths, label), widths)
    bins = [int(each.max()) + 1 for each in groups]
    if len(answer.woe.values) != sum(bins) or len(answer.iv.values) != len(columns):
        raise WireRefused("Grouped: not a WOE for each bin and an IV for each column", party=label)
    values = _by_column(np.array(answer.woe.values), bins)
    tables = [
        told(column, each, value.tolist(), iv)
        for column, each, value, iv in zip(drawn, groups, values, answer.iv.values, strict=True)
    ]
    return tuple(tables[order.index(at)] for at in range(len(columns)))


def _checked_groups(answer: Grouped, widths: Sequence[int], label: PartyId) -> Counts:
    groups = answer.groups.groups()
    whole = len(groups) == sum(widths) and all(
        set(each.tolist()) == set(range(int(each.max()) + 1)) for each in _by_column(groups, widths)
    )
    if not whole:
        raise WireRefused("Grouped: not a bin for each cell", party=label)
    return groups


# -- at both ---------------------------------------------------------------------------------------


def _announced(session: Session, plan: Plan, rows: int, parties: Sequence[PartyId]) -> dict[PartyId, Binned]:
    """What each of `parties` wants counted. Every party checks every other, as with columns."""
    told = session.gather(parties, Binned)
    for party, message in told.items():
        if not 2 <= 2 * message.columns <= message.cells:
            raise WireRefused("Binned: not two cells a column", party=party)
        spent = count_equations(message.cells, message.columns)
        check_equations(party, spent, rows, plan.limits.equations_per_row)
    return told


def _packing(scheme: HistogramScheme, rows: int) -> Packing:
    return Packing(scheme.modulus, rows, rows)


def _shape(column: FineColumn) -> list[int]:
    return [column.ordinary, column.cells - column.ordinary, column.merging, TRENDS.index(column.trend)]


def _by_column(values: npt.NDArray[T], widths: Sequence[int] | Counts) -> list[npt.NDArray[T]]:
    return np.split(values, np.cumsum(widths)[:-1])
