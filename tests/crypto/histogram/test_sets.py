"""Sums over sets of bins are exact, whichever sets, in one process as in two."""

from __future__ import annotations

import numpy as np
import pytest

from crypto.errors import UsageError
from crypto.histogram import BinSets, HistogramScheme, histograms
from crypto.histogram.host import sets_shift_probability
from crypto.histogram.layout import Layout
from crypto.pool import Pool
from crypto.private import Private
from crypto.sealed import WireRefused

SIZES, FEATURES, BINS = [300, 0, 170], 3, 6


def sample(sets: int) -> tuple[np.ndarray, np.ndarray, BinSets]:  # type: ignore[type-arg]
    """Words, bins, and random sets among which are none and all of the rows."""
    generator = np.random.default_rng(8)
    words = generator.integers(0, 1 << 20, sum(SIZES)).astype(np.uint64)
    bins = generator.integers(0, BINS, (sum(SIZES), FEATURES)).astype(np.uint8)
    tables = generator.random((len(SIZES), sets, BINS)) < 0.5
    tables[:, 0], tables[:, -1] = False, True
    return words, bins, BinSets(generator.integers(0, FEATURES, (len(SIZES), sets)), tables)


def plain(words: np.ndarray, bins: np.ndarray, sets: BinSets) -> list[list[int]]:  # type: ignore[type-arg]
    ends = np.cumsum(SIZES)
    found = []
    for node, (end, size) in enumerate(zip(ends, SIZES, strict=True)):
        rows = slice(end - size, end)
        marks = [t[bins[rows, c]] for c, t in zip(sets.column[node], sets.tables[node], strict=True)]
        found.append([int(words[rows][mark].sum()) for mark in marks])
    return found


@pytest.mark.parametrize(
    ("prefer", "block"), [("speed", 64), ("speed", 3000), ("speed", 8192), ("bytes", 2048)]
)
def test_sums_over_sets_are_exact(prefer: str, block: int) -> None:
    words, bins, sets = sample(sets=7)
    scheme = HistogramScheme(prefer)  # type: ignore[arg-type]
    key = scheme.generate()
    rows = key.encrypt(Private(words), SIZES, block)
    reply, _ = histograms(scheme, rows, key.public, Private(bins), sets)
    opened = key.open(reply, nodes=3, histogram_rows=7, block=block).open_locally()
    assert opened.tolist() == plain(words, bins, sets)


def test_masked_sums_and_two_processes_give_the_same() -> None:
    words, bins, sets = sample(sets=7)
    scheme = HistogramScheme()
    key = scheme.generate()
    rows = key.encrypt(Private(words), SIZES, 1024)
    with Pool(2) as pool:
        reply, masks = histograms(scheme, rows, key.public, Private(bins), sets, mask=True, pool=pool)
    assert masks is not None
    opened = key.open(reply, nodes=3, histogram_rows=7, block=1024).open_locally()
    t = scheme.modulus
    assert ((opened.astype(object) - masks.open_locally()) % t).tolist() == plain(words, bins, sets)


def test_sets_of_bins_or_features_that_are_not_there_are_refused() -> None:
    words, bins, sets = sample(sets=4)
    scheme = HistogramScheme()
    key = scheme.generate()
    rows = key.encrypt(Private(words), SIZES, 1024)
    narrow = BinSets(sets.column, sets.tables[:, :, :3])
    elsewhere = BinSets(sets.column + FEATURES, sets.tables)
    fewer = BinSets(sets.column[:2], sets.tables[:2])
    for wrong in (narrow, elsewhere, fewer):
        with pytest.raises(UsageError):
            histograms(scheme, rows, key.public, Private(bins), wrong)
    with pytest.raises((UsageError, WireRefused)):
        histograms(scheme, rows, key.public, Private(bins[1:]), sets)


def test_what_the_noise_may_show_is_bounded_for_every_size_that_is_planned() -> None:
    scheme = HistogramScheme()
    for rows in (1000, 24_000, 1 << 20):
        layout = Layout(scheme.block_rows(rows, 310, 1), 310, merges=False)
        assert sets_shift_probability(layout, rows) < -40
