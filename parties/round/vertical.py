"""The vertical shape at a party: one model over different columns of the same firms.

charge -> open the session -> align -> split -> encode own columns -> train -> open planned scores
       -> evaluate (label party) -> keep own part -> receipt
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from crypto.bfv import Scheme
from crypto.private import Private
from federation.ids import PartyId
from federation.message import Role
from federation.messages.round import Step
from federation.session import Session
from parties.features import Whitening
from parties.leakage import before_training
from parties.logistic.hidden import FeatureGradient, HelperGradient, HiddenGradient, LabelGradient
from parties.logistic.scoring import receive_scores, send_logits
from parties.logistic.training import Stopping, Trained, train, with_intercept
from parties.privacy.events import charge
from parties.privacy.ledger import Ledger
from parties.round.evaluation import LabelledRows, evaluate_round
from parties.round.folds import Refit, check_folds, cross_validate, keep_folds
from parties.round.matrix import OwnMatrix, prepare
from parties.round.model import ModelPart, save_rows
from parties.round.rows import OwnTable, aligned, opened_rows, read_own
from parties.round.work import Work

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


def run(work: Work) -> None:
    """This party's whole side of a vertical round."""
    dataset = work.accepted.dataset
    table = read_own(dataset, work.canaries)
    charge_without_noise(work, table)
    session = work.open()
    with work.workers() as pool, work.doing(Step.ALIGN):
        rows = aligned(session, table, work.plan.alignment.minimum_intersection, pool)
    with work.doing(Step.PREPARE):
        matrix = prepare(session, work.plan, dataset, table, rows)
        leaks = before_training(work.folder, session.role, dataset, matrix.frame, matrix.training)
        check_folds(session, work.plan, matrix)
    with work.doing(Step.TRAIN):
        trained = _train(work, matrix)
        if (found := cross_validate(session, work.plan, dataset, matrix, _refit(work, matrix))) is not None:
            keep_folds(work.folder, found)
    part = _part(work, matrix, trained)
    with work.doing(Step.SCORE):
        scores = _open_scores(work, matrix, part)
    part.save(work.folder)
    save_rows(work.folder / "rows.npz", rows, matrix.training)
    with work.doing(Step.EVALUATE):
        if scores is not None:
            evaluate_round(dataset, work.plan, work.folder, rows, matrix, scores)
    work.finish(
        table_sha256=table.digest,
        table_rows=table.report.rows,
        rows=len(matrix.training),
        training_rows=matrix.training_rows,
        columns=matrix.widths[work.me],
        iterations=trained.iterations,
        encoded_columns=len(matrix.features.names),
        notes=[*matrix.features.notes, *leaks],
    )


def charge_without_noise(work: Work, table: OwnTable) -> None:
    """Write the run into the data set's privacy ledger before anything leaves; a budget may refuse it.

    A vertical run adds no noise, so it is charged without a bound, and a data set with a budget refuses it.
    """
    order, dataset = work.accepted.order, work.accepted.dataset
    Ledger.of(work.home, dataset, table.ids, table.digest).reserve(
        charge(order.plan, order.run, dataset.name, ())
    )


def _train(work: Work, matrix: OwnMatrix) -> Trained:
    own = Private(matrix.encoded.open_locally()[matrix.training])
    return fit(work, own, matrix.whitening, training_labels(matrix), matrix.widths)


def _refit(work: Work, matrix: OwnMatrix) -> Refit:
    """The same fit on other rows, and the joint logits of those it has not seen."""

    def refit(view: Session, learn: Marks, left_out: Marks) -> Private[Floats] | None:
        encoded = matrix.encoded.open_locally()
        labels = None if matrix.labels is None else Private(matrix.labels.open_locally()[learn])
        trained = fit(work, Private(encoded[learn]), matrix.whitening, labels, matrix.widths, view)
        part = _part(work, matrix, trained)
        return open_logits(view, part.logits(Private(encoded[left_out])), "left out")

    return refit


def fit(
    work: Work,
    own: Private[Floats],
    whitening: Whitening,
    labels: Private[npt.NDArray[np.int8]] | None,
    widths: Mapping[PartyId, int],
    session: Session | None = None,
) -> Trained:
    """The hidden logistic regression on the training rows: this party's columns (n x d), whitened here, and
    at the label party the outcomes. At the label party the first coefficient is the intercept. `session`: a
    view of the work's own, for a fit beside the first."""
    return fit_with_side(work, own, whitening, labels, widths, session)[1]


def fit_with_side(
    work: Work,
    own: Private[Floats],
    whitening: Whitening,
    labels: Private[npt.NDArray[np.int8]] | None,
    widths: Mapping[PartyId, int],
    session: Session | None = None,
) -> tuple[HiddenGradient, Trained]:
    """As `fit`, with the side of the gradient, which can take further ones about the optimum."""
    model = work.plan.model
    whitened, penalty = whitening.apply(own.open_locally()), whitening.penalty(model.l2)
    start = np.zeros(whitened.shape[1])
    if labels is not None:
        whitened, penalty, start = with_intercept(whitened, penalty, float(labels.open_locally().mean()))
    side = gradient_side(session or work.session, whitened, labels, widths)
    stopping = Stopping(model.tolerance, model.max_iterations)
    return side, train(side, penalty, start, stopping, lambda iteration: work.at(Step.TRAIN, iteration))


def training_labels(matrix: LabelledRows) -> Private[npt.NDArray[np.int8]] | None:
    """The outcomes of the training rows, at the label party."""
    return None if matrix.labels is None else Private(matrix.labels.open_locally()[matrix.training])


def gradient_side(
    session: Session,
    whitened: Floats,
    labels: Private[npt.NDArray[np.int8]] | None,
    widths: Mapping[PartyId, int],
) -> HiddenGradient:
    """This seat's side of the gradient over its whitened training rows (n x d), and at the label party their
    outcomes."""
    if labels is not None:
        return LabelGradient(session, Private(whitened), labels, Scheme(), widths)
    side = HelperGradient if session.role is Role.HELPER else FeatureGradient
    return side(session, Private(whitened), Scheme(), widths)


def _part(work: Work, matrix: OwnMatrix, trained: Trained) -> ModelPart:
    """From whitened coefficients to one weight for each encoded column."""
    at_label = matrix.labels is not None
    block = trained.theta[1:] if at_label else trained.theta
    return ModelPart(
        run=work.accepted.order.run,
        party=work.me,
        plan_digest=work.plan.digest.hex(),
        features=matrix.features,
        weights=tuple(float(w) for w in matrix.whitening.unwhiten(block)),
        intercept=float(trained.theta[0]) if at_label else None,
        iterations=trained.iterations,
        converged=trained.converged,
    )


def _open_scores(work: Work, matrix: OwnMatrix, part: ModelPart) -> Private[Floats] | None:
    opened = opened_rows(work.plan, matrix.training)
    own = part.logits(Private(matrix.encoded.open_locally()[opened]))
    return open_logits(work.session, own, work.plan.scores.open)


def open_logits(session: Session, own: Private[Floats], label: str) -> Private[Floats] | None:
    """At the label party the whole logit of each opened row, from all parts; None elsewhere, and when no row
    is opened. `label` names the opening, once in a session."""
    if not len(own.open_locally()):
        return None
    if session.role is Role.LABEL:
        return receive_scores(session, own)
    send_logits(session, own, label)
    return None
