"""One column's separation of outcomes, from the counts of its bins alone."""

from __future__ import annotations

import numpy as np
import pytest

from crypto.errors import UsageError
from parties.evaluation.delong import auc
from parties.evaluation.inputs import labelled
from parties.leakage.separation import separation, wilson_low


def test_counts_give_the_area_and_the_error_that_rows_would() -> None:
    rng = np.random.default_rng(3)
    outcome = (rng.random(800) < 0.3).astype(int)
    bins = np.clip(np.round(4 + 2 * outcome + rng.normal(size=800)), 0, 9).astype(int)
    good, bad = (np.bincount(bins[outcome == each], minlength=10) for each in (0, 1))
    rate = (bad + 0.3) / (good + bad + 1)
    told, rows = separation(good, bad), auc(labelled(outcome, rate[bins]))
    assert told is not None
    assert (told.auc, told.low) == (pytest.approx(rows.auc, abs=2e-3), pytest.approx(rows.low, abs=2e-3))


@pytest.mark.parametrize(
    ("bad", "direction"),
    [([5, 10, 40, 80], "rising"), ([80, 40, 10, 5], "falling"), ([80, 5, 5, 80], "neither")],
)
def test_where_the_bad_are_is_told(bad: list[int], direction: str) -> None:
    told = separation([100, 100, 100, 100], bad)
    assert told is not None
    assert told.direction == direction
    unordered = separation([100, 100, 100, 100], bad, ordered=False)
    assert unordered is not None
    assert (unordered.auc, unordered.direction) == (told.auc, "neither")


def test_a_handful_of_bad_rows_judges_no_column() -> None:
    assert separation([500, 500], [0, 19]) is None


@pytest.mark.parametrize(("good", "bad"), [([1, 2], [1]), ([-1, 30], [30, 30])])
def test_counts_that_do_not_go_together_are_refused(good: list[int], bad: list[int]) -> None:
    with pytest.raises(UsageError, match="do not go together"):
        separation(good, bad)


def test_the_lower_end_of_a_share_is_wilsons() -> None:
    assert wilson_low(81, 263) == pytest.approx(0.2553, abs=1e-4)  # Newcombe 1998, table I
