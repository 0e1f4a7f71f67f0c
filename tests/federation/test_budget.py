"""No party is given more equations about the labels than the plan allows."""

from __future__ import annotations

import pytest

from federation.budget import check_equations
from federation.errors import PlanRefused


@pytest.mark.parametrize(("columns", "rows"), [(1, 50), (7, 350), (20, 1000), (29, 1450), (0, 100)])
def test_a_budget_that_is_just_kept_is_kept(columns: int, rows: int) -> None:
    check_equations("bank", columns, rows, 0.02)


@pytest.mark.parametrize(("columns", "rows"), [(2, 99), (21, 1000), (1, 49), (500, 1000), (1, 0), (0, 0)])
def test_one_column_too_many_is_refused(columns: int, rows: int) -> None:
    with pytest.raises(PlanRefused) as refused:
        check_equations("bank", columns, rows, 0.02)
    assert (refused.value.party, refused.value.field) == ("bank", "limits.equations_per_row")


def test_the_refusal_says_by_how_much_and_how_many_columns_may_stay() -> None:
    with pytest.raises(
        PlanRefused, match=r"0\.0400 gradient equations a row, 2\.0 times the 0\.02"
    ) as refused:
        check_equations("plant", 40, 1000, 0.02)
    assert "at plant (at most 20 after encoding)" in refused.value.advice
