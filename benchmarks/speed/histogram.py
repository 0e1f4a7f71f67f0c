"""What the histograms of one tree cost: encrypting, a host's sums, opening; and the bytes in between."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.errors import Mismeasured
from benchmarks.progress import Say, silent
from benchmarks.speed.measuring import Figures, medians, peak_memory_mb, timed
from crypto.histogram import HistogramKey, HistogramScheme, histograms
from crypto.histogram.scheme import Prefer
from crypto.private import Private


def measure(
    rows: int = 24_000,
    features: int = 13,
    bins: int = 32,
    depth: int = 5,
    prefer: Prefer = "speed",
    repeat: int = 3,
    *,
    seed: int = 0,
    say: Say = silent,
) -> Figures:
    """One tree's histograms of a host with `features` features of `bins` bins; medians of `repeat`.

    Level 0 sums over all rows; each of the others over half of them, in half of its nodes (the siblings
    follow by subtraction). cpu_s is all roles' processor seconds of a tree, encrypt_cpu_s and open_cpu_s the
    label party's part and host_cpu_s the host's; key_bytes go once a run and are not in bytes.
    peak_memory_mb is this process's, which holds all roles and the data. Raises `Mismeasured` when a sum is
    wrong.
    """
    scheme = HistogramScheme(prefer)
    runs = []
    for number in range(repeat):
        say(f"tree {number + 1}")
        key = scheme.generate()
        generator = np.random.default_rng(seed + number)
        levels = [
            _level(scheme, key, sizes, features, bins, generator) for sizes in _sizes(rows, depth, generator)
        ]
        run = {name: sum(level[name] for level in levels) for name in levels[0]}
        runs.append(run | {"key_bytes": len(key.public.zero) + len(key.public.switching)})
    figures: Figures = {"rows": rows, "features": features, "bins": bins, "depth": depth, "repeat": repeat}
    figures |= medians(runs)
    figures["peak_memory_mb"] = peak_memory_mb()
    return figures


def _sizes(rows: int, depth: int, generator: np.random.Generator) -> Iterator[tuple[int, ...]]:
    """Rows of each computed node, level by level."""
    yield (rows,)
    for level in range(depth - 1):
        shares = generator.dirichlet(np.full(1 << level, 5.0))
        yield tuple(generator.multinomial(rows // 2, shares).tolist())


def _level(
    scheme: HistogramScheme,
    key: HistogramKey,
    sizes: tuple[int, ...],
    features: int,
    bins: int,
    generator: np.random.Generator,
) -> Figures:
    rows, widths = sum(sizes), (bins,) * features
    words = generator.integers(0, 1 << 20, rows, dtype=np.uint64)
    own = generator.integers(0, bins, (rows, features), dtype=np.uint16)
    block = scheme.block_rows(rows, sum(widths), len(sizes))
    sealed, encrypting = timed(partial(key.encrypt, Private(words), sizes, block))
    (reply, _), adding = timed(partial(histograms, scheme, sealed, key.public, Private(own), widths))
    opened, opening = timed(
        partial(key.open, reply, nodes=len(sizes), histogram_rows=sum(widths), block=block)
    )
    node = np.repeat(np.arange(len(sizes)), sizes)[:, None]
    places = node * sum(widths) + np.arange(features) * bins + own
    plain = np.bincount(places.ravel(), np.repeat(words, features), len(sizes) * sum(widths))
    if not np.array_equal(plain, opened.open_locally().ravel()):
        raise Mismeasured("a histogram is not that of the plain numbers")
    up, down = sum(map(len, sealed.parts)), sum(map(len, reply.parts))
    return {
        "cpu_s": encrypting + adding + opening,
        "encrypt_cpu_s": encrypting,
        "host_cpu_s": adding,
        "open_cpu_s": opening,
        "bytes": up + down,
        "bytes_up": up,
        "bytes_down": down,
    }
