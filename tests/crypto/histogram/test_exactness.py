"""Histograms of encrypted words are those of numpy, in both forms, whatever the nodes and blocks are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from crypto.histogram import HistogramKey, HistogramScheme, histograms
from crypto.pool import Pool
from crypto.private import Private
from crypto.sealed import Words64


@pytest.fixture(scope="module", params=["speed", "bytes"])
def scheme(request: pytest.FixtureRequest) -> HistogramScheme:
    return HistogramScheme(request.param)


@pytest.fixture(scope="module")
def key(scheme: HistogramScheme) -> HistogramKey:
    return scheme.generate()


def plain(
    words: Words64, sizes: tuple[int, ...], bins: npt.NDArray[np.uint8], widths: tuple[int, ...], modulus: int
) -> Words64:
    """Sums modulo t, (nodes, sum of widths), by numpy.bincount on halves of 24 bits."""
    out = np.zeros((len(sizes), sum(widths)), dtype=np.uint64)
    start = 0
    for node, size in enumerate(sizes):
        rows = slice(start, start + size)
        start += size
        row = 0
        for feature, width in enumerate(widths):
            low, high = (
                np.bincount(bins[rows, feature], half.astype(np.float64), width).astype(np.uint64)
                for half in (words[rows] & np.uint64(0xFFFFFF), words[rows] >> np.uint64(24))
            )
            out[node, row : row + width] = ((high << np.uint64(24)) + low) % np.uint64(modulus)
            row += width
    return out


def drawn(
    scheme: HistogramScheme, rows: int, widths: tuple[int, ...]
) -> tuple[Words64, npt.NDArray[np.uint8]]:
    generator = np.random.default_rng(7)
    words = generator.integers(0, scheme.modulus, rows, dtype=np.uint64)
    bins = np.stack([generator.integers(0, width, rows, dtype=np.uint8) for width in widths], axis=1)
    bins[bins == 3] = 0  # An empty bin.
    return words, bins


@pytest.mark.parametrize(
    ("sizes", "widths", "block"),
    [
        ((300, 0, 251, 7), (5, 33, 1, 4), 128),  # Blocks across nodes, an empty node, a last block in part.
        ((40,), (6,), 1),  # Blocks of one row.
        ((700,), (9, 30), 700),
        ((90, 2100), (2, 2), 8192),
    ],
)
@pytest.mark.parametrize("mask", [False, True])
def test_sums_are_exact(
    scheme: HistogramScheme,
    key: HistogramKey,
    sizes: tuple[int, ...],
    widths: tuple[int, ...],
    block: int,
    mask: bool,
) -> None:
    words, bins = drawn(scheme, sum(sizes), widths)
    if scheme.prefer == "bytes":
        block = scheme.block_rows(sum(sizes), sum(widths), len(sizes))
    rows = key.encrypt(Private(words), sizes, block)
    reply, masks = histograms(scheme, rows, key.public, Private(bins), widths, mask=mask)
    opened = key.open(reply, nodes=len(sizes), histogram_rows=sum(widths), block=block).open_locally()
    expected = plain(words, sizes, bins, widths, scheme.modulus)
    if masks is not None:
        assert (opened != expected).mean() > 0.99
        expected = (expected + masks.open_locally()) % np.uint64(scheme.modulus)
    assert (opened == expected).all()


def test_a_pool_gives_the_same_sums_in_pieces(
    scheme: HistogramScheme, key: HistogramKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crypto.histogram.host._PRODUCTS", 40)
    widths = (40, 250)
    words, bins = drawn(scheme, 500, widths)
    block = scheme.block_rows(500, 290, 1)
    rows = key.encrypt(Private(words), (500,), block)
    own = bins.astype(np.uint16 if scheme.prefer == "bytes" else np.uint8)
    with Pool(2) as pool:
        reply, masks = histograms(scheme, rows, key.public, Private(own), widths, mask=True, pool=pool)
    opened = key.open(reply, nodes=1, histogram_rows=290, block=block).open_locally()
    assert masks is not None
    expected = (plain(words, (500,), bins, widths, scheme.modulus) + masks.open_locally()) % np.uint64(
        scheme.modulus
    )
    assert (opened == expected).all()
