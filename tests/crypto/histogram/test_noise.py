"""What the security and exactness arguments assume about noise, measured."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crypto.errors import UsageError
from crypto.histogram import EncryptedHistogram, HistogramScheme, histograms, products
from crypto.histogram.host import shift_probability
from crypto.histogram.products import NodeRows, Products
from crypto.histogram.ring import DEGREE, Ring
from crypto.histogram.scheme import Prefer
from crypto.histogram.transform import Integers
from crypto.histogram.words import bytes_of_56, words_of_56
from crypto.private import Private
from crypto.sealed import Words64
from crypto.summation.stream import KeyStream


@pytest.mark.parametrize(
    ("prefer", "block", "least_margin"),
    [("speed", 64, 20), ("bytes", 2048, 15)],  # About 24, and 43 with some 18 either way for the key.
)
def test_every_sum_opens_with_a_margin_of_twelve_sigma(
    prefer: Prefer, block: int, least_margin: float
) -> None:
    """Wanted coefficients are moved until another residue comes out: that is how far they were from it."""
    scheme = HistogramScheme(prefer)
    key = scheme.generate()
    generator = np.random.default_rng(2)
    words = generator.integers(0, scheme.modulus, 2100, dtype=np.uint64)
    rows = key.encrypt(Private(words), (2100,), block)
    bins = generator.integers(0, 128, (2100, 2), dtype=np.uint8)
    reply, _ = histograms(scheme, rows, key.public, Private(bins), (128, 128))

    def opened(moved_by: Integers) -> Words64:
        return key.open(moved(reply, moved_by), nodes=1, histogram_rows=256, block=block).open_locally()[0]

    half = 2**56 / scheme.modulus / 2
    true = opened(np.zeros(256, dtype=np.int64))
    same, other = np.zeros(256, dtype=np.int64), np.full(256, int(2 * half))
    while (other - same > 1).any():
        middle = (same + other) // 2
        kept = opened(middle) == true
        same, other = np.where(kept, middle, same), np.where(kept, other, middle)
    deviation = math.sqrt(((half - same) ** 2).mean())
    assert half / deviation > least_margin


def moved(reply: EncryptedHistogram, by: Integers) -> EncryptedHistogram:
    """The reply with its wanted coefficients increased, in units of its 56-bit words."""
    parts, at = [], 0
    for part in reply.parts:
        words = words_of_56(part).copy()
        count = len(words) - DEGREE
        words[DEGREE:] = (words[DEGREE:] + by[at : at + count].astype(np.uint64)) % np.uint64(1 << 56)
        parts.append(bytes_of_56(words))
        at += count
    return EncryptedHistogram(reply.key_id, reply.nodes, reply.histogram_rows, tuple(parts))


def test_the_noise_of_the_bins_is_what_the_privacy_argument_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the switch and the re-randomisation it is a sum of as many errors as there are ones."""
    monkeypatch.setattr(products, "ternary", lambda _, count: np.zeros(count))
    monkeypatch.setattr(products, "noise", lambda _, count: np.zeros(count, dtype=np.int64))
    seen: list[Words64] = []

    def watched(ring: Ring, kept: Integers, dropped: Integers) -> Words64:
        seen.append(np.stack([kept % ring.kept, dropped % ring.dropped]).astype(np.uint64))
        return kept.astype(np.uint64)

    monkeypatch.setattr(Ring, "switched", watched)
    scheme = HistogramScheme()
    ring, key, rows, block = scheme.ring, scheme.generate(), 4096, 512
    sealed = key.encrypt(Private(np.ones(rows, dtype=np.uint64)), (rows,), block)
    bins = np.random.default_rng(0).integers(0, 16, (rows, 1), dtype=np.uint8)
    node = NodeRows(sealed.parts, 0, bins, (16,))
    list(Products(ring, scheme.layout(block, 16), key.public.zero, node).answers(0, 1, whole=True))
    c1, c0 = seen
    budget = key._decryptor.invariant_noise_budget(ring.handle(c0, c1))
    largest = ring.kept * ring.dropped / scheme.modulus / 2 ** (budget + 1)  # To a factor of 2.
    deviation = 3.24 * math.sqrt(rows)
    assert 2 * deviation < largest < 12 * deviation


def test_block_sizes_keep_the_noise_of_the_bins_unseen() -> None:
    for rows, widths, nodes in ((24_000, (32,) * 13, 1), (12_000, (32,) * 13, 8), (1 << 20, (32,) * 50, 1)):
        for prefer in ("speed", "bytes"):
            scheme = HistogramScheme(prefer)
            layout = scheme.layout(scheme.block_rows(rows, sum(widths), nodes), sum(widths))
            assert shift_probability(layout, rows, widths) < -40


def test_counts_that_would_show_the_bins_are_refused() -> None:
    scheme = HistogramScheme()
    key = scheme.generate()
    rows = key.encrypt(Private(np.zeros(12, dtype=np.uint64)), (12,), 1)
    bins = np.zeros((12, 400), dtype=np.uint8)
    with pytest.raises(UsageError, match="noise"):
        histograms(scheme, rows, key.public, Private(bins), (21,) * 400)


@pytest.mark.parametrize("prefer", ["speed", "bytes"])
def test_rows_with_one_number_have_no_error_in_common(prefer: Prefer) -> None:
    """SEAL's round(q m / t) and what is added to it average to q m / t, whatever m is."""
    ring = HistogramScheme(prefer).ring
    q, t, rows = ring.kept * ring.dropped, ring.modulus, 20_000
    for word in (0, 1, 2, t // 3, t // 2, t - 1):
        below = q * word % t
        nearest = (q * word + (t + 1) // 2) // t - q * word // t
        moved = ring.unbiased(np.full(rows, word, dtype=np.uint64), KeyStream(bytes(32), "test"))
        assert set((nearest + moved).tolist()) <= {0, 1}
        assert abs((nearest + moved).mean() - below / t) < 5 * 0.5 / math.sqrt(rows)
