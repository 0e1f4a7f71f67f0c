"""A party's columns in bins: what cannot be split is left out, and named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from parties.boosting.bins import Bins
from parties.dataset import DatasetConfig

ROWS = 400


@pytest.mark.parametrize("dtype", ["float64", object, "datetime64[ns]"])
def test_an_empty_column_is_left_out_by_name(dtype: str) -> None:
    frame = pd.DataFrame(
        {"id": range(ROWS), "gone": pd.Series([None] * ROWS, dtype=dtype), "sales": np.arange(ROWS) * 1.0}
    )
    dataset = DatasetConfig("loans", Path("loans.csv"), "id", party="bank")
    bins = Bins.fit(frame, np.ones(ROWS, dtype=np.bool_), dataset, 8, 20)
    assert bins.columns == ("sales",)
    assert bins.notes == ("Column gone is entirely missing on the training rows; it is left out.",)
