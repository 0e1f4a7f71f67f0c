"""A number's feature: bounded, without gaps, and never resting on a few rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.dataset import Place
from parties.features.numeric import NumericColumn
from parties.features.support import Floats

PLACE = Place("bank", "loans.csv")


def fit(values: object, tail: float = 0.005) -> tuple[NumericColumn | None, list[str]]:
    notes: list[str] = []
    return NumericColumn.fit(pd.Series(values, name="x"), tail, PLACE, notes), notes


def fitted(values: object, tail: float = 0.005) -> NumericColumn:
    column, _ = fit(values, tail)
    assert column is not None
    return column


def transform(column: NumericColumn, values: object) -> Floats:
    series = pd.Series(values, name="x")
    out = np.empty((len(column.names), len(series)))
    column.transform(series, PLACE, out)
    return out


def with_missing(values: Floats, missing: int) -> Floats:
    values = values.copy()
    values[:missing] = np.nan
    return values


NORMAL = np.random.default_rng(3).normal(10, 2, 1000)


def test_an_extreme_firm_is_cut_to_what_others_reach() -> None:
    values = NORMAL.copy()
    values[7] = 1e12
    (feature,) = transform(fitted(values), values)
    assert feature.max() < 4
    assert feature.mean() == pytest.approx(0, abs=1e-12)
    assert feature.var() == pytest.approx(1)


def test_the_bounds_are_quantiles_of_the_values_that_are_there() -> None:
    column = fitted([*range(1, 1001), *[np.nan] * 30])
    assert (column.low, column.median, column.high) == (5, 500, 995)
    everything = fitted(range(1, 1001), tail=0.0)
    assert (everything.low, everything.high) == (1, 1000)


def test_a_gap_becomes_the_median() -> None:
    column = fitted(with_missing(NORMAL, 20))
    (feature,) = transform(column, [np.nan, column.median])
    assert feature[0] == feature[1]


@pytest.mark.parametrize(
    ("missing", "shown"), [(0, False), (49, False), (50, True), (950, True), (951, False)]
)
def test_gaps_are_a_feature_where_enough_rows_are_on_either_side(missing: int, shown: bool) -> None:
    column, _ = fit(with_missing(NORMAL, missing))
    names = () if column is None else column.names
    assert ("x (missing)" in names) == shown


def test_the_gap_feature_is_standardised_too() -> None:
    values = with_missing(NORMAL, 200)
    feature = transform(fitted(values), values)[1]
    assert feature.mean() == pytest.approx(0, abs=1e-12)
    assert feature.var() == pytest.approx(1)
    assert (feature[:200] > 0).all() and (feature[200:] < 0).all()


@pytest.mark.parametrize(
    ("rare", "kept"), [(0, False), (1, False), (49, False), (50, True), (950, True), (951, False)]
)
def test_a_rare_value_is_no_feature_since_it_would_reveal_labels(rare: int, kept: bool) -> None:
    values = np.zeros(1000)
    values[:rare] = 1
    column, notes = fit(values)
    assert (column is not None) == kept
    assert bool(notes) == (not kept)
    if notes and rare:
        assert "reveal single labels" in notes[0]


def test_few_present_values_are_no_feature_but_their_presence_may_be() -> None:
    values = np.full(1000, np.nan)
    values[:60] = 5.0
    column, notes = fit(values)
    assert column is not None and column.names == ("x (missing)",)
    assert "constant" in notes[0]
    assert transform(column, values).shape == (1, 1000)


def test_a_rare_event_in_a_large_table_stays_a_feature() -> None:
    """0.3 % of the rows, fewer than the tail that is cut, yet 90 rows."""
    values = np.zeros(30_000)
    values[:90] = np.repeat([1.0, 2.0, 3.0], 30)
    column, notes = fit(values)
    assert column is not None and notes == []
    assert (column.low, column.high) == (0, 3)


def test_a_column_without_values_is_left_out_with_a_note() -> None:
    for values in ([np.nan] * 100, [None] * 100):
        column, notes = fit(values)
        assert column is None
        assert notes == ["Column x is entirely missing on the training rows; it is left out."]


def test_numbers_too_large_to_be_standardised_are_refused() -> None:
    with pytest.raises(UsageError, match="too large") as caught:
        fit(np.tile([1.7e308, -1.7e308], 100))
    assert caught.value.field == "x"


def test_every_feature_is_finite_also_for_new_extremes() -> None:
    column = fitted(with_missing(NORMAL, 100))
    assert np.isfinite(transform(column, [np.nan, 1.7e308, -1.7e308, 0.0])).all()


def test_the_fitted_numbers_are_not_shown() -> None:
    assert "." not in repr(fitted(NORMAL)).split(" object")[0].removeprefix("<parties.features.numeric.")


def test_a_saved_column_reads_back_as_the_same() -> None:
    for values in (NORMAL, with_missing(NORMAL, 100), [np.nan] * 60 + [5.0] * 60):
        column = fitted(values)
        assert NumericColumn.from_dict(column.to_dict()) == column


@pytest.mark.parametrize(
    "change",
    [{"low": 1e9}, {"value": None}, {"median": float("nan")}, {"column": 3}, {"value": {"mean": 0.0}}],
)
def test_a_damaged_column_is_not_read(change: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        NumericColumn.from_dict(fitted(NORMAL).to_dict() | change)
