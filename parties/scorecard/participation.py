"""A vertical round of a scorecard at a party.

charge -> open the session -> align -> split -> bin own columns, count outcomes in the bins
       -> leave out columns (`matrix`) -> fit, and where planned test, choose and fit again (`choosing`)
       -> points -> open planned scores, explain the declined -> evaluate (label party) -> keep own part
       -> receipt
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto.private import Private
from federation import files
from federation.messages.round import Step
from federation.plan import Plan
from parties.export.sharing import give_points, take_points
from parties.leakage import before_training, check_counts
from parties.round.evaluation import alone, judge, keep_scores
from parties.round.model import save_rows
from parties.round.rows import aligned, opened_rows, read_own
from parties.round.vertical import charge_without_noise
from parties.round.work import Work
from parties.scorecard.choosing import Fitted, fit_and_choose
from parties.scorecard.cutoff import at_cutoff, cutoff_table
from parties.scorecard.exporting import characteristics
from parties.scorecard.matrix import Design, ScorecardRows, prepare
from parties.scorecard.model import ScorecardPart
from parties.scorecard.opening import receive_points, send_points
from parties.scorecard.points import Floats, Scale, Units
from parties.scorecard.reasons import Explained, reason_texts
from parties.scorecard.scale import MasterScale, bands, calibrated
from parties.scorecard.swap import swap_set

#: What the label party keeps beside its part, about the opened test rows.
FIGURES, EXPLAINED = "scorecard.json", "reasons.npz"
#: The shares of approvals at which the swap set is looked at.
_APPROVALS = (0.5, 0.7, 0.8, 0.9)


def run(work: Work) -> None:
    """This party's whole side of the round."""
    dataset = work.accepted.dataset
    table = read_own(dataset, work.canaries)
    charge_without_noise(work, table)
    session = work.open()
    with work.workers() as pool, work.doing(Step.ALIGN):
        rows = aligned(session, table, work.plan.alignment.minimum_intersection, pool)
    with work.doing(Step.PREPARE):
        design = prepare(session, work.plan, dataset, table, rows)
        own = design.rows
        leaks = before_training(work.folder, session.role, dataset, own.frame, own.training)
    with work.doing(Step.TRAIN):
        fitted = fit_and_choose(work, design)
    design, own, trained = fitted.design, fitted.design.rows, fitted.trained
    part = _part(work, fitted)
    with work.doing(Step.SCORE):
        shared = _shared(work, part)
        units = _open_scores(work, own, part, rows)
    part.save(work.folder, shared)
    save_rows(work.folder / "rows.npz", rows, own.training)
    with work.doing(Step.EVALUATE):
        if units is not None:
            _evaluate(work, design, part, rows, units)
    work.finish(
        table_sha256=table.digest,
        table_rows=table.report.rows,
        rows=len(own.training),
        training_rows=int(own.training.sum()),
        columns=design.widths[work.me],
        iterations=trained.iterations,
        encoded_columns=len(own.book.tables),
        equations=design.equations,
        notes=[*design.notes, *_wrong_signs(part), *leaks, *_leaks_by_counts(part)],
    )


def _part(work: Work, fitted: Fitted) -> ScorecardPart:
    """From whitened coefficients to points for each bin."""
    design, trained = fitted.design, fitted.trained
    at_label, scale = design.rows.labels is not None, Scale.of(work.plan.scorecard)
    theta = trained.theta[1:] if at_label else trained.theta
    coefficients = tuple(float(each) for each in design.whitening.unwhiten(theta))
    book = design.rows.book
    intercept = float(trained.theta[0]) if at_label else None
    return ScorecardPart(
        run=work.accepted.order.run,
        party=work.me,
        plan_digest=work.plan.digest.hex(),
        scale=scale,
        book=book,
        left_out=design.left_out,
        coefficients=coefficients,
        points=tuple(
            scale.bin_units(coefficient, table.woe)
            for coefficient, table in zip(coefficients, book.tables, strict=True)
        ),
        intercept=intercept,
        base=None if intercept is None else scale.base_units(intercept),
        reasons=reason_texts([table.column for table in book.tables], work.accepted.dataset),
        iterations=trained.iterations,
        converged=trained.converged,
        why=design.why,
        tests=fitted.tests,
        steps=fitted.steps,
    )


def _wrong_signs(part: ScorecardPart) -> list[str]:
    return [
        f"Column {column} takes points where its own bins say it should give them: its coefficient has the "
        "wrong sign beside the other columns. Exclude it, or a column that says the same."
        for column in part.wrong_signs
    ]


def _shared(work: Work, part: ScorecardPart) -> dict[str, bytes]:
    """At the label party the points that others agreed to share, by file; elsewhere this party's answer."""
    if part.base is not None:
        return take_points(work.session)
    give_points(work.session, characteristics(part), agreed=work.accepted.dataset.share_points)
    return {}


def _leaks_by_counts(part: ScorecardPart) -> list[str]:
    """At a party that was told its bins' counts: columns that give the outcome away, for its own people."""
    if part.base is not None:
        return []
    counted = {
        table.column: (np.array(table.rows) - np.array(table.bad), np.array(table.bad))
        for table in part.book.tables
        if table.bad is not None
    }
    return [finding.sentence for finding in check_counts(counted)]


def _open_scores(
    work: Work, own: ScorecardRows, part: ScorecardPart, rows: Private[npt.NDArray[np.int64]]
) -> Private[Units] | None:
    """At the label party the score of each opened row in units, and the reasons of the declined in a file;
    None elsewhere, and when no row is opened."""
    opened = opened_rows(work.plan, own.training)
    if not opened.any():
        return None
    codes, test = Private(own.codes.open_locally()[opened]), ~own.training[opened]
    if part.base is None:
        send_points(work.session, codes, part.points, test, work.plan)
        return None
    units, declined, explained = receive_points(work.session, codes, part.points, part.base, test, work.plan)
    _keep_reasons(work, rows.open_locally()[opened][declined], explained)
    return units


def _keep_reasons(work: Work, rows: npt.NDArray[np.int64], explained: Private[Explained]) -> None:
    files.write_arrays(work.folder / EXPLAINED, rows=rows, **explained.open_locally().arrays())


def _evaluate(
    work: Work,
    design: Design,
    part: ScorecardPart,
    rows: Private[npt.NDArray[np.int64]],
    units: Private[Units],
) -> None:
    """Keep scores and figures: against a scorecard of this party's own columns alone, and by score.

    Alone it would have no reason to leave out what others say too, so it is given every column that passed
    its own filters."""
    own = design.rows
    logits = Private(part.scale.logits(units.open_locally()))
    fused = keep_scores(work.plan, work.folder, rows, own.training, logits)
    bank = alone(design.offered, work.plan.model.l2)
    judge(work.accepted.dataset, work.plan, work.folder, own, bank, fused)
    if own.labels is not None:
        outcomes = own.labels.open_locally()[~own.training]
        found = figures(part.scale, fused.open_locally(), bank.open_locally(), outcomes, work.plan)
        files.write_private(work.folder / FIGURES, json.dumps(found, indent=1, allow_nan=False).encode())


def figures(
    scale: Scale, logits: Floats, bank: Floats, outcomes: npt.NDArray[np.int8], plan: Plan
) -> dict[str, Any]:
    """What the opened scores of the test rows mean in outcomes; nothing of single rows."""
    scores, before = scale.points(scale.units(logits)), scale.points(scale.units(bank))
    calibration = calibrated(scores, outcomes)
    grades = MasterScale.geometric().table(calibration.probability(scores), outcomes)
    planned = plan.scorecard.cutoff
    return {
        "bands": [band.to_dict() for band in bands(scores, outcomes, scale.pdo)],
        "cutoffs": [each.to_dict() for each in cutoff_table(scores, outcomes)],
        "cutoff": None if planned is None else at_cutoff(scores, outcomes, planned).to_dict(),
        "calibration": calibration.to_dict(),
        "grades": [grade.to_dict() for grade in grades],
        "swap_sets": [swap_set(scores, before, outcomes, share).to_dict() for share in _APPROVALS],
    }
