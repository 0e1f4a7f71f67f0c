"""Whom a bank accepted, as its table says it: never guessed, and no outcome of a rejected firm."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.dataset import DatasetConfig
from parties.reject.applicants import accepted_outcomes, accepted_rows

DATASET = DatasetConfig("a", Path("a.csv"), "firm", label="bad", accepted="taken", party="bank")


@pytest.mark.parametrize(
    "words", [("1", "0"), ("Yes", "no"), ("TRUE", "false"), (1, 0), (True, False), (1.0, 0.0)]
)
def test_yes_and_no_are_read_however_they_are_written(words: tuple[object, object]) -> None:
    yes, no = words
    frame = pd.DataFrame({"taken": [yes, no, yes], "bad": [0, None, 1]})
    marks = accepted_rows(frame, DATASET)
    assert marks.tolist() == [True, False, True]
    assert accepted_outcomes(frame, marks, DATASET).open_locally().tolist() == [0, 1]


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (["yes", "no", None], "1 of 3 rows do not say"),
        (["yes", "maybe", "2"], "2 of 3 rows do not say"),
        (["yes", "yes", "yes"], "all firms were accepted, or none was"),
    ],
)
def test_what_does_not_say_it_is_refused(cells: list[object], told: str) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        accepted_rows(pd.DataFrame({"taken": cells}), DATASET)
    assert (refused.value.party, refused.value.file, refused.value.field) == ("bank", "a.csv", "taken")
    assert "maybe" not in str(refused.value)


def test_the_column_is_no_feature_and_needs_a_label() -> None:
    assert DATASET.feature_columns(["firm", "taken", "bad", "debt"]) == ("debt",)
    with pytest.raises(UsageError, match="give `label` too"):
        DatasetConfig("a", Path("a.csv"), "firm", accepted="taken")
    with pytest.raises(UsageError, match="both label and accepted"):
        DatasetConfig("a", Path("a.csv"), "firm", label="bad", accepted="bad")
