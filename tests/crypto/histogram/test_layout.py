"""Block sizes follow from counts; every histogram row has a place of its own."""

from __future__ import annotations

import numpy as np
import pytest

from crypto.histogram import HistogramScheme
from crypto.histogram.layout import Layout
from crypto.histogram.ring import DEGREE


@pytest.mark.parametrize(
    "layout",
    [Layout(2048, 700, merges=True), Layout(1000, 70, merges=False), Layout(1, 9000, merges=False)],
)
def test_no_two_histogram_rows_of_an_answer_share_a_coefficient(layout: Layout) -> None:
    parts = layout.parts()
    assert sum(map(len, parts)) == layout.histogram_rows
    for positions in parts:
        assert len(np.unique(positions)) == len(positions)
        assert positions.min() >= 0 and positions.max() < DEGREE


def test_block_sizes_keep_a_tree_of_depth_five_within_forty_megabytes() -> None:
    scheme, total = HistogramScheme(), 0
    for rows, nodes in ((24_000, 1), (12_000, 1), (12_000, 2), (12_000, 4), (12_000, 8)):
        block = scheme.block_rows(rows, 416, nodes)
        assert DEGREE // (DEGREE // block) == block  # No coefficient is left unused.
        total += scheme.exchanged_bytes(rows, 416, nodes, block)
    assert total < 37_000_000


def test_more_rows_take_larger_blocks_and_more_nodes_smaller_ones() -> None:
    scheme = HistogramScheme()
    assert scheme.block_rows(100_000, 416, 1) > scheme.block_rows(10_000, 416, 1)
    assert scheme.block_rows(10_000, 416, 8) < scheme.block_rows(10_000, 416, 1)
    assert scheme.block_rows(50, 1, 1) == DEGREE
    assert HistogramScheme("bytes").block_rows(50, 1, 1) == Layout.MERGED_BLOCK
