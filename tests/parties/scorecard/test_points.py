"""Points are the log odds on the plan's scale, whole units, and the same for one row as for many."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crypto.errors import UsageError
from federation.credit import Scorecard
from parties.scorecard.points import Scale, lost, total


def test_the_base_score_is_at_the_base_odds_and_pdo_points_double_them() -> None:
    scale = Scale.of(Scorecard())
    assert scale.base_units(-math.log(50)) == 600
    assert scale.base_units(-math.log(100)) == 620
    assert scale.logits(np.array([600, 620])) == pytest.approx([-math.log(50), -math.log(100)])


def test_a_bin_with_more_bads_has_fewer_points() -> None:
    # A coefficient below 0 is the usual one: log odds of bad fall as the WOE rises.
    assert Scale(600, 50, 20, 1).bin_units(-1.0, [-0.5, 0.0, 0.25]) == (-144, 0, 72)


@pytest.mark.parametrize("decimals", [0, 2, 6])
def test_units_come_back_exactly_from_log_odds(decimals: int) -> None:
    scale = Scale(600, 50, 20, decimals)
    units = np.arange(-2000, 2000, 7) * 10**decimals + 3
    assert np.array_equal(scale.units(scale.logits(units)), units)


def test_points_that_no_score_can_hold_are_refused() -> None:
    with pytest.raises(UsageError, match="more points"):
        Scale(600, 50, 1000, 6).bin_units(1e6, [5.0])


def test_a_total_is_the_sum_of_its_bins_whatever_the_batch() -> None:
    codes = np.array([[0, 1], [1, 0], [1, 1]], dtype=np.uint8)
    units = ((5, -3), (0, 7))
    assert total(codes, units).tolist() == [12, -3, 4]
    assert [int(total(codes[[row]], units)[0]) for row in range(3)] == [12, -3, 4]


def test_points_are_lost_against_the_best_bin_the_most_first() -> None:
    codes = np.array([[0, 1, 0], [1, 0, 1]], dtype=np.uint8)
    columns, losses = lost(codes, ((5, -3), (0, 7), (2, 2)), 2)
    assert losses.tolist() == [[0, 0], [8, 7]]
    assert columns[1].tolist() == [0, 1]
    assert lost(codes, ((5, -3),), 3)[1].tolist() == [[0, 0, 0], [8, 0, 0]]
