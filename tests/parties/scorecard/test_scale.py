"""What scores mean in outcomes: bands, grades, calibration, cut-offs, swap sets, expected loss."""

from __future__ import annotations

import numpy as np
import pytest

from crypto.errors import UsageError
from parties.scorecard.cutoff import at_cutoff, cutoff_table
from parties.scorecard.loss import expected_loss, expected_loss_by
from parties.scorecard.scale import MasterScale, bands, calibrated
from parties.scorecard.swap import swap_set

SCORES = np.array([480.0, 510, 515, 540, 600])
BAD = np.array([1, 1, 0, 0, 0], dtype=np.int8)


def test_bands_count_every_row_once_with_its_outcome() -> None:
    found = bands(SCORES, BAD, 20)
    assert [(band.low, band.rows, band.bad) for band in found] == [
        *((480.0, 1, 1), (500.0, 2, 1), (540.0, 1, 0), (600.0, 1, 0))
    ]
    assert found[1].bad_rate == 0.5


def test_calibration_finds_the_odds_that_made_the_outcomes() -> None:
    generator = np.random.default_rng(1)
    scores = generator.normal(600, 40, 20000)
    bad = (generator.random(20000) < 1 / (1 + np.exp(-8 + 0.016 * scores))).astype(np.int8)
    found = calibrated(scores, bad)
    assert (found.intercept, found.slope) == (pytest.approx(-8, abs=0.5), pytest.approx(0.016, rel=0.05))
    assert found.probability(scores).mean() == pytest.approx(bad.mean(), abs=1e-4)
    with pytest.raises(UsageError, match="cannot be calibrated"):
        calibrated(np.full(9, 600.0), np.arange(9, dtype=np.int8) % 2)


def test_a_master_scale_holds_every_probability_and_gives_no_rate_without_rows() -> None:
    scale = MasterScale((0.01, 0.1))
    assert scale.grades(np.array([0.0, 0.01, 0.099, 0.1, 1.0])).tolist() == [0, 1, 1, 2, 2]
    table = scale.table(np.array([0.05, 0.5]), np.array([0, 1], dtype=np.int8))
    assert [(grade.rows, grade.bad_rate) for grade in table] == [(0, None), (1, 0.0), (1, 1.0)]
    ratios = np.diff(np.log(MasterScale.geometric(7).bounds))
    assert ratios == pytest.approx(np.full(5, ratios[0]))
    for wrong in ((), (0.1, 0.01), (0.0, 0.1), (0.1, 1.0)):
        with pytest.raises(UsageError):
            MasterScale(wrong)


def test_a_cutoff_approves_what_scores_as_much() -> None:
    found = at_cutoff(SCORES, BAD, 510)
    assert (found.approved, found.approval_rate, found.bad_rate) == (4, 0.8, 0.25)
    assert (found.bads_declined, found.goods_declined) == (0.5, 0.0)
    table = cutoff_table(SCORES, BAD, 5)
    assert [each.score for each in table] == [600, 540, 515, 510, 480]
    assert table[-1].approval_rate == 1
    assert at_cutoff(SCORES, BAD, 700).bad_rate is None
    with pytest.raises(UsageError):
        cutoff_table(SCORES[:0], BAD[:0])


def test_a_swap_set_approves_as_many_by_either_score() -> None:
    found = swap_set(SCORES, SCORES[[4, 1, 2, 3, 0]], BAD, 0.4)
    assert [cell.rows for cell in (found.both, found.swapped_in, found.swapped_out, found.neither)] == [
        *(1, 1, 1, 2)
    ]
    assert (found.swapped_in.bad_rate, found.swapped_out.bad_rate) == (0.0, 1.0)
    assert swap_set(SCORES, SCORES, BAD, 0.4).swapped_in.bad_rate is None
    with pytest.raises(UsageError):
        swap_set(SCORES, SCORES, BAD, 1.0)


def test_expected_loss_is_pd_times_lgd_times_ead_over_columns_and_constants() -> None:
    pd = np.array([0.01, 0.1, 0.2])
    found = expected_loss(pd, 0.45, np.array([100.0, 200, 0]))
    assert found.expected_loss == pytest.approx(0.45 * (1 + 20))
    assert found.rate == pytest.approx(0.45 * 21 / 300)
    by = expected_loss_by(np.array([0, 1, 1]), pd, 0.45, np.array([100.0, 200, 0]))
    assert by[1].expected_loss == pytest.approx(9.0)
    assert expected_loss(pd, 0.5, 0.0).rate is None
    for wrong in ((pd, 1.2, 1.0), (pd, 0.5, np.nan), (-pd, 0.5, 1.0)):
        with pytest.raises(UsageError, match="missing or out of range"):
            expected_loss(*wrong)
