from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.metrics import auc as area
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as reference

from crypto.errors import UsageError
from parties.evaluation.curves import caught_among_worst, gain_table, roc_curve
from parties.evaluation.inputs import labelled
from parties.evaluation.thinning import thinned


def test_the_curve_of_few_scores_is_the_exact_one() -> None:
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, 200)
    score = np.round(label + rng.normal(size=200), 1)
    curve = roc_curve(labelled(label, score))
    x, y, _ = reference(label, score, drop_intermediate=False)
    assert np.allclose(curve.false_positive, x)
    assert np.allclose(curve.true_positive, y)


def test_the_curve_of_many_scores_is_thin_and_loses_no_area() -> None:
    rng = np.random.default_rng(2)
    label = (rng.random(30_000) < 0.1).astype(int)
    score = label + rng.normal(size=30_000)
    curve = roc_curve(labelled(label, score))
    assert len(curve.false_positive) <= 400
    assert (curve.false_positive[0], curve.true_positive[0]) == (0.0, 0.0)
    assert (curve.false_positive[-1], curve.true_positive[-1]) == (1.0, 1.0)
    assert area(curve.false_positive, curve.true_positive) == pytest.approx(
        roc_auc_score(label, score), abs=5e-4
    )


def test_thinning_leaves_no_gap_wider_than_it_promises() -> None:
    x = np.linspace(0, 1, 50_000)
    y = np.where(x < 0.5, 0.0, 1.0)  # A cliff: indices spaced evenly by x would leave it bare.
    points = 100
    kept = thinned(x, y, points, also=123)
    assert len(kept) <= points
    assert {0, 123, 49_999} <= set(kept.tolist())
    step = np.abs(np.diff(x[kept])) + np.abs(np.diff(y[kept]))
    assert np.sort(step)[-2] <= 2 / (points - 2) + 1e-4
    with pytest.raises(UsageError, match="so few points"):
        thinned(x, y, 5)


def test_a_decile_cut_through_a_tie_takes_the_mean_over_every_order() -> None:
    label = np.array([1, 0, 0, 1, 0, 0])
    score = np.array([9.0, 5, 5, 5, 5, 1])
    table = gain_table(labelled(label, score), bands=2)
    exact = np.mean([label[0] + sum(label[list(order[:2])]) for order in itertools.permutations(range(1, 5))])
    assert table[0].bad == pytest.approx(exact)
    assert table[0].rows == 3
    shuffled = np.array([3, 5, 0, 2, 4, 1])
    assert gain_table(labelled(label[shuffled], score[shuffled]), bands=2) == table


def test_deciles_add_up_and_a_useless_score_lifts_nothing() -> None:
    rng = np.random.default_rng(3)
    label = (rng.random(1003) < 0.2).astype(int)
    table = gain_table(labelled(label, rng.normal(size=1003)))
    assert len(table) == 10
    assert sum(row.bad for row in table) == pytest.approx(label.sum())
    assert sum(row.rows for row in table) == pytest.approx(1003)
    assert table[-1].gain == pytest.approx(1.0)
    flat = gain_table(labelled(label, np.zeros(1003)))
    assert [row.lift for row in flat] == pytest.approx([1.0] * 10)


def test_defaults_caught_among_the_worst_are_counted_from_the_high_end() -> None:
    label = np.array([0] * 8 + [1] * 2)
    assert caught_among_worst(labelled(label, np.arange(10)), 0.1) == pytest.approx(0.5)
    assert caught_among_worst(labelled(label, np.arange(10)), 0.2) == pytest.approx(1.0)
    assert caught_among_worst(labelled(label, -np.arange(10)), 0.2) == 0.0
    with pytest.raises(UsageError, match="between 0 and 1"):
        caught_among_worst(labelled(label, np.arange(10)), 10)


def test_more_bands_than_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="4 rows cannot be cut"):
        gain_table(labelled([0, 1, 0, 1], np.arange(4.0)))
