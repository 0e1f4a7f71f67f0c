"""What a party leaves out by itself: columns that tell too little or are mostly missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crypto.errors import UsageError


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One column that a filter left out, by name, and why in words for its own party."""

    column: str
    reason: str


def filtered(
    information_value: Mapping[str, float],
    missing: Mapping[str, float],
    *,
    minimum_iv: float,
    most_missing: float,
) -> tuple[tuple[str, ...], tuple[LeftOut, ...]]:
    """Columns that stay, in the order of `information_value`, and those left out.

    `missing` is the share of training rows without a value, 0 for a column that it does not name. A column
    whose information value is not a number is left out. Raises `UsageError` for a share outside [0, 1].
    """
    if not 0 <= most_missing <= 1:
        raise UsageError("the share of missing values is not between 0 and 1", advice="Give 0.95, say.")
    left: list[LeftOut] = []
    for column, value in information_value.items():
        share = missing.get(column, 0.0)
        if share > most_missing:
            left.append(LeftOut(column, f"{share:.1%} of its values are missing"))
        elif not value >= minimum_iv:
            left.append(LeftOut(column, f"its information value, {value:.3f}, is below {minimum_iv:g}"))
    gone = {each.column for each in left}
    return tuple(column for column in information_value if column not in gone), tuple(left)
