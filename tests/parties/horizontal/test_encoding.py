"""What a model is given: finite whatever the table holds, the same after saving, nothing lost in pieces."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.features.standard import Standard
from parties.horizontal.encoding import CategoricalEncoding, CommonEncoding, NumericEncoding, pieces
from parties.horizontal.statistics import Fitted
from tests.parties.horizontal.world import dataset, encoded, fitted, table

PLACE = dataset().place
RNG = np.random.default_rng(23)


@pytest.fixture(scope="module")
def fit() -> Fitted:
    gaps = RNG.normal(0, 1, 900)
    gaps[::4] = np.nan
    return fitted(table(money=RNG.lognormal(9, 2, 900), gaps=gaps, level=["A", "B", ""] * 300))


@pytest.mark.parametrize(
    "columns",
    [
        {"money": [np.nan, -1e308, 1e308], "gaps": [np.nan, 0, 1e-320], "level": ["", "Z", None]},
        {"money": [1, 2, 3], "gaps": [None, None, None], "level": [np.nan, np.nan, np.nan]},
        {"money": ["1", " ", "3.5"], "gaps": ["", "", ""], "level": [1, 2, 3]},
        {"money": [True, False, True], "gaps": [0, 0, 0], "level": [True, False, True]},
        {"money": [], "gaps": [], "level": []},
    ],
)
def test_no_gap_and_no_infinity_reaches_a_model(fit: Fitted, columns: dict[str, Any]) -> None:
    rows = fit.encoding.encode(pd.DataFrame(columns), PLACE)
    count = len(columns["money"])
    assert rows.numeric.dtype == np.float32
    assert rows.numeric.shape == (count, len(fit.encoding.names))
    assert np.isfinite(rows.numeric).all()
    assert rows.codes.dtype == np.int64
    assert rows.codes.shape == (count, 1)
    assert ((rows.codes >= 0) & (rows.codes < fit.encoding.cardinalities)).all()


def test_names_follow_the_pieces(fit: Fitted) -> None:
    assert fit.encoding.names == (
        *(f"gaps ({piece} of 4)" for piece in range(1, 5)),
        "gaps (missing)",
        *(f"money ({piece} of 4)" for piece in range(1, 5)),
    )
    assert fit.encoding.categories == ("level",)
    assert fit.encoding.cardinalities == (3,)


def test_a_gap_counts_as_the_median_and_is_told(fit: Fitted) -> None:
    column = fit.encoding.numeric[0]
    rows = encoded(fit, table(money=[1.0, 1.0], gaps=[np.nan, column.fill], level=["A", "A"])).numeric
    assert (rows[0] == rows[1]).sum() == len(fit.encoding.names) - 1
    assert rows[0, 4] > 0 > rows[1, 4]


def test_pieces_add_up_to_the_value_cut_at_the_ends() -> None:
    knots = (-3.0, 0.0, 0.5, 100.0)
    values = RNG.uniform(-10, 120, 1000)
    parts = pieces(values, knots)
    assert (parts.min(), parts.max()) == (0, 1)
    assert knots[0] + np.diff(knots) @ parts == pytest.approx(np.clip(values, -3, 100), abs=1e-12)
    # A later piece begins where the earlier ones are full.
    assert ((parts[1:] == 0) | (parts[:-1] == 1)).all()


def test_saved_and_read_again_it_encodes_to_the_same_bits(fit: Fitted) -> None:
    again = CommonEncoding.from_dict(json.loads(json.dumps(fit.encoding.to_dict(), allow_nan=False)))
    assert again == fit.encoding
    frame = table(money=RNG.lognormal(9, 2, 50), gaps=RNG.normal(0, 1, 50), level=["A", "B"] * 25)
    first, second = fit.encoding.encode(frame, PLACE), again.encode(frame, PLACE)
    assert first.numeric.tobytes() == second.numeric.tobytes()
    assert first.codes.tobytes() == second.codes.tobytes()


def damaged(saved: dict[str, Any]) -> list[Any]:
    numeric, level = saved["numeric"], saved["categorical"][0]
    return [
        None,
        saved | {"version": 2},
        saved | {"salt": "00"},
        saved | {"salt": None},
        saved | {"numeric": [], "categorical": []},
        saved | {"numeric": [*numeric, numeric[0]]},
        saved | {"numeric": [numeric[0] | {"knots": numeric[0]["knots"][::-1]}]},
        saved | {"numeric": [numeric[0] | {"knots": numeric[0]["knots"][1:]}]},
        saved | {"numeric": [numeric[0] | {"fill": float("nan")}]},
        saved | {"numeric": [numeric[0] | {"pieces": [], "knots": [], "gap": None}]},
        saved | {"numeric": [numeric[1] | {"pieces": [{"mean": 0.5, "scale": 0.0}] * 4}]},
        saved | {"categorical": [level | {"buckets": None}]},
        saved | {"categorical": [level | {"buckets": [1, 1]}]},
        saved | {"categorical": [level | {"buckets": [4096]}]},
        saved | {"categorical": [level | {"buckets": [True]}]},
        saved | {"categorical": [level | {"levels": ["A"]}]},
        saved | {"categorical": [level | {"column": numeric[0]["column"]}]},
    ]


@pytest.mark.parametrize("case", range(17))
def test_a_damaged_encoding_is_refused(fit: Fitted, case: int) -> None:
    cases = damaged(json.loads(json.dumps(fit.encoding.to_dict())))
    assert len(cases) == 17
    with pytest.raises(UsageError, match="damaged, or of another version"):
        CommonEncoding.from_dict(cases[case])


def test_a_table_that_lacks_a_column_is_refused(fit: Fitted) -> None:
    with pytest.raises(UsageError, match="lacks columns of the common encoding, or has one twice: gaps"):
        encoded(fit, table(money=[1.0], level=["A"]))
    twice = table(money=[1.0], gaps=[1.0], level=["A"])
    twice.columns = pd.Index(["money", "bad", "money", "gaps", "level"])
    with pytest.raises(UsageError, match="has one twice"):
        encoded(fit, twice)


def test_a_word_among_numbers_is_refused_and_not_repeated(fit: Fitted) -> None:
    with pytest.raises(
        UsageError, match="field money: 1 of 2 cells of a column of numbers are text"
    ) as refused:
        encoded(fit, table(money=["1", "secret-cell"], gaps=[1.0, 2.0], level=["A", "B"]))
    assert "secret-cell" not in str(refused.value) + refused.value.advice


def test_other_columns_do_not_matter(fit: Fitted) -> None:
    frame = table(money=[1.0, 2.0], gaps=[0.0, 1.0], level=["A", "B"])
    more = frame.assign(extra=["x", "y"])[["level", "extra", "gaps", "money"]]
    assert (encoded(fit, frame).numeric == encoded(fit, more).numeric).all()
    assert (encoded(fit, frame).codes == encoded(fit, more).codes).all()


def test_nothing_of_it_is_printed(fit: Fitted) -> None:
    rows = encoded(fit, table(money=[1234.5], gaps=[0.0], level=["A"]))
    printed = repr(fit) + repr(fit.encoding) + repr(fit.encoding.numeric) + repr(rows) + repr(fit.statistics)
    assert "array" not in printed
    assert fit.encoding.salt.hex() not in printed
    assert str(fit.encoding.numeric[0].knots[1]) not in printed


def test_columns_that_cannot_be_are_not_made() -> None:
    one = (Standard(0.5, 0.25),)
    with pytest.raises(ValueError, match="do not rise"):
        NumericEncoding("x", 0.0, (1.0, 1.0), one, None)
    with pytest.raises(ValueError, match="has its standard"):
        NumericEncoding("x", 0.0, (0.0, 1.0, 2.0), one, None)
    with pytest.raises(ValueError, match="without a feature"):
        NumericEncoding("x", 0.0, (), (), None)
    with pytest.raises(ValueError, match="or both"):
        CategoricalEncoding("x", ("A",), (3,))
    with pytest.raises(ValueError, match="no level has a code"):
        CategoricalEncoding("x", (), None)
