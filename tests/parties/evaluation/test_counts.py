from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from crypto.errors import UsageError
from parties.evaluation.calibration import calibration
from parties.evaluation.counts import BinCounts, evaluate_counts
from parties.evaluation.discrimination import evaluate
from parties.evaluation.goodness import hosmer_lemeshow


def sample(levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes and probabilities that take `levels` values."""
    rng = np.random.default_rng(2)
    p = (rng.integers(0, levels, 3000) + 1) / (levels + 2)
    return (rng.random(3000) < p).astype(int), p


def counted(label: np.ndarray, score: np.ndarray, edges: np.ndarray) -> BinCounts:
    place = np.searchsorted(edges, score, side="right")
    floors, means = (
        np.array([how(score[place == each]) for each in range(len(edges) + 1)]) for how in (np.min, np.mean)
    )
    return BinCounts(floors, np.bincount(place), np.bincount(place[label == 1]), means)


def test_a_bin_for_each_value_loses_nothing() -> None:
    label, p = sample(8)
    counts = counted(label, p, np.unique(p)[1:])
    found = evaluate_counts(counts, np.random.default_rng(1))
    assert found.evaluation.figures == evaluate(label, p, np.random.default_rng(1)).figures
    exact = calibration(label, p, bins=100)
    assert [(b.rows, b.observed, b.low) for b in found.calibration] == [
        (b.rows, b.observed, b.low) for b in exact.bins
    ]
    assert found.hosmer_lemeshow.p == pytest.approx(hosmer_lemeshow(label, p, groups=100).p)


def test_the_auc_of_the_rows_lies_within_the_bounds_and_orders_exist_that_reach_them() -> None:
    label, p = sample(500)
    edges = np.quantile(p, [0.2, 0.5, 0.7])
    counts = counted(label, p, edges)
    least, most = counts.auc_bounds()
    assert least < roc_auc_score(label, p) < most
    place = np.searchsorted(edges, p, side="right")
    assert least == pytest.approx(roc_auc_score(label, place - 0.5 * label))
    assert most == pytest.approx(roc_auc_score(label, place + 0.5 * label))
    assert evaluate_counts(counts, np.random.default_rng(1)).evaluation.figures.auc == pytest.approx(
        (least + most) / 2
    )


def test_a_score_that_is_no_probability_has_no_calibration() -> None:
    label, p = sample(8)
    found = evaluate_counts(counted(label, 600 - 100 * p, np.array([550.0])), np.random.default_rng(1))
    assert found.hosmer_lemeshow is None and found.calibration == ()
    assert set(found.as_dict()) > {"evaluation", "cap", "auc_least"}


def test_counts_that_do_not_fit_are_refused() -> None:
    fine = (np.array([0.1, 0.4]), np.array([5, 5]), np.array([1, 2]), np.array([0.2, 0.5]))
    BinCounts(*fine)
    for at, wrong in ((0, [0.4, 0.1]), (1, [5, 1]), (2, [-1, 2]), (3, [0.2, np.nan])):
        with pytest.raises(UsageError, match="fit"):
            BinCounts(*(np.array(wrong) if at == place else part for place, part in enumerate(fine)))
