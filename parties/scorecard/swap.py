"""The swap set: whom a new score approves that the old one declined, and the other way round."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto.errors import UsageError

Floats = npt.NDArray[np.float64]
Outcomes = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Cell:
    """Rows of one kind, and how many of them are bad; no rate where there is no row."""

    rows: int
    bad: int
    bad_rate: float | None


@dataclass(frozen=True, slots=True)
class SwapSet:
    """Both scores approve the same number of rows; `swapped_in` are those of the new score alone."""

    approval_rate: float
    both: Cell
    swapped_in: Cell
    swapped_out: Cell
    neither: Cell

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def swap_set(new: Floats, old: Floats, outcomes: Outcomes, approval: float) -> SwapSet:
    """What changes where the best `approval` of the rows by `new`, instead of by `old`, are approved.

    Of rows with one score the earlier ones are approved first.
    """
    if not (len(new) == len(old) == len(outcomes) > 0 and 0 < approval < 1):
        raise UsageError(
            "a swap set needs two scores and an outcome for each row, and a share between 0 and 1",
            advice="Give the rows that both scores know.",
        )
    count = round(approval * len(new))
    by_new, by_old = _best(new, count), _best(old, count)
    return SwapSet(
        approval,
        _cell(by_new & by_old, outcomes),
        _cell(by_new & ~by_old, outcomes),
        _cell(~by_new & by_old, outcomes),
        _cell(~by_new & ~by_old, outcomes),
    )


def _best(scores: Floats, count: int) -> npt.NDArray[np.bool_]:
    marks = np.zeros(len(scores), dtype=np.bool_)
    marks[np.argsort(-scores, kind="stable")[:count]] = True
    return marks


def _cell(marks: npt.NDArray[np.bool_], outcomes: Outcomes) -> Cell:
    rows, bad = int(marks.sum()), int(outcomes[marks].sum())
    return Cell(rows, bad, bad / rows if rows else None)
