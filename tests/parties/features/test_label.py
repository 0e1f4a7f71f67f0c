"""A label has two values, and it is plain which of them is the bad one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.dataset import DatasetConfig
from parties.features import read_label

CONFIG = DatasetConfig("loans", Path("loans.csv"), "id", label="outcome", party="bank")


def read(cells: object, notes: list[str] | None = None) -> list[int]:
    label = read_label(pd.DataFrame({"outcome": cells}), CONFIG, notes)
    assert label.dtype == np.int8
    return label.tolist()


@pytest.mark.parametrize(
    "cells",
    [
        [0, 1, 0],
        [0.0, 1.0, 0.0],
        ["0", "1", "0"],
        [False, True, False],
        ["False", "TRUE", "false"],
        ["no", "Yes", "NO"],
        ["N", "y", "n"],
        pd.Series([0, 1, 0], dtype="Int8"),
        pd.Series(["no", "yes", "no"], dtype="category"),
    ],
)
def test_the_usual_ways_to_write_an_outcome_are_read_without_a_note(cells: object) -> None:
    notes: list[str] = []
    assert read(cells, notes) == [0, 1, 0]
    assert notes == []


@pytest.mark.parametrize("cells", [[1, 2, 1], [-1, 1, -1], ["9", "10", "9"], [0, 5, 0]])
def test_the_larger_of_two_other_numbers_is_bad_and_a_note_says_so(cells: list[object]) -> None:
    notes: list[str] = []
    assert read(cells, notes) == [0, 1, 0]
    assert notes == ["Label outcome: the larger of its two numbers is taken for the bad outcome."]
    assert read(cells) == [0, 1, 0]


@pytest.mark.parametrize(
    ("cells", "told", "advice"),
    [
        ([0, 1, None], "1 of 3 rows have no outcome", "not known yet"),
        (["yes", "", "no"], "1 of 3 rows have no outcome", "not known yet"),
        ([0, 1, 2], "3 different values", "0/1"),
        (["yes", "no", "1"], "3 different values", "0/1"),
        ([0, 0, 0], "all 3 rows have the same outcome", "both outcomes"),
        (["good", "bad", "good"], "tell good from bad", "0/1"),
        (["1", "1.0", "1"], "tell good from bad", "0/1"),
        (["1", "yes", "1"], "tell good from bad", "0/1"),
        ([0.0, np.inf, 0.0], "1 of 3 cells are infinite", "missing"),
        ([], "no rows", "rows"),
    ],
)
def test_any_other_outcome_is_refused(cells: list[object], told: str, advice: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(cells)
    error = caught.value
    assert told in str(error) and advice in error.advice
    assert (error.party, error.file, error.field) == ("bank", "loans.csv", "outcome")
    assert "good," not in str(error)


def test_an_absent_label_is_refused() -> None:
    with pytest.raises(UsageError, match="no such label column"):
        read_label(pd.DataFrame({"x": [1]}), CONFIG)
    with pytest.raises(UsageError, match="names no label"):
        read_label(pd.DataFrame({"x": [1]}), DatasetConfig("loans", Path("loans.csv"), "id"))
