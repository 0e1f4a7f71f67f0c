"""What a party says about single columns: the tables [datasets.NAME.columns.COLUMN] of party.toml.

    [datasets.loans.columns.turnover]
    special = [-999]                   # numbers that are codes: each is a bin of its own, beside the others
    splits = [1e5, 1e6]                # own bins: a value x is in the bin of how many splits are <= x
    trend = "ascending"                # bad rate over the column: "ascending", "descending", "auto", "none"
    [datasets.loans.columns.sector]
    groups = [["A", "B"], ["C"]]       # own bins of levels; all others are one more
    reason = { en = "Sector", zh = "行业" }   # how a reason code that stands for the column is told

All of it stays with the party. "auto" lets a scorecard choose the direction and asks nothing of boosted
trees; "none" asks nothing of either.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, cast, get_args

from parties.dataset.problems import Table

Trend = Literal["auto", "ascending", "descending", "none"]
TRENDS: tuple[str, ...] = get_args(Trend)

#: The languages in which a reason may be told.
LANGUAGES = ("en", "zh")
#: The most special codes of a column, and the most bins that own splits or groups may make.
MOST_SPECIAL, MOST_OWN_BINS = 16, 128

_RULES = ("special", "splits", "groups", "trend", "reason")


@dataclass(frozen=True, slots=True)
class ColumnRules:
    """One column's rules. Empty where nothing is said."""

    special: tuple[float, ...] = ()
    splits: tuple[float, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    trend: Trend = "auto"
    reason: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", MappingProxyType(dict(self.reason)))

    def contradictions(self, column: str) -> list[str]:
        """What is wrong with them, one sentence each."""
        named = [level for group in self.groups for level in group]
        checks = {
            "special": not _distinct(self.special) or len(self.special) > MOST_SPECIAL,
            "splits": not _distinct(self.splits)
            or list(self.splits) != sorted(self.splits)
            or len(self.splits) >= MOST_OWN_BINS,
            "groups": not all(self.groups)
            or len(set(named)) != len(named)
            or not all(level.strip() == level != "" for level in named)
            or len(self.groups) >= MOST_OWN_BINS,
            "trend": self.trend not in TRENDS,
            "reason": not set(self.reason) <= set(LANGUAGES) or not all(map(_told, self.reason.values())),
        }
        found = [f"columns.{column} {name} {_ALLOWED[name]}" for name, wrong in checks.items() if wrong]
        if self.splits and self.groups:
            found.append(f"columns.{column} has both splits and groups: splits cut numbers, groups levels")
        if self.special and self.groups:
            found.append(f"columns.{column} has both special and groups: give the code a group")
        return found


_ALLOWED = {
    "special": f"must be different finite numbers, at most {MOST_SPECIAL}",
    "splits": f"must be finite numbers in ascending order, fewer than {MOST_OWN_BINS}",
    "groups": f"must be lists of levels, fewer than {MOST_OWN_BINS}, no level empty or in two of them",
    "trend": f"must be one of: {', '.join(TRENDS)}",
    "reason": f"must be a text of one line for some of: {', '.join(LANGUAGES)}",
}


def read_rules(reader: Table) -> dict[str, ColumnRules] | None:
    """The rules of each column in a dataset's table, or None without any. Notes every problem."""
    inner = reader.within("columns")
    if inner is None:
        return None
    return {
        column: _read_column(table) for column in inner.names() if (table := inner.within(column)) is not None
    }


def rule_contradictions(columns: Mapping[str, ColumnRules], taken: Mapping[str, str]) -> Iterable[str]:
    """What is wrong among rules; `taken`: columns that are no features -> what they are."""
    for column, rules in columns.items():
        if column in taken:
            yield f"columns.{column} has rules, but the column is the {taken[column]} and no feature"
        yield from rules.contradictions(column)


def _read_column(table: Table) -> ColumnRules:
    table.refuse_others(_RULES)
    return ColumnRules(
        table.numbers("special") or (),
        table.numbers("splits") or (),
        table.text_lists("groups") or (),
        cast(Trend, table.choice("trend", TRENDS) or "auto"),
        table.text_map("reason") or {},
    )


def _distinct(numbers: tuple[float, ...]) -> bool:
    return all(map(math.isfinite, numbers)) and len(set(numbers)) == len(numbers)


def _told(text: str) -> bool:
    return len(text.strip()) > 0 and len(text) <= 200 and text.isprintable()
