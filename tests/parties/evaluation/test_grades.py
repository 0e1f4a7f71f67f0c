from __future__ import annotations

import pytest
from scipy.stats import beta

from crypto.errors import UsageError
from parties.evaluation.grades import grade_tests, jeffreys


@pytest.mark.parametrize(("defaults", "firms", "given"), [(0, 80, 0.01), (7, 300, 0.01), (50, 50, 0.9)])
def test_the_test_is_scipys_beta_distribution(defaults: int, firms: int, given: float) -> None:
    expected = beta.cdf(given, defaults + 0.5, firms - defaults + 0.5)
    assert jeffreys(defaults, firms, given) == pytest.approx(expected, rel=1e-9)


def test_a_probability_that_is_too_low_has_a_small_p_and_a_cautious_one_a_large_one() -> None:
    assert jeffreys(30, 1000, 0.01) < 1e-6
    assert jeffreys(30, 1000, 0.06) > 0.99


def test_grades_are_tested_each_and_together_and_empty_ones_are_left_out() -> None:
    found = grade_tests(["A", "B", "C"], [100, 0, 300], [1, 0, 30], [0.01, 0.02, 0.08])
    assert [each.grade for each in found] == ["A", "C", "all"]
    assert (found[-1].firms, found[-1].defaults) == (400, 31)
    assert found[-1].given == pytest.approx((100 * 0.01 + 300 * 0.08) / 400)


def test_counts_that_cannot_be_are_refused() -> None:
    for defaults, firms, given in ((3, 2, 0.1), (0, 0, 0.1), (1, 2, 1.5), (-1, 2, 0.5)):
        with pytest.raises(UsageError):
            jeffreys(defaults, firms, given)
    with pytest.raises(UsageError):
        grade_tests(["A"], [0], [0], [0.1])
