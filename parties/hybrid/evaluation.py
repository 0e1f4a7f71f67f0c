"""At each label party, on its own test rows: the bank alone, its consortium alone, the shared model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.private import Private
from federation import files
from federation.errors import UsageError
from federation.plan import Plan
from parties.dataset import DatasetConfig
from parties.evaluation.delong import PairedDifference, paired_difference
from parties.evaluation.discrimination import Evaluation, evaluate
from parties.features import FeatureSpec
from parties.hybrid.rows import HybridRows
from parties.round.evaluation import RoundEvaluation, compare, save_scores
from parties.round.rows import opened_rows

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HybridEvaluation:
    """Figures of one label party; none of them leaves it. `against_bank` has the shared model as `fused`.

    `consortium`: the vertical model of the first round; `gained`: shared less consortium.
    """

    against_bank: RoundEvaluation
    consortium: Evaluation
    gained: PairedDifference

    def figures(self) -> dict[str, Any]:
        """The headline figures, for JSON: those of a vertical round, and the consortium's."""
        return {
            **self.against_bank.figures(),
            "consortium_only": self.consortium.figures.as_dict(),
            "fused_over_consortium": self.gained.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class _BankRows:
    """The aligned rows as the bank alone would encode them: it needs no declaration."""

    frame: Private[pd.DataFrame]
    training: npt.NDArray[np.bool_]
    encoded: Private[Floats]
    labels: Private[npt.NDArray[np.int8]]


def evaluate_hybrid(
    dataset: DatasetConfig,
    plan: Plan,
    rows: HybridRows,
    shared: Private[Floats],
    alone: Private[Floats],
) -> HybridEvaluation:
    """Compare on the test rows the logits of the `shared` model and of the consortium's own, as opened."""
    if rows.labels is None:
        raise UsageError("only the label party can evaluate", advice="Ask the party that has the outcomes.")
    test = ~rows.training[opened_rows(plan, rows.training)]
    fused, own = shared.open_locally()[test], alone.open_locally()[test]
    frame = rows.frame.open_locally()
    encoded = Private(FeatureSpec.fit(frame, rows.training, dataset).transform(frame))
    bank = _BankRows(rows.frame, rows.training, encoded, rows.labels)
    outcome = rows.labels.open_locally()[~rows.training]
    return HybridEvaluation(
        against_bank=compare(dataset, plan, bank, Private(fused)),
        consortium=evaluate(outcome, own, np.random.default_rng(plan.split.seed)),
        gained=paired_difference(outcome, fused, own),
    )


def keep(
    folder: Path,
    plan: Plan,
    own_rows: Private[npt.NDArray[np.int64]],
    rows: HybridRows,
    shared: Private[Floats],
    found: HybridEvaluation,
) -> None:
    """Write the opened scores of the shared model and the figures, mode 0600."""
    opened = opened_rows(plan, rows.training)
    save_scores(folder / "scores.npz", own_rows.open_locally()[opened], shared, rows.training[opened])
    content = json.dumps(found.figures(), indent=1, allow_nan=False).encode()
    files.write_private(folder / "evaluation.json", content)
