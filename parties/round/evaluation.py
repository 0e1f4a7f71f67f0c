"""At the label party, after training: the fused model against what it could have done alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression

from crypto.private import Private
from federation import files
from federation.errors import UsageError
from federation.plan import Plan
from parties.dataset import DatasetConfig
from parties.evaluation.calibration import Calibration, calibration
from parties.evaluation.delong import PairedDifference, paired_difference
from parties.evaluation.discrimination import Evaluation, evaluate
from parties.evaluation.inputs import smallest
from parties.evaluation.ks import KsCurve, ks_curve
from parties.logistic.scoring import probability
from parties.round.rows import opened_rows

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

#: The share of firms that counts as smallest.
SMALLEST_SHARE = 0.25
#: The file of what the label party alone scores the test rows.
BANK = "bank.npz"


class OutcomeRows(Protocol):
    """A label party's n aligned rows: table, marks of those that train, outcomes."""

    @property
    def frame(self) -> Private[pd.DataFrame]: ...

    @property
    def training(self) -> Marks: ...

    @property
    def labels(self) -> Private[npt.NDArray[np.int8]] | None: ...


class LabelledRows(OutcomeRows, Protocol):
    """The same with its own columns (n x d)."""

    @property
    def encoded(self) -> Private[Floats]: ...


@dataclass(frozen=True, slots=True)
class SmallestComparison:
    """The same comparison on the smallest firms by the dataset's size column."""

    column: str
    bank: Evaluation
    fused: Evaluation
    difference: PairedDifference


@dataclass(frozen=True, slots=True)
class RoundEvaluation:
    """Bank-only against fused on the test rows. Figures of the label party; none of them leaves it."""

    bank: Evaluation
    fused: Evaluation
    difference: PairedDifference
    curve: KsCurve
    calibration: Calibration
    smallest: SmallestComparison | None

    def figures(self) -> dict[str, Any]:
        """The headline figures, for JSON."""
        found: dict[str, Any] = {
            "bank_only": self.bank.figures.as_dict(),
            "fused": self.fused.figures.as_dict(),
            "difference": self.difference.as_dict(),
        }
        if self.smallest is not None:
            found["smallest"] = {
                "column": self.smallest.column,
                "bank_only": self.smallest.bank.figures.as_dict(),
                "fused": self.smallest.fused.figures.as_dict(),
                "difference": self.smallest.difference.as_dict(),
            }
        return found


def fit_alone(encoded: Floats, labels: npt.NDArray[np.int8], l2: float) -> LogisticRegression:
    """Plain logistic regression with the plan's penalty: the bank-only (or pooled) reference."""
    return LogisticRegression(C=1 / l2, tol=1e-8, max_iter=2000).fit(encoded, labels)


def evaluate_round(
    dataset: DatasetConfig,
    plan: Plan,
    folder: Path,
    rows: Private[npt.NDArray[np.int64]],
    matrix: LabelledRows,
    scores: Private[Floats],
) -> None:
    """Keep the opened scores, and what they are worth beside a logistic regression over own columns."""
    fused = keep_scores(plan, folder, rows, matrix.training, scores)
    judge(dataset, plan, folder, matrix, alone(matrix, plan.model.l2), fused)


def judge(
    dataset: DatasetConfig,
    plan: Plan,
    folder: Path,
    rows: OutcomeRows,
    bank: Private[Floats],
    fused: Private[Floats],
) -> None:
    """Keep what this party alone scores the test rows (`bank`, logits) and write both models' figures."""
    files.write_arrays(folder / BANK, logits=bank.open_locally())
    found = compare_scores(dataset, plan, rows, bank, fused).figures()
    files.write_private(folder / "evaluation.json", json.dumps(found, indent=1, allow_nan=False).encode())


def load_bank(folder: Path) -> Private[Floats]:
    """The logits of the test rows by this party's own model, as `judge` kept them."""
    saved = files.read_arrays(folder / BANK, "Launch a round whose plan opens scores: `scores.open`.")
    return Private(saved["logits"])


def keep_scores(
    plan: Plan, folder: Path, rows: Private[npt.NDArray[np.int64]], training: Marks, scores: Private[Floats]
) -> Private[Floats]:
    """Keep the logits of the rows that the plan opens; those of the test rows."""
    opened = opened_rows(plan, training)
    save_scores(folder / "scores.npz", rows.open_locally()[opened], scores, training[opened])
    return Private(scores.open_locally()[~training[opened]])


def compare(
    dataset: DatasetConfig, plan: Plan, matrix: LabelledRows, fused: Private[Floats]
) -> RoundEvaluation:
    """Evaluate the fused logits of the test rows against logistic regression over own columns."""
    return compare_scores(dataset, plan, matrix, alone(matrix, plan.model.l2), fused)


def alone(matrix: LabelledRows, l2: float) -> Private[Floats]:
    """The logits of the test rows by a logistic regression over own columns."""
    labels, encoded, training = _outcomes(matrix), matrix.encoded.open_locally(), matrix.training
    fitted = fit_alone(encoded[training], labels[training], l2)
    return Private(np.asarray(fitted.decision_function(encoded[~training])))


def compare_scores(
    dataset: DatasetConfig, plan: Plan, matrix: OutcomeRows, bank: Private[Floats], fused: Private[Floats]
) -> RoundEvaluation:
    """Evaluate the fused logits of the test rows against those of a model of this party's own columns."""
    test = ~matrix.training
    outcome, score, own = _outcomes(matrix)[test], fused.open_locally(), bank.open_locally()
    generator = np.random.default_rng(plan.split.seed)
    return RoundEvaluation(
        bank=evaluate(outcome, own, generator),
        fused=evaluate(outcome, score, generator),
        difference=paired_difference(outcome, score, own),
        curve=ks_curve(outcome, score),
        calibration=calibration(outcome, probability(score)),
        smallest=_smallest(dataset, matrix.frame, test, outcome, own, score, generator),
    )


def _outcomes(matrix: OutcomeRows) -> npt.NDArray[np.int8]:
    if matrix.labels is None:
        raise UsageError("only the label party can evaluate", advice="Ask the party that has the outcomes.")
    return matrix.labels.open_locally()


def _smallest(
    dataset: DatasetConfig,
    frame: Private[pd.DataFrame],
    test: Marks,
    outcome: npt.NDArray[np.int8],
    bank: Floats,
    fused: Floats,
    generator: np.random.Generator,
) -> SmallestComparison | None:
    """None without a size column, or when the smallest firms are too few or all of one outcome."""
    if dataset.size is None:
        return None
    size = frame.open_locally()[dataset.size].to_numpy(dtype=np.float64)[test]
    known = np.isfinite(size)
    chosen = np.zeros(len(size), dtype=np.bool_)
    chosen[known] = smallest(size[known], SMALLEST_SHARE)
    if min(int(outcome[chosen].sum()), int((1 - outcome[chosen]).sum())) < 10:
        return None
    return SmallestComparison(
        dataset.size,
        evaluate(outcome, bank, generator, where=chosen),
        evaluate(outcome, fused, generator, where=chosen),
        paired_difference(outcome, fused, bank, where=chosen),
    )


def save_scores(path: Path, rows: npt.NDArray[np.int64], logits: Private[Floats], training: Marks) -> None:
    """The opened scores: row numbers of this party's own table, logits, which rows trained."""
    files.write_arrays(path, rows=rows, logits=logits.open_locally(), training=training)


def load_scores(path: Path) -> tuple[npt.NDArray[np.int64], Private[Floats], Marks]:
    """What `save_scores` wrote: rows, logits, which of them trained."""
    saved = files.read_arrays(path, "Launch a round whose plan opens scores: `scores.open`.")
    return saved["rows"], Private(saved["logits"]), saved["training"]
