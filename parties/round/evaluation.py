"""At the label party, after training: the fused model against what it could have done alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from parties.round.matrix import OwnMatrix
from parties.round.rows import opened_rows

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

#: The share of firms that counts as smallest.
SMALLEST_SHARE = 0.25


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
    matrix: OwnMatrix,
    scores: Private[Floats],
) -> None:
    """Keep the opened scores and write the figures of the test rows beside them, mode 0600."""
    opened = opened_rows(plan, matrix.training)
    save_scores(folder / "scores.npz", rows.open_locally()[opened], scores, matrix.training[opened])
    fused = scores.open_locally()[~matrix.training[opened]]
    found = compare(dataset, plan, matrix, Private(fused))
    content = json.dumps(found.figures(), indent=1, allow_nan=False).encode()
    files.write_private(folder / "evaluation.json", content)


def compare(dataset: DatasetConfig, plan: Plan, matrix: OwnMatrix, fused: Private[Floats]) -> RoundEvaluation:
    """Evaluate the fused logits of the test rows against a model of this party's own columns."""
    if matrix.labels is None:
        raise UsageError("only the label party can evaluate", advice="Ask the party that has the outcomes.")
    test = ~matrix.training
    labels, encoded = matrix.labels.open_locally(), matrix.encoded.open_locally()
    alone = fit_alone(encoded[matrix.training], labels[matrix.training], plan.model.l2)
    bank, outcome = alone.decision_function(encoded[test]), labels[test]
    score = fused.open_locally()
    generator = np.random.default_rng(plan.split.seed)
    return RoundEvaluation(
        bank=evaluate(outcome, bank, generator),
        fused=evaluate(outcome, score, generator),
        difference=paired_difference(outcome, score, bank),
        curve=ks_curve(outcome, score),
        calibration=calibration(outcome, probability(score)),
        smallest=_smallest(dataset, matrix.frame, test, outcome, bank, score, generator),
    )


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
