from __future__ import annotations

import math

import pytest

from crypto.errors import UsageError
from parties.selection.filters import filtered


def test_columns_that_tell_little_or_are_mostly_missing_go_and_say_why() -> None:
    kept, left = filtered(
        {"age": 0.2, "tax": 0.5, "noise": 0.001, "odd": math.nan},
        {"tax": 0.97, "noise": 0.5},
        minimum_iv=0.02,
        most_missing=0.95,
    )
    assert kept == ("age",)
    assert {each.column: each.reason for each in left} == {
        "tax": "97.0% of its values are missing",
        "noise": "its information value, 0.001, is below 0.02",
        "odd": "its information value, nan, is below 0.02",
    }
    with pytest.raises(UsageError):
        filtered({}, {}, minimum_iv=0.02, most_missing=1.2)
