"""Which rows train: the same in every run, groups together, and out of time the latest kept for the test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from crypto.private import Private
from federation.tables import Split
from parties.dataset import DatasetConfig
from parties.round.rows import Marks, draw

OUT = Split(method="out_of_time", test_share=0.3)


def drawn(frame: pd.DataFrame, rule: Split, **fields: str) -> Marks:
    return draw(Private(frame), DatasetConfig("loans", Path("loans.csv"), "id", **fields), rule)  # type: ignore[arg-type]


def loans(when: list[object]) -> pd.DataFrame:
    return pd.DataFrame({"id": [f"F{i}" for i in range(len(when))], "when": when})


def test_the_latest_rows_are_the_test_whatever_their_order() -> None:
    when = [f"2006-{1 + i % 10:02d}-05" for i in range(100)]
    frame = loans(list(when)).sample(frac=1, random_state=1)
    training = drawn(frame, OUT, time="when")
    assert training.mean() == 0.7
    assert frame.when[training].max() < frame.when[~training].min()


def test_a_year_is_never_cut_in_two() -> None:
    training = drawn(loans([2004] * 10 + [2005] * 60 + [2006] * 30 + [2007]), OUT, time="when")
    assert training.tolist() == [True] * 70 + [False] * 31
    training = drawn(loans([2004] * 10 + [2005] * 80 + [2006] * 10), OUT, time="when")
    assert training.tolist() == [True] * 90 + [False] * 10  # The nearest share that there is.


def test_a_group_is_as_late_as_its_latest_row() -> None:
    frame = loans([2001, 2002, 2003, 2004, 2005, 2006, 2001, None])
    frame["owner"] = ["a", "b", "c", "d", "e", "f", "f", None]
    training = drawn(frame, OUT, time="when", group="owner")
    assert training.tolist() == [True, True, True, True, True, False, False, True]


def test_a_random_split_is_by_key_or_by_group_alone() -> None:
    frame = loans([2001] * 400)
    frame["owner"] = [f"g{i % 40}" for i in range(400)]
    rule = Split(test_share=0.3)
    by_key = drawn(frame, rule)
    assert 0.6 < by_key.mean() < 0.8
    assert np.array_equal(by_key[::-1], drawn(frame[::-1], rule))
    by_group = drawn(frame, rule, group="owner")
    assert (frame.assign(train=by_group).groupby("owner").train.nunique() == 1).all()
    assert not np.array_equal(by_key, drawn(frame, Split(test_share=0.3, seed=8)))


def test_out_of_time_needs_a_time_that_tells_rows_apart() -> None:
    with pytest.raises(UsageError, match="names no time column") as refused:
        drawn(loans([2001, 2002]), OUT)
    assert "`time`" in refused.value.advice
    with pytest.raises(UsageError, match="no row is later than another, by the year"):
        drawn(loans([2001, 2001]), OUT, time="when")
