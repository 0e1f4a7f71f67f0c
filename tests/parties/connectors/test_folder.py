"""A folder of Parquet files is one table, however its files part it; DuckDB sees nothing else."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crypto.errors import UsageError
from parties.connectors import ParquetFolder, read_table
from parties.errors import DatasetError

SECRET = "s3cr3t-4711"
FIRMS = pa.table(
    {
        "id": ["a", "b", "c", "d"],
        "staff": pa.array([1, None, 3, 4], pa.int32()),
        "ratio": [0.5, 1.5, float("nan"), 2.5],
        'we"ird.name': ["x", "", None, "制造业"],
    }
)


def folder(path: Path, **parts: pa.Table) -> ParquetFolder:
    """A folder with one file for each part."""
    for name, table in parts.items():
        file = path / "firms" / f"{name}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, file)
    return ParquetFolder(path / "firms")


def refused(read: Callable[[], object]) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read()
    told = str(caught.value) + caught.value.advice
    assert SECRET not in told and "/" not in str(caught.value)
    return caught.value


def test_a_folder_is_what_one_file_of_it_is(tmp_path: Path) -> None:
    source = folder(tmp_path, one=FIRMS.slice(0, 1), two=FIRMS.slice(1))
    pq.write_table(FIRMS, tmp_path / "whole.parquet")
    snapshot = source.read()
    whole = read_table(tmp_path / "whole.parquet")
    whole.loc[1, 'we"ird.name'] = None  # A file keeps an empty text.
    assert snapshot.present == source.columns() == tuple(FIRMS.column_names)
    pd.testing.assert_frame_equal(snapshot.frame.sort_values("id", ignore_index=True), whole)


def test_how_files_part_the_rows_has_no_part_in_the_digest(tmp_path: Path) -> None:
    first = folder(tmp_path / "the bank's", one=FIRMS).read()
    again = folder(tmp_path / "again", y=FIRMS.slice(0, 1), x=FIRMS.slice(1, 3)).read()
    assert again.digest == first.digest
    pd.testing.assert_frame_equal(again.frame, first.frame)
    assert folder(tmp_path / "less", one=FIRMS.slice(1)).digest() != first.digest


def test_names_of_folders_are_columns_and_keep_their_zeros(tmp_path: Path) -> None:
    for code, year in (("007", "2023"), ("12", "2024")):
        place = tmp_path / "firms" / f"code={code}" / f"year={year}"
        place.mkdir(parents=True)
        pq.write_table(FIRMS, place / "part.parquet")
    snapshot = ParquetFolder(tmp_path / "firms").read(lambda present: ("id", "code", "year"))
    assert sorted(snapshot.frame["code"].unique()) == ["007", "12"]
    assert snapshot.frame["year"].dtype == np.int64
    assert {"code", "year", "ratio"} <= set(snapshot.present) and len(snapshot.frame.columns) == 3


def test_types_are_those_of_a_file_and_others_are_refused_by_name(tmp_path: Path) -> None:
    source = folder(
        tmp_path,
        one=pa.table(
            {
                "account": pa.array([Decimal("12345678901234567890"), Decimal(5)], pa.decimal128(20, 0)),
                "price": pa.array([Decimal("1.50"), None], pa.decimal128(9, 2)),
                "day": pa.array([dt.date(2024, 2, 29), None]),
                "listed": pa.array([True, False]),
                "big": pa.array([2**60 + 1, None], pa.int64()),
                "photo": pa.array([b"\x00", b"\x01"]),
                "tags": pa.array([["a"], []]),
            }
        ),
    )
    plain = source.read(lambda present: present[:5]).frame.sort_values("account", ignore_index=True)
    assert plain["account"].tolist() == ["12345678901234567890", "5"]
    assert plain["price"].dtype == np.float64 and plain["listed"].dtype == np.bool_
    assert plain["day"].iloc[0] == pd.Timestamp("2024-02-29") and plain["big"].iloc[0] == str(2**60 + 1)
    for column in ("photo", "tags"):
        error = refused(lambda column=column: source.read(lambda present: (column,)))  # type: ignore[misc]
        assert error.field == column and "which no model reads" in error.what


def test_what_is_no_folder_of_one_table_is_refused(tmp_path: Path) -> None:
    assert "no such folder" in refused(ParquetFolder(tmp_path / "gone").read).what
    (tmp_path / "firms").mkdir()
    assert "no .parquet file" in refused(ParquetFolder(tmp_path / "firms").read).what
    other = folder(tmp_path, one=FIRMS, two=FIRMS.drop_columns(["ratio"]))
    assert "other columns than the first" in refused(other.read).what
    pq.write_table(FIRMS.set_column(1, "staff", [[SECRET] * 4]), tmp_path / "firms" / "two.parquet")
    assert "as one table" in refused(other.read).what
    (tmp_path / "firms" / "two.parquet").write_text(SECRET)
    with pytest.raises(DatasetError, match="not Parquet"):
        other.read()
    empty = folder(tmp_path / "empty", one=FIRMS.slice(0, 0))
    assert "no rows" in refused(empty.read).what


def test_a_folder_that_takes_more_memory_than_there_is_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parties.connectors.folder._MEMORY", "1MB")
    many = pa.table({"id": [f"{row:09d}" for row in range(200_000)]})
    assert "more memory than 1MB" in refused(folder(tmp_path, one=many).read).what


def test_hidden_and_unfinished_files_are_not_read(tmp_path: Path) -> None:
    source = folder(tmp_path, one=FIRMS)
    first = source.digest()
    for name in (".one.parquet.tmp.parquet", "_temporary/two.parquet"):
        (tmp_path / "firms" / name).parent.mkdir(exist_ok=True)
        pq.write_table(FIRMS, tmp_path / "firms" / name)
    assert source.digest() == first


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    pq.write_table(FIRMS, tmp_path / "outside.parquet")
    source = folder(tmp_path, one=FIRMS)
    (tmp_path / "firms" / "two.parquet").symlink_to(tmp_path / "outside.parquet")
    assert "leads out of the folder" in refused(source.read).what


@pytest.mark.parametrize("name", ["all*", "a?", "x[1]", "{a,b}"])
def test_a_name_that_duckdb_would_take_for_a_pattern_is_refused(tmp_path: Path, name: str) -> None:
    assert "one of the signs" in refused(folder(tmp_path, **{name: FIRMS}).read).what


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_parquet('{outside}')",
        "SELECT * FROM read_parquet('https://127.0.0.1:9/x.parquet')",
        "COPY (SELECT 1) TO '{outside}.csv'",
        "ATTACH '{outside}.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
    ],
)
def test_duckdb_reaches_no_other_file_and_no_network(tmp_path: Path, statement: str) -> None:
    pq.write_table(FIRMS, tmp_path / "outside.parquet")
    source = folder(tmp_path, one=FIRMS)
    with source._session() as session, pytest.raises(duckdb.Error):
        session.execute(statement.format(outside=tmp_path / "outside.parquet"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["firms", "outside.parquet"]


def test_without_duckdb_the_line_that_installs_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    error = refused(folder(tmp_path, one=FIRMS).columns)
    assert "pip install 'isthmus[duckdb]'" in error.advice
