"""Statistics over all parties, and the common encoding that follows from them, through sums alone.

    sum          told to every party, over all parties                            one row changes it by (L2)
    counts       rows of either outcome; of each undeclared column the rows       sqrt(1 + columns)
                 without a cell, and the others by sign and exponent (numeric)
                 or by hash bucket (categorical)
    quantiles i  numeric columns: rows by further bits of the mantissa, inside    sqrt(numeric columns)
                 the cells that hold a wanted quantile; again until these are
                 narrow, seldom more than twice
    moments      mean and mean square of each numeric piece (without noise only)

Nothing else is learned, and with three parties or more nothing on one of them; the aggregator learns
nothing. A cell or a bucket can hold a single row, though: the parties then learn that one of them has a row
there. Levels are hashed under a key that the parties share, so a level's name is not learned, but whoever
has the key can try names. Two parties each learn the other's part: plans refuse that without noise.

Neighbours, in the last column, differ by one row that is added or removed: it counts for one in one cell of
each column. With noise the moments are read off the cells, which costs nothing more. A declared column
([columns.NAME] in the plan) takes part in no sum but that of outcomes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.errors import UsageError
from crypto.private import Private
from federation.errors import PlanRefused
from federation.secure_sum.interface import Floats, Integers, Sums
from federation.tables import Column
from parties.dataset import DatasetConfig
from parties.dataset.config import MAX_LEVELS_LIMIT
from parties.features.standard import Standard
from parties.features.support import MIN_SUPPORT
from parties.horizontal.cells import (
    COARSE,
    DEVIATIONS,
    Cells,
    coarse_cells,
    coarse_counts,
    fine_counts,
    fine_length,
    split,
)
from parties.horizontal.columns import BUCKETS, Kind, Schema, level_salt, shared_name
from parties.horizontal.encoding import CategoricalEncoding, CommonEncoding, NumericEncoding, pieces
from parties.horizontal.own import OwnNumbers, OwnTable, read_own
from parties.horizontal.search import SHARES, Quantiles, quantiles_of, too_wide

Unit: TypeAlias = Literal["none", "record", "party"]
#: Of each piece of a numeric column, over all rows: its mean and its mean square.
Moments: TypeAlias = tuple[tuple[float, float], ...]

#: The most rows of one party: the bound of every count. Above it a protected sum would carry two digits.
MOST_ROWS = 1_000_000
#: Mantissa bits that one more sum tells, and with noise: fewer cells, so that less noise adds up.
BITS, NOISY_BITS = 8, 6
#: Sums that look for quantiles where there is noise. Without noise as many as it takes.
NOISY_PASSES = 2


@dataclass(frozen=True, slots=True)
class Noise:
    """This party's part of the noise on a sum of counts.

    `draw(counts)` gives as many whole numbers (int64) as there are counts, which they are put on: fresh for
    other counts, and the same again for the same. `sigma` is the standard deviation of all parties' parts
    together, by which what stands out of the noise is told from what does not.
    """

    draw: Callable[[Integers], Integers]
    sigma: float


@dataclass(frozen=True, slots=True)
class Release:
    """A sum of counts that noise is added to: its name, and by how much (L2) one row changes it."""

    name: str
    l2_sensitivity: float


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """One column over all parties; what is not known, as the column is declared or left out, is None.

    Numbers: `mean` and `sd` (population) with the tails cut and gaps as the median; `quantiles` as pairs of
    a share and a value, the cuts first and last. Levels: `shares` of the rows by code, code 0 (rare, never
    seen, missing) first.
    """

    name: str
    kind: Kind
    declared: bool
    missing: float | None = None
    mean: float | None = None
    sd: float | None = None
    quantiles: tuple[tuple[float, float], ...] | None = None
    shares: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Statistics:
    """What the parties know of all their training rows together. The same at each, and stays with them.

    `rows` and `bad` (rows with outcome 1) are None where not even these were summed; with noise everything
    here is noisy. `notes` are sentences on columns that were left out.
    """

    rows: int | None
    bad: int | None
    columns: tuple[ColumnStatistics, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "rows": self.rows,
            "bad": self.bad,
            "columns": [asdict(column) for column in self.columns],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, repr=False)
class Fitted:
    """The common encoding and the statistics, equal at all parties; `notes` on this party's own table only.

    `releases`: the sums that noise was added to, never others than `planned_releases` says beforehand.
    """

    encoding: CommonEncoding
    statistics: Statistics
    notes: tuple[str, ...]
    releases: tuple[Release, ...]


def planned_releases(schema: Schema, declared: Mapping[str, Column]) -> tuple[Release, ...]:
    """The sums with noise that `fit` makes at most, for the budget: with privacy.unit = "record"."""
    kinds = [kind for name, kind in schema if name not in declared]
    counts = Release("counts", math.sqrt(1 + len(kinds)))
    numeric = kinds.count("numeric")
    passes = range(1, NOISY_PASSES + 1) if numeric else ()
    return (counts, *(Release(f"quantiles {number}", math.sqrt(numeric)) for number in passes))


def fit(
    sums: Sums,
    frame: Private[pd.DataFrame],
    labels: Private[npt.NDArray[np.int8]],
    schema: Schema,
    dataset: DatasetConfig,
    declared: Mapping[str, Column],
    *,
    secret: bytes,
    unit: Unit = "none",
    noise: Noise | None = None,
    label: str = "statistics",
    most_rows: int = MOST_ROWS,
) -> Fitted:
    """The common encoding over all members of `sums`, from each one's training rows.

    `frame` holds the training rows, `labels` (n,) their outcomes, 0 or 1; `schema` is what the parties
    agreed on (`columns.schema`), `declared` the plan's columns. `secret` (16 bytes or more) is shared by
    the parties and unknown to the aggregator; the same one gives the same encoding. With unit "record"
    `noise` is added to every count; with "party" nothing is summed, so that every column must be declared
    (`PlanRefused`). `label` begins the label of each sum.

    Raises `UsageError` for columns that cannot be read (`parties.features.columns`), for more than
    `most_rows` rows at this party, and where no column is left.
    """
    _check(schema, declared, dataset, unit, noise)
    salt = level_salt(secret)
    own = read_own(frame.open_locally(), labels.open_locally(), schema, dataset, declared, salt)
    if own.rows > most_rows:
        raise dataset.error(
            f"there are more than {most_rows} training rows, the most that a sum of counts has room for",
            advice="Give a sample of the rows.",
        )
    counter = _Counter(sums, label, most_rows, noise)
    common = _Common()
    if unit != "party":
        _count(own, counter, common)
        _narrow(own, counter, common)
    _find_quantiles(common, counter.support, dataset)
    if noise is None:
        _sum_moments(own, sums, label, common)
    else:
        _moments_of_cells(common)
    encodings, columns, notes = _encodings(schema, declared, common, counter, dataset)
    if not encodings:
        raise dataset.error(
            "no column is left as a feature over all parties",
            advice=f"Each feature needs {MIN_SUPPORT} training rows on either side: give more rows or "
            "columns that differ. " + " ".join(notes[:5]),
        )
    encoding = CommonEncoding(
        tuple(each for each in encodings if isinstance(each, NumericEncoding)),
        tuple(each for each in encodings if isinstance(each, CategoricalEncoding)),
        salt,
    )
    good, bad = common.outcomes or (None, None)
    rows = None if good is None or bad is None else good + bad
    return Fitted(
        encoding, Statistics(rows, bad, tuple(columns), tuple(notes)), own.notes, tuple(counter.releases)
    )


@dataclass(slots=True)
class _Common:
    """What is known so far over all parties: of each undeclared column, by name. Equal at all of them."""

    outcomes: tuple[int, int] | None = None
    missing: dict[str, float] = field(default_factory=dict)
    cells: dict[str, Cells] = field(default_factory=dict)
    buckets: dict[str, Integers] = field(default_factory=dict)
    quantiles: dict[str, Quantiles] = field(default_factory=dict)
    moments: dict[str, Moments] = field(default_factory=dict)

    def knots(self, name: str) -> tuple[float, ...]:
        """The knots of a numeric column; none where its value is no feature."""
        found = self.quantiles.get(name)
        return () if found is None else found.knots


class _Counter:
    """Sums of counts: bounded, with this party's noise where there is any, and written down."""

    def __init__(self, sums: Sums, label: str, bound: int, noise: Noise | None) -> None:
        self._sums, self._label, self._bound, self._noise = sums, label, bound, noise
        self.sigma = 0.0 if noise is None else noise.sigma
        self.releases: list[Release] = []

    @property
    def margin(self) -> float:
        """What a count must exceed to be told from none."""
        return DEVIATIONS * self.sigma

    @property
    def support(self) -> int:
        """The fewest counted rows that are sure to be `MIN_SUPPORT` rows."""
        return MIN_SUPPORT + math.ceil(self.margin)

    @property
    def passes(self) -> int | None:
        """The most sums that may look for quantiles; None for as many as it takes."""
        return None if self._noise is None else NOISY_PASSES

    @property
    def bits(self) -> int:
        """How many bits such a sum splits a cell by."""
        return BITS if self._noise is None else NOISY_BITS

    def sum(self, name: str, plain: Integers, l2_sensitivity: float) -> Integers:
        """The sum of all members' `plain` (n,), with everyone's noise."""
        if self._noise is not None:
            self.releases.append(Release(name, l2_sensitivity))
            plain = np.clip(plain + self._noise.draw(plain), -self._bound, self._bound)
        return self._sums.counts(f"{self._label}/{name}", Private(plain), self._bound)


def _check(
    schema: Schema, declared: Mapping[str, Column], dataset: DatasetConfig, unit: Unit, noise: Noise | None
) -> None:
    if (unit == "record") != (noise is not None):
        raise UsageError(
            'counts carry noise with privacy.unit = "record", and then only',
            advice='Give `noise` together with unit "record".',
        )
    unknown = [name for name, _ in schema if name not in declared]
    if unit == "party" and unknown:
        raise PlanRefused(
            f'with privacy.unit = "party" no statistics are made, but {len(unknown)} columns need them',
            party=dataset.holder,
            field="columns",
            advice="Declare each in the plan, as [columns.NAME] with a range or with levels, or exclude it: "
            + ", ".join(unknown),
        )
    for name, column in declared.items():
        names = [shared_name(level) for level in column.levels or ()]
        if "" in names or len(set(names)) != len(names):
            raise PlanRefused(
                "two of the declared levels are one, or one is empty",
                field=f"columns.{name}",
                advice="Numbers are compared as numbers (1, 1.0 and 01 are one level), and an empty cell is "
                "always missing.",
            )


def _count(own: OwnTable, counter: _Counter, common: _Common) -> None:
    """The first sum: outcomes, gaps, and the coarse counts of every undeclared column."""
    parts = [own.outcomes]
    for each in own.columns.values():
        counts = coarse_counts(each.ordered) if isinstance(each, OwnNumbers) else each.counts
        parts += [np.array([each.missing], dtype=np.int64), counts]
    total = counter.sum("counts", np.concatenate(parts), math.sqrt(1 + len(own.columns)))
    good, bad = (max(0, int(count)) for count in total[:2])
    common.outcomes = good, bad
    start = 2
    for name, each in own.columns.items():
        length = COARSE if isinstance(each, OwnNumbers) else BUCKETS
        common.missing[name] = max(0.0, float(total[start]))
        counts = total[start + 1 : start + 1 + length]
        if isinstance(each, OwnNumbers):
            common.cells[name] = coarse_cells(counts, counter.sigma)
        else:
            common.buckets[name] = counts
        start += 1 + length


def _narrow(own: OwnTable, counter: _Counter, common: _Common) -> None:
    """Further sums, until the cells of all wanted quantiles are narrow; all columns in each."""
    done = 0
    while counter.passes is None or done < counter.passes:
        wide = {name: too_wide(cells, counter.support) for name, cells in common.cells.items()}
        if not any(wide.values()):
            return
        done += 1
        parts = [
            fine_counts(own.numbers[name].ordered, common.cells[name], cell, counter.bits)
            for name, cells in wide.items()
            for cell in cells
        ]
        sensitivity = math.sqrt(len(common.cells))
        total = counter.sum(f"quantiles {done}", np.concatenate(parts), sensitivity)
        start = 0
        for name, cells in wide.items():
            counted = {}
            for cell in cells:
                end = start + fine_length(common.cells[name], cell, counter.bits)
                counted[cell] = total[start:end]
                start = end
            common.cells[name] = split(common.cells[name], counted, counter.bits, counter.sigma)


def _find_quantiles(common: _Common, support: int, dataset: DatasetConfig) -> None:
    for name, cells in common.cells.items():
        found = quantiles_of(cells, support)
        if found is None:
            continue
        if not math.isfinite(found.values[-1] - found.values[0]):
            raise dataset.error(
                "the numbers, over all parties, are too large to be standardised",
                column=name,
                advice="Rescale the column at every party before the file is read, or exclude it.",
            )
        common.quantiles[name] = found


def _sum_moments(own: OwnTable, sums: Sums, label: str, common: _Common) -> None:
    """The mean and the mean square of each piece over all rows: each party sends its sums over them all.

    Pieces lie between 0 and 1, so a party's share of a mean does, and the grid's steps are fine.
    """
    names = [name for name in common.cells if common.knots(name)]
    if not names:
        return
    rows = sum(common.outcomes or (0, 0))
    shares = []
    for name in names:
        values = own.numbers[name].values
        filled = np.where(np.isnan(values), common.quantiles[name].fill, values)
        parts = pieces(filled, common.knots(name))
        shares.append(np.stack([parts.sum(axis=1), np.square(parts).sum(axis=1)], axis=1).ravel() / rows)
    total = sums.total(f"{label}/moments", Private(np.concatenate(shares)), 1.0)
    start = 0
    for name in names:
        end = start + 2 * (len(common.knots(name)) - 1)
        common.moments[name] = _pairs(total[start:end].reshape(-1, 2))
        start = end


def _moments_of_cells(common: _Common) -> None:
    """The same, read off the cells as if each row stood in the middle of its own."""
    for name, cells in common.cells.items():
        if not (knots := common.knots(name)):
            continue
        middles = [cells.middle(cell) for cell in range(len(cells.count))]
        values = np.array([*middles, common.quantiles[name].fill])
        weights = np.append(cells.count, common.missing[name])
        parts = pieces(values, knots)
        means = [np.average(each, axis=1, weights=weights) for each in (parts, np.square(parts))]
        common.moments[name] = _pairs(np.stack(means, axis=1))


def _pairs(moments: Floats) -> Moments:
    return tuple((float(mean), float(square)) for mean, square in moments)


def _encodings(
    schema: Schema,
    declared: Mapping[str, Column],
    common: _Common,
    counter: _Counter,
    dataset: DatasetConfig,
) -> tuple[list[NumericEncoding | CategoricalEncoding], list[ColumnStatistics], list[str]]:
    """Each column's encoding, its statistics, and sentences on those that are left out."""
    encodings: list[NumericEncoding | CategoricalEncoding] = []
    columns: list[ColumnStatistics] = []
    notes: list[str] = []
    for name, kind in schema:
        encoding: NumericEncoding | CategoricalEncoding | None
        if name in declared:
            encoding, told = _declared(name, declared[name]), ColumnStatistics(name, kind, declared=True)
        elif kind == "numeric":
            encoding, told = _numeric(name, common, counter, notes)
        else:
            encoding, told = _categorical(name, common, counter, dataset, notes)
        columns.append(told)
        if encoding is not None:
            encodings.append(encoding)
    return encodings, columns, notes


def _declared(name: str, column: Column) -> NumericEncoding | CategoricalEncoding:
    """A declared range is one piece, whose mean is taken for its middle and whose scale for a quarter of it:

    where numbers fill the range as a bell does, that is about their standard deviation. So the feature lies
    between -2 and 2, and a gap, filled with the middle, at 0. Levels get codes in the declared order.
    """
    if column.range is not None:
        low, high = column.range
        if not math.isfinite(high - low):
            raise PlanRefused(
                "the declared range is too wide", field=f"columns.{name}", advice="Declare a narrower one."
            )
        return NumericEncoding(name, low + (high - low) / 2, (low, high), (Standard(0.5, 0.25),), None)
    return CategoricalEncoding(name, tuple(shared_name(level) for level in column.levels or ()), None)


def _numeric(
    name: str, common: _Common, counter: _Counter, notes: list[str]
) -> tuple[NumericEncoding | None, ColumnStatistics]:
    missing, present = common.missing[name], common.cells[name].rows
    rows = max(missing + present, 1.0)
    gap = None
    if counter.support <= missing <= rows - counter.support:
        gap = Standard(missing / rows, math.sqrt(missing / rows * (1 - missing / rows)))
    found, knots, moments = common.quantiles.get(name), common.knots(name), common.moments.get(name, ())
    mean, sd = _of_the_value(knots, moments)
    told = ColumnStatistics(
        name,
        "numeric",
        declared=False,
        missing=missing / rows,
        mean=mean,
        sd=sd,
        quantiles=None if found is None else tuple(zip(SHARES, found.values, strict=True)),
    )
    if not knots:
        notes.append(_why_no_value(name, present))
        if gap is None:
            return None, told
    # At least `MIN_SUPPORT` rows lie at either end of a piece, so its variance is no smaller than this.
    least = MIN_SUPPORT / (2 * rows)
    standards = tuple(Standard(m, math.sqrt(max(square - m * m, least))) for m, square in moments)
    return NumericEncoding(name, 0.0 if found is None else found.fill, knots, standards, gap), told


def _of_the_value(knots: tuple[float, ...], moments: Moments) -> tuple[float | None, float | None]:
    """The mean and the standard deviation of the value that the pieces add up to.

    A later piece is above 0 only where all earlier ones are 1, so the mean of their product is its mean.
    """
    if not moments:
        return None, None
    widths = np.diff(knots)
    means, squares = (np.array(each) for each in zip(*moments, strict=True))
    later = np.cumsum((widths * means)[::-1])[::-1] - widths * means
    mean = float(widths @ means)
    variance = float(widths**2 @ squares + 2 * widths @ later - mean**2)
    return knots[0] + mean, math.sqrt(max(variance, 0.0))


def _categorical(
    name: str, common: _Common, counter: _Counter, dataset: DatasetConfig, notes: list[str]
) -> tuple[CategoricalEncoding | None, ColumnStatistics]:
    """Buckets with enough rows get codes, in the buckets' order; the rest has code 0.

    The rest too must have enough rows, or none: the smallest buckets join it until it has.
    """
    counts, missing = common.buckets[name], common.missing[name]
    kept = [int(bucket) for bucket in np.flatnonzero(counts >= counter.support)]
    rows = float(sum(common.outcomes or (0, 0)))
    rest = rows - float(counts[kept].sum())
    # The rest is a difference of as many noisy counts as there are buckets in it, and two more.
    nothing = counter.margin * math.sqrt(len(kept) + 2)
    while kept and nothing < rest < counter.support + nothing:
        smallest = min(kept, key=lambda bucket: int(counts[bucket]))
        kept.remove(smallest)
        rest += float(counts[smallest])
    if len(kept) > MAX_LEVELS_LIMIT:
        raise dataset.error(
            f"the column has more than {MAX_LEVELS_LIMIT} levels that are not rare over all parties",
            column=name,
            advice="Exclude it if it names single firms; otherwise declare its levels in the plan.",
        )
    whole = max(rows, 1.0)
    told = ColumnStatistics(
        name,
        "categorical",
        declared=False,
        missing=missing / whole,
        shares=tuple(float(count) / whole for count in (max(rest, 0.0), *counts[kept])),
    )
    if not kept or (len(kept) == 1 and rest <= nothing):
        notes.append(_why_no_code(name, len(kept)))
        return None, told
    return CategoricalEncoding(name, None, tuple(kept)), told


def _why_no_value(name: str, present: float) -> str:
    if present <= 0:
        return f"Column {name} is entirely missing over all parties; its value is left out."
    return (
        f"Column {name} is constant over all parties, or so nearly that its value would tell single rows; "
        "the value is left out."
    )


def _why_no_code(name: str, kept: int) -> str:
    if kept:
        return f"Column {name} has one level over all parties; it is left out."
    return f"Column {name} is left out: no level has {MIN_SUPPORT} training rows over all parties."
