"""Dates are read as their party wrote them, in one form a column, and never guessed."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.dataset import Place
from parties.moments import is_dates, moments

PLACE = Place("bank", "loans.csv")


def days(*dates: dt.date) -> list[int]:
    return [(date - dt.date(1970, 1, 1)).days for date in dates]


@pytest.mark.parametrize(
    ("cells", "unit", "first"),
    [
        (["2006-03-14", "2006/3/14", "20060314", "2006年3月14日", "2006-03-14 09:30"], "day", (2006, 3, 14)),
        (["2006-03", "2006/3", "200603", "2006年3月"], "month", (2006, 3, 1)),
        ([2006, 2006], "year", (2006, 1, 1)),
        ([2006.0, np.nan], "year", (2006, 1, 1)),
        ([pd.Timestamp("2006-03-14 23:59"), pd.NaT], "day", (2006, 3, 14)),
        (["2006-03-14", "2006-03"], "month", (2006, 3, 1)),
    ],
)
def test_a_column_is_read_in_the_coarsest_form_it_has(
    cells: list[object], unit: str, first: tuple[int, int, int]
) -> None:
    found = moments(pd.Series(cells, name="when"), PLACE)
    assert found.unit == unit
    assert set(found.days[found.known].tolist()) == set(days(dt.date(*first)))
    assert found.known.tolist() == pd.Series(cells).notna().tolist()


@pytest.mark.parametrize("cell", ["14.03.2006", "2006-13-01", "2006-02-30", "soon", 12])
def test_what_is_no_date_is_counted_and_not_told(cell: object) -> None:
    with pytest.raises(UsageError, match="1 of 3 cells are no date") as refused:
        moments(pd.Series(["2006-03-14", cell, None], name="when", dtype=object), PLACE)
    assert str(cell) not in str(refused.value)
    assert refused.value.field == "when"


def test_numbers_are_no_dates_unless_they_are_declared() -> None:
    assert not is_dates(pd.Series([20060314, 20060315]))
    assert is_dates(pd.Series(["2006-03-14", None, "2006-04-01"]))
    assert not is_dates(pd.Series(["retail", "2006-04-01"]))
