"""A column means the same, whichever dtype its file was read with."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.dataset import Place
from parties.features.columns import Levels, is_empty, is_numeric, levels, numbers, parsed

PLACE = Place("bank", "loans.csv")


def cells(found: Levels) -> list[str | None]:
    return [None if code < 0 else found.texts[code] for code in found.codes]


@pytest.mark.parametrize("dtype", ["int64", "float64", "Int64", "float32", "int8", object, "category"])
def test_a_numbers_level_has_one_name_in_every_dtype(dtype: str) -> None:
    assert cells(levels(pd.Series([54, 7, 54], dtype=dtype), PLACE)) == ["54", "7", "54"]


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([True, False]),
        pd.Series([True, False], dtype="boolean"),
        pd.Series(["True", "FALSE"]),
        pd.Series([np.True_, False], dtype=object),
    ],
)
def test_truth_values_have_one_name_in_every_dtype(series: pd.Series) -> None:
    assert cells(levels(series, PLACE)) == ["true", "false"]


@pytest.mark.parametrize("dtype", ["str", object, "string", "category"])
def test_texts_are_stripped_and_empty_ones_missing(dtype: str) -> None:
    found = levels(pd.Series([" b", "a", "b ", "", "  ", None], dtype=dtype), PLACE)
    assert found.texts == ("a", "b")
    assert cells(found) == ["b", "a", "b", None, None, None]


def test_a_column_without_values_has_no_levels() -> None:
    for series in (pd.Series([None, None], dtype=object), pd.Series([], dtype="str")):
        found = levels(series, PLACE)
        assert found.texts == ()
        assert (found.codes == -1).all()


@pytest.mark.parametrize(
    "series",
    [
        pd.Series(pd.to_datetime(["2020-01-01"])),
        pd.Series(pd.to_timedelta([1], unit="s")),
        pd.Series([dt.date(2020, 1, 1)], dtype=object),
        pd.Series([[1, 2]], dtype=object),
        pd.Series([b"a"], dtype=object),
        pd.Series([1 + 2j]),
    ],
)
def test_other_kinds_of_cell_are_refused(series: pd.Series) -> None:
    with pytest.raises(UsageError, match="neither numbers nor text") as caught:
        levels(series.rename("since"), PLACE)
    assert (caught.value.party, caught.value.file, caught.value.field) == ("bank", "loans.csv", "since")


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([1.5, None, 3]),
        pd.Series([1.5, None, 3], dtype="Float64"),
        pd.Series(["1.5", " ", "3"]),
        pd.Series([Decimal("1.5"), None, Decimal(3)], dtype=object),
        pd.Series([1.5, None, 3], dtype=object),
    ],
)
def test_numbers_are_read_from_every_dtype(series: pd.Series) -> None:
    np.testing.assert_array_equal(numbers(series, PLACE), [1.5, np.nan, 3.0])


def test_truth_values_are_numbers_when_asked_for() -> None:
    assert numbers(pd.Series([True, False]), PLACE).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    "series",
    [pd.Series([1.0, np.inf, -np.inf, np.nan]), pd.Series(["1", "inf", "-Infinity", ""])],
)
def test_infinities_are_refused_with_their_number(series: pd.Series) -> None:
    with pytest.raises(UsageError, match="2 of 4 cells are infinite") as caught:
        numbers(series.rename("ratio"), PLACE)
    assert (caught.value.party, caught.value.file, caught.value.field) == ("bank", "loans.csv", "ratio")


def test_infinities_are_no_level_either() -> None:
    with pytest.raises(UsageError, match="1 of 2 cells are infinite"):
        levels(pd.Series([1.0, np.inf]), PLACE)


def test_words_among_numbers_are_counted_and_not_repeated() -> None:
    with pytest.raises(UsageError, match="3 of 5 cells of a column of numbers are text") as caught:
        numbers(pd.Series(["1", "2", "tbd", "tbd", "1,234"], name="x"), PLACE)
    assert "tbd" not in str(caught.value) + caught.value.advice


def test_only_plain_decimal_numbers_are_parsed() -> None:
    right = ["1", "-2.5", "+3", "1e3", ".5", "007", "9" * 25]
    np.testing.assert_allclose(parsed(right), [1, -2.5, 3, 1000, 0.5, 7, float("9" * 25)])
    for wrong in ("1,234", "1_000", "0x10", "true", "nan", "a", "１２", "12%", "1 2", "--1"):
        assert np.isnan(parsed([wrong])).all(), wrong
    assert parsed([]).shape == (0,)


def test_numeric_is_what_arithmetic_makes_sense_of() -> None:
    assert is_numeric(pd.Series([1])) and is_numeric(pd.Series([1.0], dtype="Float64"))
    for other in ([True], ["1"], [1j]):
        assert not is_numeric(pd.Series(other))


@pytest.mark.parametrize(
    "dtype", ["float64", "Int64", object, "str", "boolean", "category", "datetime64[ns]"]
)
def test_a_column_without_a_cell_is_empty_and_has_no_level_in_every_dtype(dtype: str) -> None:
    series = pd.Series([None, None], dtype=dtype)
    assert is_empty(series)
    assert cells(levels(series, PLACE)) == [None, None]
    assert np.isnan(numbers(series, PLACE)).all()


def test_blank_texts_are_no_cells_and_one_value_is_one() -> None:
    assert is_empty(pd.Series(["", " ", None]))
    assert not is_empty(pd.Series(["", "x"]))
    assert not is_empty(pd.Series([np.nan, 0.0]))
