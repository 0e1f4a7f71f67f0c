"""Rounded gradients and hessians add up exactly in one residue, and no finer steps would fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import UsageError
from crypto.histogram import HistogramScheme
from parties.boosting.objective import gradients
from parties.boosting.quantise import MOST_BITS, quantised

MODULUS = HistogramScheme("bytes").modulus


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200), st.sampled_from([1 << 26, 1 << 32, MODULUS]), st.integers(0, 1 << 32))
def test_sums_over_any_drawn_rows_come_back_and_are_near_those_that_were_not_rounded(
    rows: int, modulus: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    labels = (generator.random(rows) < generator.random()).astype(np.int8)
    g, h = gradients(generator.normal(size=rows) * 3, labels)
    drawn = generator.random(rows) < 0.8
    found, packing = quantised(g, h, drawn, modulus, generator)
    words = packing.pack(found.first.astype(np.int64), found.second.astype(np.int64))
    for some in (drawn, labels == 1, labels == 0, generator.random(rows) < 0.5):
        total = np.array([int(sum(words[some].tolist())) % modulus], dtype=np.uint64)
        sums = packing.unpack(total)
        assert sums == (found.first[some].sum(), found.second[some].sum())
        for rounded, step, values in zip(sums, (found.g_step, found.h_step), (g, h), strict=True):
            assert abs(rounded * step - values[some & drawn].sum()) <= (some & drawn).sum() * step


def test_steps_are_as_fine_as_the_residue_has_room_for() -> None:
    generator = np.random.default_rng(0)
    labels = (generator.random(24_000) < 0.2).astype(np.int8)
    g, h = gradients(np.full(24_000, -1.4), labels)
    found, _ = quantised(g, h, np.ones(24_000, dtype=np.bool_), MODULUS, generator)
    assert (found.g_step, found.h_step) == (2.0**-8, 2.0**-8)
    room = np.abs(found.first).sum() * found.second.sum()
    assert MODULUS / 4 < room < MODULUS
    few, _ = quantised(g[:3], h[:3], np.ones(3, dtype=np.bool_), 1 << 62, generator)
    assert few.g_step == few.h_step == 2.0**-MOST_BITS


def test_more_rows_than_any_step_has_room_for_are_refused() -> None:
    with pytest.raises(UsageError, match="do not fit") as refused:
        quantised(np.ones(50), np.ones(50), np.ones(50, dtype=np.bool_), 1 << 10, np.random.default_rng(0))
    assert "row_share" in str(refused.value.advice)
