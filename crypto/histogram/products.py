"""The host's sums: encrypted blocks times polynomials of its bins, re-randomised, divided by a prime."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crypto.histogram.layout import Layout
from crypto.histogram.ring import DEGREE, Ring
from crypto.histogram.sets import NodeSets
from crypto.histogram.transform import Complexes, Floats, Integers, joined
from crypto.histogram.words import noise, ternary
from crypto.sealed import Words64
from crypto.summation.stream import KeyStream

#: Blocks and product polynomials that are worked on at a time: 12 MB of factors.
_BLOCKS, _POLYNOMIALS = 24, 8


@dataclass(frozen=True, slots=True, repr=False)
class NodeRows:
    """One node's rows at a host: the blocks that hold them, and the bin of each feature for each row."""

    parts: tuple[bytes, ...]
    skip: int  # Rows of the first block that belong to the node before.
    bins: npt.NDArray[np.integer]  # n x F, column f in 0..widths[f]-1
    widths: tuple[int, ...]

    def __repr__(self) -> str:
        return f"NodeRows({self.rows} rows)"

    @property
    def rows(self) -> int:
        return len(self.bins)

    @property
    def count(self) -> int:
        """Histogram rows."""
        return sum(self.widths)

    def histogram_rows(self, rows: slice, first: int, end: int) -> Integers:
        """n x f: for `rows` and the features that have one of the histogram rows first..end-1, which."""
        starts = np.concatenate([[0], np.cumsum(self.widths)])
        features = slice(
            int(np.searchsorted(starts, first, side="right")) - 1, int(np.searchsorted(starts, end))
        )
        found: Integers = self.bins[rows, features].astype(np.int64) + starts[:-1][features]
        return found


class Products:
    """One node's product polynomials under one key, a few at a time."""

    def __init__(self, ring: Ring, layout: Layout, zero: bytes, node: NodeRows | NodeSets) -> None:
        self._ring = ring
        self._layout = layout
        self._node = node
        self._stream = KeyStream(os.urandom(32), "histogram")
        # The encryption of zero is one more block: its factors are random instead of bins.
        uploads = [ring.frequencies(part) for part in (*node.parts, zero)]
        self._blocks = [
            np.stack(uploads[at : at + _BLOCKS]).transpose(2, 1, 0).copy()
            for at in range(0, len(uploads), _BLOCKS)
        ]

    def answers(self, first: int, end: int, *, whole: bool) -> Iterator[tuple[Words64, Words64]]:
        """c1 and c0 modulo the kept prime of the product polynomials first..end-1, re-randomised.

        Of c0 the wanted coefficients only, unless `whole`.
        """
        for at in range(first, end, _POLYNOMIALS):
            sums = self._sums(at, min(at + _POLYNOMIALS, end))
            for polynomial in range(sums.shape[2]):
                yield self._answer(np.ascontiguousarray(sums[:, :, polynomial].T), whole=whole)

    def _sums(self, first: int, end: int) -> Complexes:
        """(M, 8, polynomials): the sums over blocks, and over the encryption of zero."""
        total = np.zeros((DEGREE // 2, 8, end - first), dtype=np.complex128)
        for chunk, blocks in enumerate(self._blocks):
            factors = self._factors(chunk * _BLOCKS, blocks.shape[2], first, end)
            if chunk == len(self._blocks) - 1:
                random = ternary(self._stream, (end - first) * DEGREE).reshape(-1, DEGREE)
                factors[-1] = self._ring.transform.fold(random)
            total += blocks @ self._ring.transform.forward(factors).transpose(1, 0, 2).transpose(2, 1, 0)
        return total

    def _factors(self, first_block: int, blocks: int, first: int, end: int) -> Complexes:
        """(blocks, polynomials, M) folded: row i of a block with histogram row k is x^(k m - i)."""
        layout, node = self._layout, self._node
        if isinstance(node, NodeSets):
            return node.factors(layout, self._ring.transform, first_block, blocks, first, end)
        folded = np.zeros((blocks, end - first, DEGREE // 2), dtype=np.complex128)
        start = max(0, first_block * layout.block - node.skip)
        stop = min(node.rows, (first_block + blocks) * layout.block - node.skip)
        if start >= stop:
            return folded
        found = node.histogram_rows(slice(start, stop), first * layout.each, end * layout.each)
        at = np.arange(start, stop)[:, None] + (node.skip - first_block * layout.block)
        polynomial, k = np.divmod(found, layout.each)
        exponent = k * layout.block - at % layout.block
        place = (at // layout.block * (end - first) + polynomial - first) * DEGREE
        place += self._ring.transform.slots(exponent % DEGREE)
        mine = (polynomial >= first) & (polynomial < end)
        folded.view(np.float64).reshape(-1)[place[mine]] = np.where(exponent < 0, -1.0, 1.0)[mine]
        return folded

    def _answer(self, frequencies: Complexes, *, whole: bool) -> tuple[Words64, Words64]:
        limbs = self._ring.transform.backward(frequencies).reshape(2, 2, 2, DEGREE)
        wanted = limbs[0] if whole else limbs[0][..., :: self._layout.block][..., : self._layout.each]
        return self._switched(limbs[1]), self._switched(wanted)

    def _switched(self, limbs: Floats) -> Words64:
        """(2 primes, 2 limbs, n), with fresh noise added, as n residues modulo the kept prime."""
        fresh = noise(self._stream, limbs.shape[-1])
        kept, dropped = (
            joined(limbs[p, 0], limbs[p, 1], prime) + fresh for p, prime in enumerate(self._ring.primes)
        )
        return self._ring.switched(kept, dropped)
