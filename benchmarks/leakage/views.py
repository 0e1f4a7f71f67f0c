"""What each party holds in its hands in a scorecard and in boosted trees: the real protocols, in one process.

Sessions, messages and encryption are the product's own; only the network and the alignment are missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from benchmarks.errors import Mismeasured
from benchmarks.leakage.attacks import Cells, Floats, Labels, auc
from benchmarks.leakage.worlds import World
from crypto.histogram import HistogramScheme
from crypto.identity import Identity
from crypto.private import Private
from federation.credit import Binning
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.message import Message
from federation.messages.boosting import Division, NextTree, Picks, Sides
from federation.plan import Plan
from federation.rehearsal import Part, rehearse, seat_everyone
from federation.session import Session
from parties.binning.fine import fine_columns, within_budget
from parties.boosting.bins import Bins
from parties.boosting.candidates import Candidates
from parties.boosting.feature import FeatureSide
from parties.boosting.growing import CandidateSums, Derivatives, Marks, left_sums
from parties.boosting.label import RemoteColumns
from parties.boosting.level import Level
from parties.boosting.training import Trained, train
from parties.boosting.trees import total
from parties.features import read_label
from parties.keys import KeyReport
from parties.logistic.training import Stopping, with_intercept
from parties.logistic.training import train as train_logistic
from parties.round.rows import OwnTable, draw
from parties.round.vertical import gradient_side
from parties.scorecard.matrix import Design, prepare

M = TypeVar("M", bound=Message)

_PATIENCE = 1800.0
#: Of the candidates told at the root, so many must be told everywhere on a level for it to count.
_MOST = 0.6


class Overheard(Session):
    """A session that keeps every message which its seat is sent or sends, in order."""

    messages: list[Message]

    def __init__(self, session: Session) -> None:
        super().__init__(**{each.name: getattr(session, each.name) for each in fields(session)})
        self.messages = []

    def send(self, to: PartyId, message: Message) -> None:
        self.messages.append(message)
        super().send(to, message)

    def receive(self, sender: PartyId, *kinds: type[M], patience: float | None = None) -> M:
        message = super().receive(sender, *kinds, patience=patience)
        self.messages.append(message)
        return message


# -- boosted trees -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class OtherView:
    """Of a party without outcomes, over the n training rows: its own bins (n x F), and for each tree the
    finest cells into which what it was told and what it said divide the rows (n x trees)."""

    bins: Cells
    cells: Cells


@dataclass(frozen=True, slots=True, repr=False)
class LabelView:
    """At the label party of one tree, of one other party: for each candidate that is told in every node of
    its level, what it was opened there (C x values); and, which it does not know, the candidate's column."""

    sums: Floats
    column: Cells


@dataclass(frozen=True, slots=True, repr=False)
class TreeViews:
    """Outcomes of the training rows, what parties see, and the model's AUC on the test rows: its worth."""

    labels: Labels
    auc_test: float
    others: dict[PartyId, OtherView]
    opened: dict[PartyId, list[LabelView]]


def view_of_trees(messages: Sequence[Message], rows: int) -> Cells:
    """The finest cells of the rows in each tree (n x trees), from what a party was told and said."""
    trees: list[npt.NDArray[np.int64]] = []
    level = Level.root(np.ones(rows, dtype=np.bool_))
    picked: list[int] = []
    for message in messages:
        if isinstance(message, NextTree) and message.rows is not None:
            level = Level.root(message.rows.marks())
            trees.append(np.zeros(rows, dtype=np.int64))
        elif isinstance(message, Picks):
            picked = message.picked.picks(level.nodes, 1 << 32)[:, 0].tolist()
        elif isinstance(message, Sides):
            within = np.concatenate([level.rows(node) for node in picked])
            trees[-1][within] = 2 * trees[-1][within] + 1 + message.left.marks()
            trees[-1] = _numbered(trees[-1])
        elif isinstance(message, Division):
            level = level.below(message.split.marks(), message.left.marks())
            trees[-1] = _numbered(trees[-1] * (level.nodes + 1) + level.node + 1)
    return np.stack(trees, axis=1) if trees else np.zeros((rows, 0), dtype=np.int64)


def _numbered(cells: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.unique(cells, return_inverse=True)[1].astype(np.int64)


class _Noting(RemoteColumns):
    """The label party's side, keeping what it opens: by tree, the level, its derivatives and the sums."""

    def __init__(self, session: Session, scheme: HistogramScheme, minimum_support: int) -> None:
        super().__init__(session, scheme, minimum_support)
        self.noted: list[list[tuple[Level, Sequence[CandidateSums]]]] = []
        self.derived: list[Derivatives] = []

    def begin(self, root: Level, derivatives: Derivatives) -> None:
        super().begin(root, derivatives)
        self.noted.append([])
        self.derived.append(derivatives)

    def sums(self, level: Level) -> Sequence[CandidateSums]:
        found = super().sums(level)
        self.noted[-1].append((level, found))
        return found


@dataclass(frozen=True, slots=True, repr=False)
class _Binned:
    codes: list[npt.NDArray[Any]]  # of the training rows
    test: list[npt.NDArray[Any]]  # of the others
    offered: Candidates

    def sides(self, splits: Sequence[tuple[int, Marks]]) -> Marks:
        """Test rows x splits: which go left."""
        if not splits:
            return np.zeros((len(self.test[0]), 0), dtype=np.bool_)
        return np.stack([table[self.test[column]] for column, table in splits], axis=1)


def boosted(world: World, plan: Plan) -> TreeViews:
    """Grow the plan's trees over the world's training rows; every party's view."""
    training = draw(Private(world.frames[world.label]), world.datasets[world.label], plan.split)
    outcomes = read_label(world.frames[world.label], world.datasets[world.label])
    labels = outcomes[training]
    binned = {party: _binned(world, party, training, plan) for party in world.datasets}
    settings, rows = plan.boosting, int(training.sum())
    scheme = HistogramScheme(settings.prefer)

    def at_label(session: Session) -> tuple[Trained, _Noting]:
        remote = _Noting(session, scheme, settings.minimum_support)
        own = binned[session.me]
        seed = plan.split.seed
        trained = train(session.me, own.offered, own.codes, labels, settings, seed, remote, scheme.modulus)
        return trained, remote

    def elsewhere(session: Session) -> tuple[FeatureSide, list[Message]]:
        own, overheard = binned[session.me], Overheard(session)
        side = FeatureSide(
            overheard,
            scheme,
            own.offered,
            own.codes,
            rows,
            minimum_support=settings.minimum_support,
            max_depth=settings.max_depth,
            column_share=settings.column_share,
        )
        side.train()
        return side, overheard.messages

    found = played(world, plan, {world.label: at_label, **dict.fromkeys(world.others, elsewhere)})
    trained, noted = found[world.label]
    splits = {party: found[party][0].splits for party in world.others} | {world.label: trained.splits}
    sides = {party: binned[party].sides(of) for party, of in splits.items()}
    logits = total(trained.base, trained.trees, int((~training).sum()), sides)
    others = {
        party: OtherView(
            np.stack(binned[party].codes, axis=1).astype(np.int64), view_of_trees(found[party][1], rows)
        )
        for party in world.others
    }
    opened = {party: _opened(noted, party, binned[party]) for party in world.others}
    return TreeViews(labels, auc(outcomes[~training], logits), others, opened)


def _binned(world: World, party: PartyId, training: Marks, plan: Plan) -> _Binned:
    frame, dataset = world.frames[party], world.datasets[party]
    support = 0 if party == world.label else plan.boosting.minimum_support
    bins = Bins.fit(frame, training, dataset, plan.boosting.max_bin, support)
    codes = bins.codes(frame, dataset.place)
    test = [each[~training] for each in codes]
    return _Binned([each[training] for each in codes], test, bins.candidates(codes, training))


def _opened(noted: _Noting, party: PartyId, own: _Binned) -> list[LabelView]:
    """What the label party opened of one party, by tree, with each candidate's column as it truly is.

    From the root down to the last level at which most of the root's candidates are told in every node.
    """
    found = []
    for derivatives, levels in zip(noted.derived, noted.noted, strict=True):
        told: list[Floats] = []
        true: list[Floats] = []
        everywhere = np.zeros(0, dtype=np.bool_)
        for level, sums in levels:
            mine = next((each for each in sums if each.owner == party), None)
            shared = np.zeros(0, dtype=np.bool_) if mine is None else mine.told.any(axis=1)
            if mine is None or not shared.any():
                break
            here = np.asarray(mine.told[shared].all(axis=0) & (everywhere if told else True))
            if told and here.sum() < _MOST * everywhere.sum():
                break
            everywhere = here
            rows = np.flatnonzero(level.drawn & (level.node >= 0))
            parts = [values[rows] for values in (derivatives.first, derivatives.second)]
            exact = left_sums(own.offered, own.codes, level.node[rows], level.nodes, rows, parts)
            told += [mine.first[shared], mine.second[shared]]
            true += [each[shared] for each in exact]
        if told:
            found.append(_linkable(np.vstack(told).T[everywhere], np.vstack(true).T, own.offered.column))
    return found


def _linkable(told: Floats, true: Floats, column: Cells) -> LabelView:
    """The told candidates found again among the true ones, whose sums are the same to the last unit."""
    places = {row.tobytes(): place for place, row in enumerate(np.ascontiguousarray(true))}
    try:
        which = [places[row.tobytes()] for row in np.ascontiguousarray(told)]
    except KeyError:
        raise Mismeasured("an opened sum is none of the party's candidates") from None
    return LabelView(told, column[which])


# -- scorecards ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class ScorecardView:
    """Of a party without outcomes, over the n training rows.

    own (n x F): its columns as finely as `Binning` cuts them, whatever the plan says: what it has without the
    protocol. cells (n x F): what the plan makes of them; counts[f]: bads and goods in each, where the plan
    discloses counts.
    bins (n x F): the bins into which they were merged; values[f]: WOE of each, as it was told.
    woe (n x d): its WOE, of the columns that train. whitened (n x d): what the gradients are over;
    gradients, thetas (T x d): each gradient of its block, and its coefficients at it.
    """

    own: Cells
    cells: Cells
    counts: list[Floats] | None
    bins: Cells
    values: list[Floats]
    woe: Floats
    whitened: Floats
    gradients: Floats
    thetas: Floats


@dataclass
class _Gradients:
    thetas: list[Floats] = field(default_factory=list)
    gradients: list[Floats] = field(default_factory=list)


def scored(world: World, plan: Plan) -> tuple[Labels, dict[PartyId, ScorecardView]]:
    """Train the plan's scorecard: outcomes of the training rows, and every other party's view."""

    def play(session: Session) -> tuple[Design, Floats, _Gradients]:
        party = session.me
        frame, dataset = world.frames[party], world.datasets[party]
        everyone = np.arange(len(frame))
        table = OwnTable(Private(frame), Private(()), Private(everyone), KeyReport(len(frame), 0, 0, 0))
        design = prepare(session, plan, dataset, table, Private(everyone))
        own = design.rows
        whitened = design.whitening.apply(design.woe.open_locally())
        penalty, start = design.whitening.penalty(plan.model.l2), np.zeros(whitened.shape[1])
        labels = None if own.labels is None else own.labels.open_locally()[own.training]
        if labels is not None:
            whitened, penalty, start = with_intercept(whitened, penalty, float(labels.mean()))
        sealed = None if labels is None else Private(labels)
        side = gradient_side(session, whitened, sealed, design.widths)
        noted, gradient = _Gradients(), side.gradient

        def noting(theta: Floats) -> Private[Floats]:
            found = gradient(theta)
            noted.thetas.append(theta.copy())
            noted.gradients.append(found.open_locally())
            return found

        side.gradient = noting  # type: ignore[method-assign]
        train_logistic(side, penalty, start, Stopping(plan.model.tolerance, plan.model.max_iterations))
        return design, side.rounded.open_locally(), noted

    found = played(world, plan, dict.fromkeys(world.datasets, play))
    rows = found[world.label][0].rows
    labels: Labels = rows.labels.open_locally()[rows.training]
    return labels, {
        party: _scorecard_view(world, party, plan, labels, *found[party]) for party in world.others
    }


def _scorecard_view(
    world: World,
    party: PartyId,
    plan: Plan,
    labels: Labels,
    design: Design,
    rounded: Floats,
    noted: _Gradients,
) -> ScorecardView:
    frame, dataset, training = world.frames[party], world.datasets[party], design.rows.training
    fine, limit = fine_columns(frame, training, dataset, plan.binning, []), plan.limits.equations_per_row
    columns = within_budget(fine, frame, training, dataset, plan.binning, limit, [])
    own, cells = (
        np.stack(
            [each.codes(frame[each.cuts.column], dataset.place)[training].astype(np.int64) for each in those],
            axis=1,
        )
        for those in (fine_columns(frame, training, dataset, Binning(), []), columns)
    )
    counts = None
    if plan.binning.disclose == "counts":
        counts = [
            np.stack([np.bincount(of[labels == bad], minlength=each.cells) for bad in (1, 0)], axis=1).astype(
                np.float64
            )
            for each, of in zip(columns, cells.T, strict=True)
        ]
    tables = (*design.rows.book.tables, *design.left_out.tables)
    bins = np.stack([each.codes(frame[each.column], dataset.place)[training] for each in tables], axis=1)
    return ScorecardView(
        own,
        cells,
        counts,
        bins.astype(np.int64),
        [np.array(each.woe) for each in tables],
        design.woe.open_locally(),
        rounded,
        np.stack(noted.gradients),
        np.stack(noted.thetas),
    )


def played(world: World, plan: Plan, parts: dict[PartyId, Callable[[Session], Any]]) -> dict[PartyId, Any]:
    roles = world.roles(plan)
    identities = {seat: Identity.generate() for seat in roles}
    seating = seat_everyone(roles, identities, run=RunId("leakage"), patience=_PATIENCE)
    seats: dict[PartyId, Part[Any]] = {**parts, AGGREGATOR: lambda session: None}
    return rehearse(seating, identities, seats).results
