"""A file becomes the table that its owner meant, or is refused with the file's name and a next step."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crypto.errors import UsageError
from parties.connectors import columns, read_table

ALL_DIGITS = "914403001922038216"
SECRET = "4711.25"


def written(folder: Path, content: bytes | str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_code_of_digits_alone_stays_text(tmp_path: Path) -> None:
    frame = read_table(written(tmp_path, f"uscc,amount\n{ALL_DIGITS},12\n"))
    assert frame["uscc"].tolist() == [ALL_DIGITS]
    assert frame["amount"].dtype == np.int64


@pytest.mark.parametrize(
    ("cells", "kept"),
    [
        (["007", "12"], ["007", "12"]),
        (["9007199254740993", "1"], ["9007199254740993", "1"]),
        (["NA", "Ltd"], ["NA", "Ltd"]),
        (["null", "nan"], ["null", "nan"]),
        (["1,5", "2"], ["1,5", "2"]),
        (["inf", "2"], ["inf", "2"]),
        (["制造业", "12"], ["制造业", "12"]),
    ],
)
def test_what_arithmetic_would_spoil_stays_text(tmp_path: Path, cells: list[str], kept: list[str]) -> None:
    text = "other,cell\n" + "".join(f'x,"{cell}"\n' for cell in cells)
    assert read_table(written(tmp_path, text))["cell"].tolist() == kept


@pytest.mark.parametrize("mark", ["", "NA", "NaN", "NULL", "N/A"])
def test_a_gap_among_numbers_is_missing(tmp_path: Path, mark: str) -> None:
    column = read_table(written(tmp_path, f"a,b\n1,x\n{mark},x\n-2.5e1,x\n"))["a"]
    np.testing.assert_array_equal(column.to_numpy(), [1.0, np.nan, -25.0])


def test_an_empty_cell_among_text_is_missing_and_nothing_else_is(tmp_path: Path) -> None:
    column = read_table(written(tmp_path, "a,b\n1,NA\n2,\n3,x\n"))["b"]
    assert column.isna().tolist() == [False, True, False]


def test_numbers_are_read_to_the_last_bit(tmp_path: Path) -> None:
    numbers = np.random.default_rng(5).standard_normal(500) * 10.0 ** np.arange(-20, 30, 0.1)
    text = "a,b\n" + "".join(f"{number!r},x\n" for number in numbers.tolist())
    np.testing.assert_array_equal(read_table(written(tmp_path, text))["a"].to_numpy(), numbers)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz", "TABLE.CSV"])
def test_chinese_text_is_read_in_each_encoding(tmp_path: Path, encoding: str, name: str) -> None:
    content = "行业,amount\r\n制造业（华东）,1\r\n".encode(encoding)
    path = written(tmp_path, gzip.compress(content) if name.endswith("gz") else content, name)
    frame = read_table(path)
    assert frame.to_dict("list") == {"行业": ["制造业（华东）"], "amount": [1]}
    assert columns(path) == ("行业", "amount")


def test_a_quoted_cell_may_hold_commas_quotes_and_lines(tmp_path: Path) -> None:
    frame = read_table(written(tmp_path, 'a,b\n"x, ""y""\nz",1\n'))
    assert frame["a"].tolist() == ['x, "y"\nz']


def test_parquet_text_keys_and_gaps_survive(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    table = pa.table(
        {
            "uscc": pa.array([int(ALL_DIGITS)] * 3),
            "kind": pa.array(["NA", None, "x"]).dictionary_encode(),
            "amount": pa.array([1, None, 3]),
        }
    )
    pq.write_table(table, path)
    frame = read_table(path)
    assert columns(path) == ("uscc", "kind", "amount")
    assert frame["uscc"].tolist() == [ALL_DIGITS] * 3
    assert frame["kind"].isna().tolist() == [False, True, False]
    np.testing.assert_array_equal(frame["amount"].to_numpy(), [1.0, np.nan, 3.0])


def test_a_parquet_key_that_was_rounded_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pd.DataFrame({"uscc": [float(ALL_DIGITS)]}).to_parquet(path)
    with pytest.raises(UsageError, match="rounded"):
        read_table(path)


CSV = f"uscc,amount\n{ALL_DIGITS},{SECRET}\n".encode()
REFUSED = {
    "no such file": ("table.csv", None),
    "of an unknown kind": ("table.xlsx", CSV),
    "is empty": ("table.csv", b""),
    "is empty ": ("table.csv.gz", gzip.compress(b"")),
    "no rows": ("table.csv", b"uscc,amount\n"),
    "not a header": ("table.csv", f"{ALL_DIGITS},{SECRET}\n{ALL_DIGITS},1\n".encode()),
    "not a header ": ("table.csv", b"uscc,\n1,2\n"),
    "not a header  ": ("table.csv", f"91110000802100433B,x\n{ALL_DIGITS},1\n".encode()),
    "column 3 has the name of an earlier one": ("table.csv", b"uscc,a,a\n1,4711.25,3\n"),
    "neither UTF-8 nor GBK": ("table.csv", CSV.decode().encode("utf-16")),
    "neither UTF-8 nor GBK ": ("table.csv", "a,b\ncafé,4711.25\nñandú,über\n".encode("latin-1")),
    "neither UTF-8 nor GBK  ": ("table.csv", b"a,b\n\xff\xfe\xff,4711.25\n"),
    "cut off": ("table.csv.gz", gzip.compress(CSV * 50)[:-9]),
    "not gzip": ("table.csv.gz", CSV),
    "a row has not as many cells": ("table.csv", CSV + b"4711.25\n"),
    "a row has not as many cells ": ("table.csv", CSV + b"4711.25,2,3\n"),
    "has not as many cells": ("table.csv", CSV + b'"4711.25,2\n'),
    "separated by commas": ("table.csv", b"uscc;amount\n1;4711.25\n"),
    "not Parquet": ("table.parquet", CSV),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_bad_file_is_refused_by_name_and_without_a_cell_of_it(tmp_path: Path, why: str) -> None:
    name, content = REFUSED[why]
    path = tmp_path / name if content is None else written(tmp_path, content, name)
    with pytest.raises(UsageError, match=why.strip()) as caught:
        read_table(path)
    assert caught.value.file == str(path)
    said = str(caught.value).replace(str(path), "") + caught.value.advice
    assert SECRET not in said
    assert ALL_DIGITS not in said
    assert caught.value.__cause__ is None


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    pd.DataFrame({"a": np.arange(1000)}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    for read in (read_table, columns):
        with pytest.raises(UsageError, match="not Parquet"):
            read(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "table.csv").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        columns(tmp_path / "table.csv")


def test_columns_reads_the_header_alone(tmp_path: Path) -> None:
    """The end of the file may be missing, and the names are still known."""
    rows = np.random.default_rng(1).bytes(1_000_000).hex()
    whole = gzip.compress(
        b"uscc,amount\n" + b"\n".join(f"{rows[i : i + 40]},1".encode() for i in range(0, 10**6, 40))
    )
    path = written(tmp_path, whole[: len(whole) // 2], "table.csv.gz")
    assert columns(path) == ("uscc", "amount")
    with pytest.raises(UsageError, match="cut off"):
        read_table(path)


def test_which_row_is_bad_is_said_here_and_not_to_the_other_roles(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(CSV + b"4711.25\n")
    with pytest.raises(UsageError) as refused:
        read_table(path)
    assert "in row 3," in refused.value.advice
    assert "3" not in refused.value.told
