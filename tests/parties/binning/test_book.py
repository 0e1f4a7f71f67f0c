"""A table finds every value its bin: one row as many rows, saved as before, WOE to the closed form."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from federation.credit import Binning
from parties.binning.book import BinningBook, BinningTable, counted, told
from parties.binning.fine import fine_columns
from parties.binning.woe import information_value, woe
from parties.dataset import ColumnRules, DatasetConfig

CONFIG = DatasetConfig(
    "loans", Path("a.csv"), "id", columns={"turnover": ColumnRules(special=(-999,))}, party="bank"
)
ROWS = 3000


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    generator = np.random.default_rng(2)
    turnover = generator.lognormal(size=ROWS)
    turnover[:150], turnover[150:300] = -999, np.nan
    sector = generator.choice(["A", "B", "C", "D"], ROWS, p=[0.4, 0.3, 0.2, 0.1])
    return pd.DataFrame(
        {"id": range(ROWS), "turnover": turnover, "late": generator.random(ROWS) < 0.1, "sector": sector}
    )


@pytest.fixture(scope="module")
def bad(frame: pd.DataFrame) -> np.ndarray:
    chance = 0.1 + 0.3 * frame["late"] + 0.2 * (frame["turnover"] < 0.6) + 0.1 * (frame["sector"] == "D")
    return (np.random.default_rng(3).random(ROWS) < chance).to_numpy()


@pytest.fixture(scope="module")
def book(frame: pd.DataFrame, bad: np.ndarray) -> BinningBook:
    every = np.ones(ROWS, dtype=np.bool_)
    columns = fine_columns(frame, every, CONFIG, Binning(), [])
    return BinningBook(
        tuple(
            counted(
                column,
                np.bincount(
                    column.codes(frame[column.cuts.column], CONFIG.place)[bad], minlength=column.cells
                ),
                "monotone",
                5,
            )
            for column in columns
        )
    )


def test_each_bins_woe_and_iv_are_the_closed_form_over_its_rows(
    book: BinningBook, frame: pd.DataFrame, bad: np.ndarray
) -> None:
    codes = book.codes(frame, CONFIG.place)
    for at, table in enumerate(book.tables):
        bads = np.bincount(codes[bad, at], minlength=len(table.rows))
        goods = np.bincount(codes[~bad, at], minlength=len(table.rows))
        assert (list(table.rows), list(table.bad or ())) == ((goods + bads).tolist(), bads.tolist())
        assert table.woe == pytest.approx(woe(goods, bads), abs=1e-12)
        assert table.iv == pytest.approx(information_value(goods, bads), abs=1e-12)


def test_bins_are_monotone_few_and_named(book: BinningBook) -> None:
    turnover, late, sector = book.tables
    assert (turnover.column, turnover.trend) == ("turnover", "descending")
    assert turnover.ordinary <= 5
    assert turnover.names()[-2:] == ("-999", "(missing)")
    assert turnover.names()[0].startswith("< ")
    assert late.names() == ("false, (missing)", "true")
    assert sorted(", ".join(sector.names()).split(", ")) == ["(missing)", "A", "B", "C", "D"]


def test_one_row_is_given_the_same_bits_as_a_batch(book: BinningBook, frame: pd.DataFrame) -> None:
    batch = book.woe(book.codes(frame, CONFIG.place))
    single = [book.woe(book.codes(frame.iloc[[row]], CONFIG.place))[0] for row in range(0, ROWS, 100)]
    assert np.array_equal(batch[::100], np.array(single))
    assert np.array_equal(batch[:, 0], book.tables[0].transform(frame["turnover"], CONFIG.place))


def test_a_saved_book_finds_the_same_bins(book: BinningBook, frame: pd.DataFrame) -> None:
    again = BinningBook.from_dict(json.loads(json.dumps(book.to_dict(), allow_nan=False)))
    assert again == book
    with pytest.raises(UsageError, match="damaged"):
        BinningBook.from_dict({"version": 1, "tables": [{"version": 1}]})
    assert "turnover" not in repr(book) + repr(book.tables[0])


def test_what_was_not_seen_in_training_has_a_bin(book: BinningBook) -> None:
    later = pd.DataFrame({"turnover": [1e300, -1e300], "late": [None, True], "sector": ["Z", None]})
    assert np.isfinite(book.woe(book.codes(later, CONFIG.place))).all()


def test_lacking_columns_are_named(book: BinningBook, frame: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match="turnover"):
        book.codes(frame.drop(columns="turnover"), CONFIG.place)


def test_a_table_made_of_what_was_told_has_no_counts_of_bads(frame: pd.DataFrame) -> None:
    (column, *_) = fine_columns(frame, np.ones(ROWS, dtype=np.bool_), CONFIG, Binning(fine=4), [])
    table = told(column, np.array([0, 0, 1, 1, 2, 3]), [0.1, -0.2, 0.0, 0.3], 0.05)
    assert (table.bad, table.ordinary) == (None, 2)
    assert len(table.cuts.edges) == 1
    assert BinningTable.from_dict(table.to_dict()) == table
