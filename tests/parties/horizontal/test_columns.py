"""The parties agree on columns and kinds, or are told; a level has one name and one bucket at all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from federation.errors import PlanRefused
from federation.tables import Column
from parties.horizontal.columns import (
    BUCKETS,
    buckets,
    level_salt,
    refuse_difference,
    schema,
    schema_digest,
    shared_levels,
    shared_name,
)
from tests.parties.horizontal.world import SECRET, dataset, table

SALT = level_salt(SECRET)


def kind(cells: Any, declared: Column | None = None, **roles: Any) -> str:
    config = dataset(**roles)
    ((name, found),) = schema(table(x=cells), config, {} if declared is None else {"x": declared})
    assert name == "x"
    return found


def test_kinds_follow_what_a_column_holds_where_nobody_declares_it() -> None:
    assert kind([1, 2, 3]) == kind([1.5, None, 2]) == kind(["1", "2.5", ""]) == "numeric"
    assert kind(["a", "b", None]) == kind([True, False, True]) == "categorical"
    assert kind(pd.Categorical([1, 2, 1])) == "categorical"
    assert (
        kind([np.nan, np.nan]) == kind(pd.Series([None, None], dtype="str")) == kind(["", " "]) == "numeric"
    )


def test_a_declaration_decides_whatever_the_column_holds() -> None:
    levels, numbers = Column(levels=("a", "b")), Column(range=(0.0, 9.0))
    assert kind([1, 2, 3], levels) == kind([np.nan, np.nan], levels) == "categorical"
    assert kind([1, 2, 3], categorical=("x",)) == "categorical"
    assert kind(["1", "", "2"], numbers) == kind([1, 2, 3], numbers, categorical=("x",)) == "numeric"


def test_text_that_is_mostly_numbers_is_for_its_holder_to_clean() -> None:
    with pytest.raises(UsageError, match="field x: 1 of 4 cells are not numbers") as refused:
        kind(["1", "2", "3", "secret-cell"])
    assert "secret-cell" not in str(refused.value) + refused.value.advice


def test_the_order_of_a_files_columns_does_not_matter() -> None:
    frame = table(b=[1, 2], a=["x", "y"])
    other = frame[["a", "id", "b", "bad"]]
    found = schema(frame, dataset(), {})
    assert found == schema(other, dataset(), {}) == (("a", "categorical"), ("b", "numeric"))
    assert schema_digest(found) == schema_digest(schema(other, dataset(), {}))


def test_a_difference_is_told_without_a_column_name_leaving() -> None:
    own = schema(table(turnover=[1.0, 2.0], grade=[1, 2]), dataset(), {})
    other = schema(table(turnover=[1.0, 2.0], grade=["A", "B"]), dataset("bank-b"), {})
    refuse_difference(own, {"bank-a": schema_digest(own), "bank-c": schema_digest(own)}, dataset())
    with pytest.raises(PlanRefused) as refused:
        refuse_difference(own, {"bank-b": schema_digest(other), "bank-c": schema_digest(own)}, dataset())
    assert refused.value.told == ("party bank-a: the feature columns of bank-a differ from those of bank-b")
    assert "grade (numeric), turnover (numeric)" in refused.value.advice


def test_what_the_plan_declares_must_be_there() -> None:
    with pytest.raises(UsageError, match="no features of this table: y"):
        schema(table(x=[1, 2]), dataset(), {"y": Column(range=(0.0, 1.0))})
    with pytest.raises(UsageError, match="no features of this table: bad"):
        schema(table(x=[1, 2]), dataset(), {"bad": Column(range=(0.0, 1.0))})


# -- levels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cells", [[54, 7], [54.0, 7.0], ["54", "7"], ["54.0", " 07 "], np.array([54, 7], dtype=np.int8)]
)
def test_a_code_has_one_name_whatever_stores_it(cells: Any) -> None:
    assert shared_levels(pd.Series(cells, name="x"), dataset().place).texts == ("54", "7")


def test_two_writings_of_one_level_are_one_and_gaps_are_none() -> None:
    found = shared_levels(pd.Series(["1", "1.0", " 01", "a", " a ", "", None], name="x"), dataset().place)
    assert found.texts == ("1", "a")
    assert found.codes.tolist() == [0, 0, 0, 1, 1, -1, -1]


def test_long_numbers_keep_all_their_digits() -> None:
    assert shared_name("91350211000000000123") != shared_name("91350211000000000124")
    assert shared_name("nan") == "nan"
    assert shared_name(" TRUE ") == "true"


def test_buckets_are_the_same_under_one_secret_and_unlike_under_another() -> None:
    names = tuple(f"level {number}" for number in range(3000))
    first, again = buckets("x", names, SALT), buckets("x", names, level_salt(SECRET))
    assert (first == again).all()
    assert 0 <= first.min() <= first.max() < BUCKETS
    # Uniform: 3000 balls leave 4096 * (1 - e^-0.732) = 2128 boxes filled, give or take 25.
    assert 2000 < len(np.unique(first)) < 2250
    for other in (buckets("x", names, level_salt(bytes(32))), buckets("y", names, SALT)):
        assert np.count_nonzero(first == other) < 10


def test_column_and_level_do_not_run_into_each_other() -> None:
    assert buckets("ab", ("c",), SALT) != buckets("a", ("bc",), SALT)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(UsageError, match="shorter than 16 bytes"):
        level_salt(b"short")


def test_an_empty_column_is_of_one_kind_whatever_its_dtype() -> None:
    for dtype in ("float64", object, "category", "datetime64[ns]"):
        assert kind(pd.Series([None, None], dtype=dtype)) == "numeric"
        assert kind(pd.Series([None, None], dtype=dtype), categorical=("x",)) == "categorical"
