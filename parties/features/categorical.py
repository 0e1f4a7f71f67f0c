"""Columns of levels: one feature per level, rare levels merged, so that each has enough rows behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crypto.codes import Code
from parties.dataset import Place
from parties.features.columns import Levels, is_numeric, left_out_empty, levels, number_text, parsed
from parties.features.saved import flag, position, text, texts
from parties.features.standard import Standard
from parties.features.support import MIN_SUPPORT, Floats, Mask

OTHER, GAP = "(other)", "(missing)"


@dataclass(frozen=True, slots=True, repr=False)
class CategoricalColumn:
    """A column of levels and what was fitted on its training rows. `repr` shows none of it.

    Each row belongs to one group: a level in `kept`; the missing, where `own_gap` says that they are one;
    or the merged and unseen levels, where there is such a group (`other`; without it, an unseen level
    belongs to none). `gap` is the group of a missing cell: its own, or the most frequent one where too few
    are missing. Features are all groups, or the rarer of two, since the other is its complement: `shown`.
    `numeric` says that levels are numbers.
    """

    column: str
    numeric: bool
    kept: tuple[str, ...]
    own_gap: bool
    other: bool
    gap: int
    shown: tuple[int, ...]
    standards: tuple[Standard, ...]

    @classmethod
    def fit(cls, series: pd.Series, most: int, place: Place, notes: list[str]) -> CategoricalColumn | None:
        """Fit on the training rows; None, with a sentence in `notes`, where no feature comes of it.

        Raises `UsageError` where more than `most` levels are left after merging.
        """
        column, found = str(series.name), levels(series, place)
        counts = np.bincount(found.codes[found.codes >= 0], minlength=len(found.texts))
        gaps = len(series) - int(counts.sum())
        rare = _rare(counts)
        own_gap = gaps >= MIN_SUPPORT
        sizes = [*counts[~rare], *([gaps] if own_gap else []), *([counts[rare].sum()] if rare.any() else [])]
        if len(sizes) < 2 or min(sizes) < MIN_SUPPORT:
            notes.append(_why_left_out(column, len(found.texts)))
            return None
        kept = tuple(name for name, merged in zip(found.texts, rare, strict=True) if not merged)
        refuse_many(len(kept), most, column, place)
        if rare.any():
            notes.append(_what_was_merged(column, int(rare.sum())))
        gap = len(kept) if own_gap else int(np.argmax(sizes))
        if not own_gap:
            sizes[gap] += gaps
        shown = (int(np.argmin(sizes)),) if len(sizes) == 2 else tuple(range(len(sizes)))
        standards = tuple(_indicator(int(sizes[group]), len(series)) for group in shown)
        return cls(column, is_numeric(series), kept, own_gap, bool(rare.any()), gap, shown, standards)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups' names, in order."""
        return (*self.kept, *((GAP,) if self.own_gap else ()), *((OTHER,) if self.other else ()))

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names, in order."""
        groups = self.groups
        return tuple(f"{self.column}={groups[group]}" for group in self.shown)

    def transform(self, series: pd.Series, place: Place, out: Floats) -> None:
        """Write the features of `series` into the rows of `out` (len(names) x n)."""
        group = self._group(levels(series, place), is_numeric(series))
        for row, shown, standard in zip(out, self.shown, self.standards, strict=True):
            standard.apply((group == shown).astype(np.float64), row)

    def _group(self, found: Levels, numeric: bool) -> NDArray[np.int64]:
        """The group of every cell, -1 for none."""
        rest = len(self.kept) + self.own_gap if self.other else -1
        place_of = {name: place for place, name in enumerate(self.kept)}
        # A later file may hold one stray word, so that pandas reads its numbers as text.
        names = _numbers_as_texts(found.texts) if self.numeric and not numeric else found.texts
        by_level = [place_of.get(name, rest) for name in names]
        return np.array([*by_level, self.gap], dtype=np.int64)[found.codes]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "kind": "categorical",
            "column": self.column,
            "numeric": self.numeric,
            "kept": list(self.kept),
            "own_gap": self.own_gap,
            "other": self.other,
            "gap": self.gap,
            "shown": list(self.shown),
            "standards": [standard.to_dict() for standard in self.standards],
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> CategoricalColumn:
        """What `to_dict` wrote; `KeyError`, `TypeError` or `ValueError` for anything else."""
        kept, own_gap, other = texts(saved["kept"]), flag(saved["own_gap"]), flag(saved["other"])
        groups = len(kept) + own_gap + other
        shown = tuple(position(group, groups) for group in saved["shown"])
        standards = tuple(Standard.from_dict(standard) for standard in saved["standards"])
        if not shown or len(shown) != len(set(shown)) or len(shown) != len(standards):
            raise ValueError("not a categorical column")
        return cls(
            text(saved["column"]),
            flag(saved["numeric"]),
            kept,
            own_gap,
            other,
            position(saved["gap"], groups),
            shown,
            standards,
        )


def refuse_many(count: int, most: int, column: str, place: Place) -> None:
    """Raise `UsageError` where a column has more than `most` levels."""
    if count > most:
        raise place.error(
            f"the column has {count} levels on the training rows, more than the limit of {most}",
            column=column,
            advice="Exclude it if it names single firms; otherwise declare it categorical, so that rare "
            "levels are merged, or raise max_levels.",
            code=Code.COLUMN_LEVELS,
        )


def _rare(counts: NDArray[np.int64]) -> Mask:
    """The levels to be merged: all that are too rare, and as many more as give their group its support.

    Without the latter the group would be missing from the features, and the sum over all others together
    with the sum over all rows, which is near 0 after training, would give it away.
    """
    rare: Mask = counts < MIN_SUPPORT
    for level in np.argsort(counts, kind="stable"):
        if not rare.any() or counts[rare].sum() >= MIN_SUPPORT:
            break
        rare[level] = True
    return rare


def _indicator(having: int, rows: int) -> Standard:
    """The mean and the standard deviation of an indicator that `having` of `rows` rows have."""
    share = having / rows
    return Standard(share, float(np.sqrt(share * (1 - share))))


def _numbers_as_texts(names: tuple[str, ...]) -> list[str]:
    return [
        number_text(float(number)) if np.isfinite(number) else name
        for name, number in zip(names, parsed(names), strict=True)
    ]


def _what_was_merged(column: str, levels_merged: int) -> str:
    return (
        f"Column {column}: {levels_merged} levels are merged into {OTHER}, so that no feature rests on fewer "
        f"than {MIN_SUPPORT} training rows."
    )


def _why_left_out(column: str, level_count: int) -> str:
    if level_count == 0:
        return left_out_empty(column)
    if level_count == 1:
        return f"Column {column} has one level on the training rows; it is left out."
    return (
        f"Column {column} is left out: no two of its levels, rare ones merged, have {MIN_SUPPORT} training "
        "rows each, and so rare a feature would reveal single labels through the gradient."
    )
