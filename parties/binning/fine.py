"""Fine bins of a party's columns, each with enough training rows, before any outcome is looked at.

A column is cut (`cuts`), and the cuts' bins become cells: what lacks `minimum_support` training rows is
joined to a neighbour. Special codes and missing values are cells of their own, apart from the ordinary ones;
too rare ones belong to the cell of the median, or of the most frequent level, as a cell that is empty in
training has to belong somewhere.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from federation.budget import check_equations
from federation.credit import Binning
from parties.binning.cuts import Cuts
from parties.dataset import ColumnRules, DatasetConfig, Place, Trend
from parties.features.columns import is_empty, is_numeric, left_out_empty, numbers
from parties.features.support import Floats

Marks = npt.NDArray[np.bool_]
Cells = npt.NDArray[np.uint8]
Whole = npt.NDArray[np.int64]

#: Bins of equal width lie between these quantiles: no single firm stretches them.
_ENDS = (0.005, 0.995)


class Merging(enum.IntEnum):
    """What may become of the ordinary cells once outcomes are known."""

    FIXED = 0  # nothing: quantile and equal-width bins, and a party's own
    ORDERED = 1  # neighbours are merged
    UNORDERED = 2  # any are: levels of a category


@dataclass(frozen=True, slots=True, repr=False)
class FineColumn:
    """A column's cells: `cell_of[b]` is the cell of bin b of `cuts`; cell c has `rows[c]` training rows.

    The first `ordinary` cells are ordinary, the others special or missing. `repr` shows nothing but counts.
    """

    cuts: Cuts
    cell_of: tuple[int, ...]
    rows: tuple[int, ...]
    ordinary: int
    merging: Merging
    trend: Trend

    @property
    def cells(self) -> int:
        """How many there are."""
        return len(self.rows)

    def codes(self, series: pd.Series, place: Place) -> Cells:
        """The cell of every row (n,)."""
        return np.array(self.cell_of, dtype=np.uint8)[self.cuts.codes(series, place)]

    def __repr__(self) -> str:
        return f"FineColumn({self.cells} cells)"


def fine_columns(
    frame: pd.DataFrame, training: Marks, config: DatasetConfig, plan: Binning, notes: list[str]
) -> tuple[FineColumn, ...]:
    """The features of `frame` that have two cells at least; a sentence in `notes` for each that has not."""
    found = (
        fine_column(frame[column], training, config, plan, plan.fine, notes)
        for column in config.feature_columns(frame.columns)
    )
    columns = tuple(column for column in found if column is not None)
    if not columns:
        raise config.error(
            f"no column has two bins of {plan.minimum_support} training rows each",
            advice="Give more rows, or columns that differ. " + " ".join(notes[:5]),
        )
    return columns


def within_budget(
    columns: Sequence[FineColumn],
    frame: pd.DataFrame,
    training: Marks,
    config: DatasetConfig,
    plan: Binning,
    limit: float,
    notes: list[str],
) -> tuple[FineColumn, ...]:
    """The columns with so few ordinary cells that their counts are at most `limit` equations a training row.

    See `federation.budget` for what is counted. Raises `PlanRefused` where two cells for each are too many.
    """
    rows = int(training.sum())
    allowed = int(limit * rows)
    if equations(columns) <= allowed:
        return tuple(columns)
    most = next((most for most in range(plan.fine, 2, -1) if _equations_at(columns, most) <= allowed), 2)
    check_equations(config.holder, _equations_at(columns, most), rows, limit)
    notes.append(
        f"At most {most} bins a column instead of {plan.fine} are counted before merging: {rows} training "
        f"rows allow {allowed} counts."
    )
    return tuple(
        column
        if column.ordinary <= most
        else _fitted(frame[column.cuts.column], training, config, plan, most, [])
        for column in columns
    )


def equations(columns: Sequence[FineColumn]) -> int:
    """Independent counts of bads in the cells: one cell of each column follows from the total."""
    return count_equations(sum(column.cells for column in columns), len(columns))


def count_equations(cells: int, columns: int) -> int:
    """`equations` from the numbers alone."""
    return cells - columns + 1


def _equations_at(columns: Sequence[FineColumn], most: int) -> int:
    cells = sum(min(each.ordinary, most) + each.cells - each.ordinary for each in columns)
    return count_equations(cells, len(columns))


def fine_column(
    series: pd.Series, training: Marks, config: DatasetConfig, plan: Binning, most: int, notes: list[str]
) -> FineColumn | None:
    """The cells of one column, at most `most` ordinary ones; None where there is but one, and for a column
    that is empty in training."""
    if is_empty(series[training]):
        notes.append(left_out_empty(str(series.name)))
        return None
    found = _fitted(series, training, config, plan, most, notes)
    if found.cells > 1:
        return found
    notes.append(
        f"Column {series.name} has no two bins of {plan.minimum_support} training rows each; it is left out."
    )
    return None


def _fitted(
    series: pd.Series, training: Marks, config: DatasetConfig, plan: Binning, most: int, notes: list[str]
) -> FineColumn:
    rules = config.rules(str(series.name))
    cuts, own = _cuts(series, training, config, rules, plan, most)
    counts = np.bincount(cuts.codes(series[training], config.place), minlength=cuts.width)
    ordinary = cuts.width - 1 - len(cuts.special)
    parts = np.arange(ordinary) if own is None else own
    join = _neighbours_joined if cuts.numeric else _rare_joined
    joined = join(np.bincount(parts, weights=counts[:ordinary]).astype(np.float64), plan.minimum_support)[
        parts
    ]
    if (rules.splits or rules.groups) and joined.max() < parts.max():
        notes.append(f"Column {series.name}: own bins of too few training rows are joined.")
    cell_of, cells = _with_apart(joined, counts, plan.minimum_support, numeric=cuts.numeric)
    fixed = bool(rules.splits or rules.groups) or plan.method in ("quantile", "width")
    merging = Merging.FIXED if fixed else Merging.ORDERED if cuts.numeric else Merging.UNORDERED
    rows = np.bincount(cell_of, weights=counts).astype(np.int64)
    return FineColumn(cuts, tuple(cell_of.tolist()), tuple(rows.tolist()), cells, merging, rules.trend)


def _cuts(
    series: pd.Series,
    training: Marks,
    config: DatasetConfig,
    rules: ColumnRules,
    plan: Binning,
    most: int,
) -> tuple[Cuts, Whole | None]:
    """The cuts, and where a party gave groups of levels, the group of each ordinary bin."""
    column = str(series.name)
    if rules.groups:
        named = tuple(level for group in rules.groups for level in group)
        own = [place for place, group in enumerate(rules.groups) for _ in group]
        cuts = Cuts(column, False, levels=named, other=True, numbers=is_numeric(series))
        return cuts, np.array([*own, len(rules.groups)])
    special = tuple(sorted(rules.special))
    if rules.splits:
        return Cuts(column, True, rules.splits, special), None
    if plan.method in ("quantile", "width"):
        most = min(most, plan.bins)
    cuts = Cuts.fit(series, training, config, most, plan.minimum_support, special)
    if plan.method == "width" and cuts.numeric:
        values = numbers(series[training], config.place)
        edges = _even_edges(values[~np.isnan(values) & ~np.isin(values, special)], most)
        return Cuts(column, True, edges, special), None
    return cuts, None


def _even_edges(values: Floats, most: int) -> tuple[float, ...]:
    """The inner edges of `most` intervals of equal width."""
    if not values.size:
        return ()
    low, high = np.quantile(values, _ENDS, method="inverted_cdf")
    if low == high:
        low, high = values.min(), values.max()
    edges = np.linspace(low, high, most + 1)[1:-1]
    return tuple(np.unique(edges[(edges > low) & (edges <= high)]).tolist())


def _neighbours_joined(rows: Floats, support: int) -> Whole:
    """Each ordered bin's cell: closed once it has `support` rows; what is left over joins the last one."""
    cell_of = np.zeros(len(rows), dtype=np.int64)
    cell, held, left = 0, 0.0, float(rows.sum())
    for place, count in enumerate(rows):
        if held >= support and left >= support:
            cell, held = cell + 1, 0.0
        cell_of[place] = cell
        held, left = held + count, left - count
    return cell_of


def _rare_joined(rows: Floats, support: int) -> Whole:
    """Each bin's cell where order means nothing: the rare ones are one cell, or part of the largest."""
    rare = rows < support
    if rare.any() and rows[rare].sum() < support and not rare.all():
        cells = np.cumsum(~rare) - 1
        cells[rare] = cells[int(rows.argmax())]
        return cells
    cells = np.cumsum(~rare) - 1
    cells[rare] = int((~rare).sum())
    return cells


def _with_apart(ordinary: Whole, counts: Whole, support: int, *, numeric: bool) -> tuple[Whole, int]:
    """The cell of every bin, special and missing ones included, and how many cells are ordinary.

    Where the ordinary bins together have too few rows, they join the largest cell of the others.
    """
    rows = np.bincount(ordinary, weights=counts[: len(ordinary)])
    apart = counts[len(ordinary) :]
    own = apart >= support
    cells = len(rows) if rows.sum() >= support or not own.any() else 0
    numbered = cells + np.cumsum(own) - 1
    if not cells:
        home = int(numbered[int(np.where(own, apart, -1).argmax())])
        ordinary = np.full_like(ordinary, home)
    elif numeric:
        home = int(np.searchsorted(np.cumsum(rows), rows.sum() / 2))
    else:
        home = int(rows.argmax())
    return np.concatenate([ordinary, np.where(own, numbered, home)]), cells
