from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss

from crypto.errors import UsageError
from parties.evaluation.calibration import calibration, wilson


def test_true_probabilities_lie_within_their_intervals_and_doubled_ones_do_not() -> None:
    rng = np.random.default_rng(1)
    truth = rng.beta(1, 6, 20_000)
    label = (rng.random(20_000) < truth).astype(int)
    honest, doubled = calibration(label, truth), calibration(label, np.minimum(1, 2 * truth))
    assert sum(b.low <= b.predicted <= b.high for b in honest.bins) >= 8
    assert sum(b.low <= b.predicted <= b.high for b in doubled.bins) <= 1
    assert honest.brier < honest.brier_base
    assert honest.brier < doubled.brier


def test_brier_is_scikit_learns_and_its_base_is_the_rate_for_everyone() -> None:
    rng = np.random.default_rng(2)
    p = rng.random(500)
    label = (rng.random(500) < p).astype(int)
    found = calibration(label, p)
    assert found.brier == pytest.approx(brier_score_loss(label, p))
    assert found.brier_base == pytest.approx(brier_score_loss(label, np.full(500, label.mean())))


def test_bins_hold_every_row_once_and_never_divide_a_tie() -> None:
    p = np.repeat([0.0, 0.1, 0.2, 1.0], [50, 5, 40, 5])
    found = calibration(np.tile([0, 1], 50), p)
    # 0.1 and 0.2 meet in a decile; the fifty rows at 0 fill five deciles and stay one bin.
    assert [b.rows for b in found.bins] == [50, 45, 5]
    assert [b.predicted for b in found.bins] == pytest.approx([0.0, (5 * 0.1 + 40 * 0.2) / 45, 1.0])


@pytest.mark.parametrize("outside", [-0.01, 1.01])
def test_a_score_is_not_taken_for_a_probability(outside: float) -> None:
    with pytest.raises(UsageError, match="outside 0 to 1"):
        calibration([0, 1, 0, 1], [0.1, 0.2, 0.3, outside])


def test_wilsons_interval_is_the_published_one() -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3 (score).
    for successes, trials, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)
    assert wilson(20, 20)[1] == 1.0
