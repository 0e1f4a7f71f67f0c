"""Fine bins: each has its rows, whatever the column holds, and their number stays within the budget."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from federation.credit import Binning
from federation.errors import PlanRefused
from parties.binning.fine import FineColumn, Merging, equations, fine_column, fine_columns, within_budget
from parties.dataset import ColumnRules, DatasetConfig

ROWS = 2000


def config(**columns: ColumnRules) -> DatasetConfig:
    return DatasetConfig("loans", Path("a.csv"), "id", columns=columns, party="bank")


def column(values: object) -> pd.Series:
    return pd.Series(values, name="x")


def fitted(
    values: object, rules: ColumnRules | None = None, plan: Binning | None = None
) -> FineColumn | None:
    series, plan = column(values), plan or Binning()
    training = np.arange(len(series)) % 4 != 0
    found = fine_column(
        series, training, config(**({"x": rules} if rules else {})), plan, plan.fine, notes := []
    )
    if found is None:
        assert "it is left out" in notes[0]
        return None
    codes = found.codes(series, config().place)[training]
    assert np.bincount(codes, minlength=found.cells).tolist() == list(found.rows)
    assert min(found.rows) >= plan.minimum_support
    return found


@pytest.fixture
def numbers() -> np.ndarray:
    return np.random.default_rng(5).normal(size=ROWS)


@pytest.mark.parametrize("method", ["quantile", "width", "monotone"])
def test_a_binary_column_has_two_bins(method: str, numbers: np.ndarray) -> None:
    found = fitted((numbers > 1.2).astype(float), plan=Binning(method=method))
    assert found is not None
    assert (found.cells, found.ordinary) == (2, 2)


@pytest.mark.parametrize("values", [np.ones(ROWS), np.full(ROWS, np.nan), np.arange(ROWS) == 7])
def test_a_column_without_two_bins_is_left_out(values: np.ndarray) -> None:
    assert fitted(values) is None


def test_missing_and_special_values_are_apart_where_they_are_enough(numbers: np.ndarray) -> None:
    numbers[:200], numbers[200:220], numbers[220:420] = np.nan, -999, -998
    found = fitted(numbers, ColumnRules(special=(-998, -999)))
    assert found is not None
    assert found.cells == found.ordinary + 2
    apart = found.codes(column([-998.0, np.nan]), config().place)
    assert sorted(apart) == [found.ordinary, found.ordinary + 1]
    # Too few: with the median's.
    assert found.codes(column([-999.0]), config().place) == found.codes(
        column([float(np.median(numbers[420:]))]), config().place
    )


def test_a_column_of_which_nearly_all_is_missing_has_its_special_and_missing_bins_alone() -> None:
    values = np.concatenate([np.full(1200, np.nan), np.full(780, -9.0), np.arange(20.0)])
    found = fitted(values, ColumnRules(special=(-9.0,)))
    assert found is not None
    assert (found.cells, found.ordinary) == (2, 0)


def test_own_splits_and_groups_are_kept_and_joined_where_rows_are_too_few(numbers: np.ndarray) -> None:
    found = fitted(numbers, ColumnRules(splits=(-1.0, 0.0, 3.5)))
    assert found is not None
    assert (found.cells, found.merging) == (3, Merging.FIXED)
    levels = np.where(numbers < 0, "a", np.where(numbers < 1, "b", np.where(numbers < 3, "c", "d")))
    found = fitted(levels, ColumnRules(groups=(("a", "b"),)))
    assert found is not None
    assert (found.cells, found.merging) == (2, Merging.FIXED)
    codes = found.codes(column(["a", "b", "c", "d", "unseen"]), config().place)
    assert codes.tolist() == [0, 0, 1, 1, 1]


def test_an_infinite_cell_is_refused_with_its_column(numbers: np.ndarray) -> None:
    numbers[1] = np.inf
    with pytest.raises(UsageError, match="infinite") as caught:
        fitted(numbers)
    assert (caught.value.party, caught.value.field) == ("bank", "x")


def test_a_scale_of_a_million_changes_no_bin(numbers: np.ndarray) -> None:
    for method in ("monotone", "width"):
        one, other = (fitted(numbers * scale, plan=Binning(method=method)) for scale in (1.0, 1e6))
        assert one is not None
        assert other is not None
        assert one.rows == other.rows


def test_equal_width_is_not_stretched_by_one_firm(numbers: np.ndarray) -> None:
    numbers[1] = 1e12
    found = fitted(numbers, plan=Binning(method="width", bins=6))
    assert found is not None
    assert found.cells > 3


def test_bins_are_fewer_where_the_budget_asks_for_it_and_columns_beyond_are_refused(
    numbers: np.ndarray,
) -> None:
    frame = pd.DataFrame({"id": range(ROWS), **{f"x{at}": np.roll(numbers, at) for at in range(6)}})
    training, plan, notes = np.ones(ROWS, dtype=np.bool_), Binning(), list[str]()
    columns = fine_columns(frame, training, config(), plan, notes)
    assert equations(columns) == 6 * 31 + 1
    fewer = within_budget(columns, frame, training, config(), plan, 0.02, notes)
    assert equations(fewer) == 6 * 6 + 1 <= 0.02 * ROWS
    assert "At most 7 bins a column instead of 32" in notes[0]
    with pytest.raises(PlanRefused, match="bank") as caught:
        within_budget(columns, frame, training, config(), plan, 0.003, notes)
    assert caught.value.field == "limits.equations_per_row"


def test_no_column_at_all_is_told_with_the_next_step() -> None:
    with pytest.raises(UsageError, match="no column has two bins") as caught:
        frame = pd.DataFrame({"id": range(60), "x": range(60)})
        fine_columns(frame, np.ones(60, dtype=np.bool_), config(), Binning(), [])
    assert "Column x" in caught.value.advice


@pytest.mark.parametrize("dtype", ["float64", object, "datetime64[ns]"])
def test_an_empty_column_is_left_out_by_name(dtype: str) -> None:
    series, notes = pd.Series([None] * ROWS, name="x", dtype=dtype), list[str]()
    assert fine_column(series, np.ones(ROWS, dtype=np.bool_), config(), Binning(), 20, notes) is None
    assert notes == ["Column x is entirely missing on the training rows; it is left out."]
