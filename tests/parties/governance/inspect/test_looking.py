"""Facts of columns are right for every kind of file, and tell of nobody."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crypto.errors import UsageError
from parties.dataset import DatasetConfig
from parties.governance.inspect.looking import ColumnFacts, look, look_at
from tests.parties.governance.inspect import people


def facts(path: Path, **roles: object) -> dict[str, ColumnFacts]:
    seen = look(DatasetConfig("data", path, "id", **roles))  # type: ignore[arg-type]
    return {each.name: each for each in seen.columns}


def test_types_gaps_and_ranges_of_a_parquet_file(tmp_path: Path) -> None:
    table = {
        "id": pa.array([f"F{row}" for row in range(4)]),
        "price": pa.array([Decimal("1.50"), None, Decimal("2.25"), Decimal("3.00")]),
        "day": pa.array([dt.date(2020, 1, 1), None, dt.date(2021, 1, 1), dt.date(2022, 1, 1)]),
        "moment": pa.array([dt.datetime(2020, 1, 1, tzinfo=dt.UTC)] * 4),
        "yes": pa.array([True, None, False, True]),
        "list": pa.array([[1], [2], [3], None]),
        "nothing": pa.nulls(4),
        "code": pa.array([1, 2, 3, 3]),
        "odd": pa.array([1.0, float("inf"), 3.0, 2.0]),
    }
    pq.write_table(pa.table(table), tmp_path / "t.parquet")
    found = facts(tmp_path / "t.parquet", categorical=("code",))
    assert {name: each.type for name, each in found.items()} == {
        "id": "text",
        "price": "number",
        "day": "date",
        "moment": "date",
        "yes": "flag",
        "list": "category",
        "nothing": "number",
        "code": "category",
        "odd": "number",
    }
    assert (found["price"].low, found["price"].high, found["price"].missing) == (1.5, 3.0, 0.25)
    assert (found["odd"].low, found["odd"].high) == (1.0, 3.0)


def test_a_number_that_identifies_somebody_has_no_range(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"id": range(50), "c7": [people.mobile(random) for _ in range(50)]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    found = facts(tmp_path / "t.csv")
    assert found["c7"].type == "number"
    assert found["id"].low is found["id"].high is found["c7"].low is found["c7"].high is None


@pytest.mark.parametrize(
    ("columns", "key"),
    [
        ({"a": [1, 1, 2], "uscc": ["x", "y", "z"]}, "uscc"),
        ({"a": [1, 1, 2], "entity_id": ["x", "y", "z"]}, "entity_id"),
        ({"a": [1, 1, 2], "b": [0.5, 1.5, 2.5], "c": ["x", "y", "z"]}, "c"),
        ({"a": [1, 1, 2], "b": [0.5, 0.5, 2.5]}, "a"),
    ],
)
def test_the_key_of_a_table_that_nobody_described_is_guessed(
    tmp_path: Path, columns: dict[str, list[object]], key: str
) -> None:
    pd.DataFrame(columns).to_csv(tmp_path / "t.csv", index=False)
    assert look_at(tmp_path / "t.csv", "data").config.key == key


def test_credit_codes_are_a_key_under_any_title(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    frame = pd.DataFrame({"id": range(30), "编号": [people.credit_code(random) for _ in range(30)]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert look_at(tmp_path / "t.csv", "data").config.key == "编号"


def test_a_column_that_was_named_and_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,x\na,1\n")
    with pytest.raises(UsageError, match="'bad'"):
        look_at(tmp_path / "t.csv", "data", label="bad")
