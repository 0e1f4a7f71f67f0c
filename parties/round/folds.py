"""Cross-validation of a vertical fit: on each of k folds of the training rows, by a model of the others.

    for each fold: label party -> all   which training rows learn, which are left out     TrainingRows
                   the hidden fit over those that learn                                  as `parties.logistic`
                   logits of the left out, opened to the label party                     as the plan's scores

Columns stay encoded and whitened as for the whole fit: that looks at no outcome. What each role learns beside
what the fit and the opened scores tell it:
    label party     of each training firm the joint score by a model that had not seen it
    feature party   its gradient sums once more for each fold, over other rows: d columns become d (k + 1)
                    equations, which `check_folds` counts against the plan's limit; which rows are in a fold
    aggregator      that it takes longer
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto.private import Private
from crypto.sealed import RowMarks, WireRefused
from federation import files
from federation.budget import check_equations
from federation.message import Role
from federation.messages.round import TrainingRows
from federation.plan import Plan
from federation.session import Session
from parties.dataset import DatasetConfig
from parties.evaluation.delong import auc
from parties.evaluation.folds import folds
from parties.evaluation.inputs import labelled
from parties.round.matrix import OwnMatrix

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

FILE = "cross_validation.json"

#: From a view of the session, the rows that learn and those that are left out to the joint logits of the
#: latter, at the label party; None elsewhere.
Refit = Callable[[Session, Marks, Marks], Private[Floats] | None]


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """AUC of each fold at the label party. The folds' models share rows, so `standard_error` is too small as
    an error of the mean (Bengio and Grandvalet, JMLR 5, 2004); it tells how much folds differ."""

    auc: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean AUC over the folds."""
        return sum(self.auc) / len(self.auc)

    @property
    def standard_error(self) -> float:
        """The folds' standard deviation over the root of their number."""
        spread = sum((each - self.mean) ** 2 for each in self.auc) / (len(self.auc) - 1)
        return math.sqrt(spread / len(self.auc))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"auc": list(self.auc), "mean": self.mean, "standard_error": self.standard_error}


def keep_folds(folder: Path, found: CrossValidation) -> None:
    """Write the label party's figures into the round's folder, mode 0600."""
    files.write_private(folder / FILE, files.canonical_json(found.to_dict()))


def check_folds(session: Session, plan: Plan, matrix: OwnMatrix) -> None:
    """Raise `PlanRefused` where the fits of all folds would give a party more sums than its rows allow."""
    for party, columns in matrix.widths.items():
        if session.seating.roles[party] is not Role.LABEL:
            fits = 1 + plan.split.folds
            check_equations(party, fits * columns, matrix.training_rows, plan.limits.equations_per_row)


def cross_validate(
    session: Session, plan: Plan, dataset: DatasetConfig, matrix: OwnMatrix, refit: Refit
) -> CrossValidation | None:
    """Fit once for each fold; at the label party the AUCs. Call `check_folds` before anything is fitted."""
    if not plan.split.folds:
        return None
    drawn = _drawn(plan, dataset, matrix) if session.role is Role.LABEL else None
    found = []
    for fold in range(plan.split.folds):
        view = session.among(session.seating.parties, f"fold {fold + 1}")
        learn = _learning(view, matrix.training, None if drawn is None else drawn == fold)
        left_out = matrix.training & ~learn
        logits = refit(view, learn, left_out)
        if logits is not None and matrix.labels is not None:
            rows = labelled(matrix.labels.open_locally()[left_out], logits.open_locally())
            found.append(auc(rows).auc)
    return CrossValidation(tuple(found)) if found else None


def _drawn(plan: Plan, dataset: DatasetConfig, matrix: OwnMatrix) -> npt.NDArray[np.int64]:
    """The fold of each aligned row, -1 where it does not train; a group's rows are in one."""
    groups = None
    if dataset.group is not None:
        column = matrix.frame.open_locally()[dataset.group]
        own = [f"row {row}" for row in range(len(column))]
        groups = column.astype(object).where(column.notna(), own).astype(str).to_numpy()[matrix.training]
    numbers = np.full(len(matrix.training), -1, dtype=np.int64)
    numbers[matrix.training] = folds(matrix.training_rows, plan.split.folds, plan.split.seed, groups=groups)
    return numbers


def _learning(view: Session, training: Marks, left_out: Marks | None) -> Marks:
    """Which rows this fold's model learns from: drawn and told by the label party."""
    if left_out is not None:
        learn = training & ~left_out
        view.send_all(view.others(), TrainingRows(RowMarks.of(learn)))
        return learn
    label = view.seating.playing(Role.LABEL)
    learn = view.receive(label, TrainingRows).marks.marks()
    if len(learn) != len(training) or (learn & ~training).any() or (learn == training).all():
        raise WireRefused("TrainingRows: not a part of the training rows", party=label)
    return learn
