"""Identifiers are compared byte for byte, so they are written one way, and doubtful ones are left out."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.dataset import DatasetConfig, KeyType
from parties.identifiers import assemble_usccs
from parties.keys import AlignedKeys, KeyReport, align_keys, normalise

CODE = "9144030071526726XG"


def config(key_type: KeyType = "text") -> DatasetConfig:
    return DatasetConfig("loans", Path("somewhere/loans.csv"), "firm", key_type=key_type, party="bank")


def align(
    cells: object, key_type: KeyType = "text", dtype: object = object, limit: float = 1.0
) -> AlignedKeys:
    return align_keys(pd.DataFrame({"firm": pd.Series(cells, dtype=dtype)}), config(key_type), limit=limit)


@pytest.mark.parametrize(
    "written",
    [CODE, CODE.lower(), f"  {CODE}\t", "".join(chr(ord(c) + 0xFEE0) for c in CODE), f"\u3000{CODE}\u3000"],
)
def test_every_way_of_writing_a_code_gives_the_same_bytes(written: str) -> None:
    assert align([written], "uscc").ids.open_locally() == (CODE.encode(),)


@pytest.mark.parametrize("text", ["ǰ", "ΐ", "ΰ", "Ⅷ号", "ﬁrma", "straße", "ό", "e\u0301cole", "K"])
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once == unicodedata.normalize("NFKC", once)


def test_composed_and_decomposed_letters_are_one_identifier() -> None:
    assert normalise("société") == normalise("socie\u0301te\u0301") == "SOCIÉTÉ"


def test_blank_malformed_and_repeated_identifiers_are_left_out_and_counted() -> None:
    cells = ["a1", None, " ", "b2", "B2 ", "n/a", "c\u200b3", "d\x004", float("nan"), "12.0", "e5", "x" * 257]
    aligned = align(cells)
    assert aligned.report == KeyReport(kept=2, blank=4, malformed=4, duplicated=2)
    assert aligned.ids.open_locally() == (b"A1", b"E5")
    assert aligned.positions.open_locally().tolist() == [0, 10]
    assert aligned.positions.open_locally().dtype == np.int64


def test_all_rows_of_a_repeated_identifier_are_left_out_also_when_they_are_written_differently() -> None:
    assert align(["a", "Ａ", " a", "b"]).ids.open_locally() == (b"B",)


def test_a_code_with_a_wrong_check_character_is_malformed() -> None:
    report = align([CODE, CODE[:-1] + "H", CODE[:-1], "911"], "uscc").report
    assert report == KeyReport(kept=1, blank=0, malformed=3, duplicated=0)


@pytest.mark.parametrize("lone", ["\ud800", "a\udfff"])
def test_half_a_character_is_malformed_rather_than_a_crash(lone: str) -> None:
    assert align([lone, "b"]).report.malformed == 1


def test_whole_numbers_are_their_digits() -> None:
    assert align([7, 12, 900], dtype="int64").ids.open_locally() == (b"7", b"12", b"900")
    assert align([7, None], dtype="Int64").report == KeyReport(1, 1, 0, 0)


def test_an_identifier_that_was_read_as_a_decimal_number_is_refused() -> None:
    with pytest.raises(UsageError, match="decimal numbers") as caught:
        align([123.0, 456.0], dtype="float64")
    assert "123, not 123.0" in caught.value.advice


@pytest.mark.parametrize("spoilt", ["8231.0", "9.14403E+17", "9.14403e+17"])
def test_what_a_spreadsheet_made_of_an_identifier_is_refused_with_advice(spoilt: str) -> None:
    with pytest.raises(UsageError) as caught:
        align([spoilt, "b", "c"], limit=0.1)
    assert "decimal numbers" in caught.value.advice
    assert spoilt not in str(caught.value) + caught.value.advice


@pytest.mark.parametrize(
    ("cells", "advice"),
    [
        (["", "a", "b"], "Fill"),
        (["\x01", "a", "b"], "printable"),
        (["a", "a", "b"], "one row per firm"),
        (["a", "a"], "one row per firm"),
    ],
)
def test_too_many_bad_rows_end_the_run_naming_counts_and_no_value(cells: list[str], advice: str) -> None:
    with pytest.raises(UsageError, match="rows have no usable identifier") as caught:
        align(cells, limit=0.1)
    error = caught.value
    assert (error.party, error.file, error.field) == ("bank", "loans.csv", "firm")
    assert advice in error.advice
    assert "somewhere" not in str(error)


def test_the_limit_is_a_share_of_all_rows_and_may_be_reached() -> None:
    cells = [f"firm-{i}" for i in range(9)]
    assert align([*cells, ""], limit=0.1).report.kept == 9
    with pytest.raises(UsageError, match="2 of 11 rows"):
        align([*cells, "", ""], limit=0.1)


def test_no_usable_row_is_refused_whatever_the_limit() -> None:
    with pytest.raises(UsageError):
        align(["a", "a"], limit=1.0)
    with pytest.raises(UsageError, match="no rows"):
        align([], limit=1.0)


def test_an_absent_key_column_is_refused() -> None:
    with pytest.raises(UsageError, match="no such key column"):
        align_keys(pd.DataFrame({"Firm": ["a"]}), config())


def test_identifiers_appear_in_no_repr() -> None:
    aligned = align(["secret-firm", "b"])
    assert "SECRET" not in repr(aligned).upper()


def test_a_large_column_keeps_its_order() -> None:
    codes = assemble_usccs(np.full(20_000, 110101), np.arange(20_000) * 7919 + 7)
    aligned = align(np.roll(codes, 5), "uscc", dtype="str")
    assert aligned.ids.open_locally() == tuple(code.encode() for code in np.roll(codes, 5).tolist())
    assert aligned.report == KeyReport(20_000, 0, 0, 0)
