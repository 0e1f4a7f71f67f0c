"""A hidden logistic regression as the product plays it, and what each party has in its hands afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.attacks.drawn import repeatable
from benchmarks.leakage.attacks import Cells, Floats, Labels
from benchmarks.leakage.views import played
from benchmarks.leakage.worlds import World
from crypto.private import Private
from crypto.sealed import Words64
from federation.credit import Binning
from federation.ids import PartyId
from federation.plan import Plan
from federation.session import Session
from parties.binning.fine import fine_columns
from parties.keys import KeyReport
from parties.logistic.hidden import HelperGradient
from parties.logistic.training import Stopping, train, with_intercept
from parties.round.matrix import OwnMatrix, prepare
from parties.round.rows import OwnTable
from parties.round.vertical import gradient_side, open_logits

Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, repr=False)
class GradientView:
    """Of a party without outcomes: own (n x F), its columns in bins, all that it has without the protocol.

    columns (n x d): what its gradients are over; gradients, thetas (T x d): each, and its coefficients at it.
    opened: at the helper, what it opened of every training row (n,), modulo `modulus`, in each iteration.
    """

    own: Cells
    columns: Floats
    gradients: Floats
    thetas: Floats
    opened: list[Words64]
    modulus: int


@dataclass(frozen=True, slots=True, repr=False)
class VerticalRun:
    """What was played. Attackers have the views; the rest is what they are measured by.

    training marks the n training rows among all; labels are of all rows. encoded (all x d), weights (d,): of
    each party. scores: whole logits of the rows that are not training ones, as the label party was told them.
    """

    labels: Labels
    training: Marks
    views: Mapping[PartyId, GradientView]
    encoded: Mapping[PartyId, Floats]
    weights: Mapping[PartyId, Floats]
    intercept: float
    scores: Floats
    label: PartyId


@dataclass
class _Noted:
    matrix: OwnMatrix
    columns: Floats
    weights: Floats
    intercept: float
    scores: Floats | None
    modulus: int
    thetas: list[Floats] = field(default_factory=list)
    gradients: list[Floats] = field(default_factory=list)
    opened: list[Words64] = field(default_factory=list)


def play(world: World, seed: int, iterations: int) -> VerticalRun:
    """Train the plan with which half of the rows train and the other half are opened to the label party."""
    plan = world.plan(
        split={"test_share": 0.5, "seed": seed}, model={"kind": "logistic", "max_iterations": iterations}
    )

    def part(session: Session) -> _Noted:
        return _part(session, world, plan)

    with repeatable(seed), threadpool_limits(limits=1):
        found: dict[PartyId, _Noted] = played(world, plan, dict.fromkeys(world.datasets, part))
    at_label, scores = found[world.label].matrix, found[world.label].scores
    if at_label.labels is None or scores is None:
        raise ValueError("the label party has the outcomes, and the scores")
    return VerticalRun(
        at_label.labels.open_locally(),
        at_label.training,
        {party: _view(world, party, found[party]) for party in world.others},
        {party: found[party].matrix.encoded.open_locally() for party in world.datasets},
        {party: found[party].weights for party in world.datasets},
        found[world.label].intercept,
        scores,
        world.label,
    )


def _part(session: Session, world: World, plan: Plan) -> _Noted:
    """One party's side, as `parties.round.vertical` plays it, keeping what comes into its hands."""
    frame, dataset = world.frames[session.me], world.datasets[session.me]
    everyone = np.arange(len(frame))
    table = OwnTable(Private(frame), Private(()), Private(everyone), KeyReport(len(frame), 0, 0, 0))
    matrix = prepare(session, plan, dataset, table, Private(everyone))
    encoded, training = matrix.encoded.open_locally(), matrix.training
    columns, penalty = matrix.whitening.apply(encoded[training]), matrix.whitening.penalty(plan.model.l2)
    labels, start = None, np.zeros(columns.shape[1])
    if matrix.labels is not None:
        labels = Private(matrix.labels.open_locally()[training])
        columns, penalty, start = with_intercept(columns, penalty, float(labels.open_locally().mean()))
    side = gradient_side(session, columns, labels, matrix.widths)
    noted = _Noted(matrix, side.rounded.open_locally(), np.zeros(0), 0.0, None, side.scheme.modulus)
    gradient = side.gradient

    def noting(theta: Floats) -> Private[Floats]:
        found = gradient(theta)
        noted.thetas.append(theta.copy())
        noted.gradients.append(found.open_locally())
        return found

    side.gradient = noting  # type: ignore[method-assign]
    if isinstance(side, HelperGradient):
        _note_opened(side, noted)
    trained = train(side, penalty, start, Stopping(plan.model.tolerance, plan.model.max_iterations))
    block = trained.theta if labels is None else trained.theta[1:]
    noted.weights = matrix.whitening.unwhiten(block)
    noted.intercept = 0.0 if labels is None else float(trained.theta[0])
    logits = encoded[~training] @ noted.weights + noted.intercept
    told = open_logits(session, Private(logits), "test")
    noted.scores = None if told is None else told.open_locally()
    return noted


def _note_opened(side: HelperGradient, noted: _Noted) -> None:
    """Keep what the helper opens: the residual of every row, with a share that is uniform."""
    residual = side._residual

    def noting(length: int) -> Words64:
        found = residual(length)
        noted.opened.append(side.packing.added(found, side.scheme.modulus))
        return found

    side._residual = noting  # type: ignore[method-assign]


def _view(world: World, party: PartyId, noted: _Noted) -> GradientView:
    return GradientView(
        own_bins(world, party, noted.matrix.training),
        noted.columns,
        np.stack(noted.gradients),
        np.stack(noted.thetas),
        noted.opened,
        noted.modulus,
    )


def own_bins(world: World, party: PartyId, training: Marks) -> Cells:
    """A party's columns as finely as it would cut them itself (n x F)."""
    frame, dataset = world.frames[party], world.datasets[party]
    cut = fine_columns(frame, training, dataset, Binning(), [])
    codes: list[Any] = [
        each.codes(frame[each.cuts.column], dataset.place)[training].astype(np.int64) for each in cut
    ]
    return np.stack(codes, axis=1)
