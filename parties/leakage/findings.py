"""What a check of a table finds, and the bounds beyond which it says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "separates",  # one column ranks outcomes as well as a whole model should
    "scattered",  # one outcome has the column's common values, the other its rare ones
    "certain",  # some of the column's values stand for one outcome alone
    "missing",  # whether the cell is empty tells the outcome
    "named",  # the column's name, or one of its levels, speaks of how the loan ended
    "later",  # a date lies after the decision
    "cohort",  # outcomes differ between cohorts
    "unripe",  # outcomes of the last cohort are not all known yet
    "drift",  # columns have other values in the last cohort
    "twins",  # the same firm, it seems, on both sides of the split
    "empty",  # no cell of the column is filled
    "constant",  # all of its cells are the same
    "few",  # rows, or rows of one outcome
    "unread",  # the column could not be looked at
]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Beyond what a finding is made. AUC bounds hold for the lower end of the 95 % interval.

    auc        of one column. Whole scorecards reach .70 to .85
    scattered  AUC of how common a value is in its column. Of ten public tables no legitimate column of loans
               passed .71, of ratios .77; SBA's Term has .96
    certain    share of bad (or, where most are bad, of good) rows in a bin, lower end of its interval. The
               worst legitimate bin of a loan table had .71
    missing    by how much the share of missing cells differs between the outcomes
    later      share of rows whose date lies after the decision
    cohort     spread of the cohorts' bad rates, over the mean
    unripe     bad rate of the last cohort, over that of the earlier ones
    drift      population stability index of a column from the earlier cohorts to the last
    twins      share of rows that equal another one in every column, among those with a rare value
    """

    auc: float = 0.80
    scattered: float = 0.80
    certain: float = 0.85
    missing: float = 0.25
    later: float = 0.01
    cohort: float = 0.25
    unripe: float = 0.6
    drift: float = 0.25
    twins: float = 0.01


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at: its kind, the column (none for what concerns rows), figures and a sentence.

    Holds names of columns and aggregates, never a cell. It is for the party that made it.
    """

    kind: Kind
    column: str | None
    sentence: str
    figures: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "kind": self.kind,
            "column": self.column,
            "sentence": self.sentence,
            "figures": {name: round(value, 4) for name, value in self.figures.items()},
        }
