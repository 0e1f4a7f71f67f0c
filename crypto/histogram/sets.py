"""Sums over sets of bins: a histogram row for each set instead of for each bin.

A row of a node counts in the histogram row r when its bin of feature `column[r]` is in the set `tables[r]`.
Cumulative sums, one level against the rest, and no row at all are sets, in any order: whoever opens the sums
is not told which of them are of one feature.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crypto.errors import UsageError
from crypto.histogram.layout import Layout
from crypto.histogram.ring import DEGREE
from crypto.histogram.transform import Complexes, Transform


@dataclass(frozen=True, slots=True, repr=False)
class BinSets:
    """For each of k nodes R sets: column (k x R), tables (k x R x the most bins of a feature)."""

    column: npt.NDArray[np.int64]
    tables: npt.NDArray[np.bool_]

    @property
    def histogram_rows(self) -> int:
        return int(self.column.shape[1])

    def check(self, nodes: int, bins: npt.NDArray[np.integer]) -> None:
        """UsageError unless there are sets for each node, and every bin and column that they name exists."""
        shape = (nodes, self.histogram_rows)
        if self.column.shape != shape or self.tables.shape[:2] != shape or not self.histogram_rows:
            raise UsageError(
                f"sets of {len(self.column)} nodes for {nodes}", advice="Give each node as many sets."
            )
        if bins.size and (bins.min() < 0 or bins.max() >= self.tables.shape[2]):
            raise UsageError("a bin is outside the sets' tables", advice="Bins are numbered from 0.")
        if self.column.min() < 0 or self.column.max() >= bins.shape[1]:
            raise UsageError("a set is of a feature that is not there", advice="Number features from 0.")

    def __repr__(self) -> str:
        return f"BinSets({self.column.shape[0]} x {self.histogram_rows})"


@dataclass(frozen=True, slots=True, repr=False)
class NodeSets:
    """One node's rows at a host: the blocks that hold them, each row's bins, and the node's R sets."""

    parts: tuple[bytes, ...]
    skip: int  # Rows of the first block that belong to the node before.
    bins: npt.NDArray[np.integer]  # n x F
    column: npt.NDArray[np.int64]  # R
    tables: npt.NDArray[np.bool_]  # R x bins

    def __repr__(self) -> str:
        return f"NodeSets({self.rows} rows, {self.count} sets)"

    @property
    def rows(self) -> int:
        return len(self.bins)

    @property
    def count(self) -> int:
        """Histogram rows."""
        return len(self.column)

    def factors(
        self, layout: Layout, transform: Transform, first_block: int, blocks: int, first: int, end: int
    ) -> Complexes:
        """(blocks, polynomials, M) folded: row i of a block in the set k of a polynomial is x^(k m - i).

        Half of all coefficients may be ones, so polynomials are written whole: set k >= 1 fills the exponents
        (k - 1) m + 1 .. k m, backwards; set 0 the last m of 1 .. N, negated; and x^N is -1.
        """
        block, each = layout.block, layout.each
        coefficients = np.zeros((blocks, end - first, DEGREE + 1))
        for place in range(blocks):
            start = (first_block + place) * block - self.skip
            rows = slice(max(start, 0), min(start + block, self.rows))
            if rows.start >= rows.stop:
                continue
            at = slice(rows.start - start, rows.stop - start)
            marks = self._marks(rows, first * each, end * each).reshape(end - first, each, -1)
            backwards = slice(
                block - at.stop, block - at.start
            )  # Where they are when a block is turned round.
            turned = marks[:, :, ::-1]
            if each > 1:
                later = coefficients[place, :, 1 : 1 + (each - 1) * block].reshape(
                    end - first, each - 1, block
                )
                later[:, :, backwards] = turned[:, 1:]
            tail = coefficients[place, :, DEGREE + 1 - block :]
            tail[:, backwards] = -turned[:, 0].astype(np.float64)
        coefficients[..., 0] = -coefficients[..., DEGREE]
        return transform.fold(coefficients[..., :DEGREE])

    def _marks(self, rows: slice, first: int, end: int) -> npt.NDArray[np.bool_]:
        """(sets first..end-1) x rows; no row for sets beyond the last."""
        last = min(end, self.count)
        found = np.zeros((end - first, rows.stop - rows.start), dtype=np.bool_)
        columns = self.column[first:last]
        for column in np.unique(columns):
            which = np.flatnonzero(columns == column)
            found[which] = self.tables[first:last][which][:, self.bins[rows, column]]
        return found
