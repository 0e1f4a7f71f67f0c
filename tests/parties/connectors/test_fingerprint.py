"""Rows without an order get one, and a digest that anybody can compute from the description alone."""

from __future__ import annotations

import hashlib
import json
import struct

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parties.connectors import fingerprint
from parties.connectors.fingerprint import in_order

FRAME = pd.DataFrame(
    {
        "staff": np.array([3, -7, 2**62], dtype=np.int64),
        "ratio": [0.5, np.nan, -0.0],
        "listed": [True, False, True],
        "sector": pd.Series(["shop", None, "制造业"], dtype="str"),
        "seen": np.array(["2024-02-29T12:00:00.000001", "NaT", "1969-12-31"], dtype="datetime64[us]"),
    }
)


def by_hand(frame: pd.DataFrame) -> str:
    """The digest as the module's text describes it, a cell at a time."""
    kinds = {"staff": "whole", "ratio": "number", "listed": "truth", "sector": "text", "seen": "moment"}
    hashes = []
    for _, row in frame.iterrows():
        laid = b""
        for name in sorted(kinds):
            cell, kind = row[name], kinds[name]
            size = 32 if kind == "text" else 8
            if pd.isna(cell):
                laid += b"\x01" + bytes(size)
            elif kind == "text":
                laid += b"\x00" + hashlib.sha256(cell.encode()).digest()
            elif kind == "number":
                laid += b"\x00" + struct.pack("<d", cell + 0.0)
            else:
                whole = (cell - pd.Timestamp(0)) // pd.Timedelta(1, "us") if kind == "moment" else int(cell)
                laid += b"\x00" + struct.pack("<q", whole)
        hashes.append(hashlib.sha256(laid).digest())
    header = ["isthmus rows 1", len(frame), sorted([name, kind] for name, kind in kinds.items())]
    text = json.dumps(header, separators=(",", ":"))
    return hashlib.sha256(text.encode() + b"".join(sorted(hashes))).hexdigest()


def test_the_digest_is_the_one_that_is_described_and_stays_it() -> None:
    assert in_order(FRAME)[1] == by_hand(FRAME)
    assert in_order(FRAME)[1] == "784c0a855abcf88174214d838195fe156fb114bcb4625567f4ec824afae38f49"


@pytest.mark.parametrize("rows", [1, 2, 1 << 16])
def test_how_many_rows_are_laid_out_at_a_time_has_no_part_in_it(
    monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(fingerprint, "_ROWS", rows)
    assert in_order(FRAME)[1] == by_hand(FRAME)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-3, 3), st.sampled_from(["a", "b", "", "ab"]), st.floats(allow_infinity=True)),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_rows_in_any_order_are_the_same_rows_under_the_same_numbers(
    rows: list[tuple[int, str, float]], random: object
) -> None:
    mixed = list(rows)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    (first, one), (again, two) = (
        in_order(pd.DataFrame(each, columns=["n", "t", "x"])) for each in (rows, mixed)
    )
    assert one == two
    pd.testing.assert_frame_equal(first, again)
    less = in_order(pd.DataFrame(rows[1:] or [(9, "z", 0.0)], columns=["n", "t", "x"]))[1]
    assert less != one


@pytest.mark.parametrize(
    "other",
    [
        FRAME.rename(columns={"staff": "stuff"}),
        FRAME.astype({"staff": np.float64}),
        FRAME.drop(columns="seen"),
        FRAME.assign(ratio=[0.5, 0.0, 0.0]),  # A gap is not a zero.
        FRAME.assign(sector=["shop", "", "制造业"]),
        pd.concat([FRAME, FRAME.iloc[:1]]),
    ],
)
def test_other_names_types_gaps_or_repetitions_are_other_rows(other: pd.DataFrame) -> None:
    assert in_order(other)[1] != in_order(FRAME)[1]
