"""The privacy budget that a data owner sets: the table [datasets.NAME.privacy] of party.toml.

[datasets.loans.privacy]
epsilon = 3.0              # the most that all runs together may spend
delta = 1e-5               # at this delta
unit = "record"            # optional: what is protected, "record" or "party"; else as in the first run
account = "retail"         # optional: data sets of one account share what is spent
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args

from parties.dataset.problems import Table

#: What one neighbouring data set lacks: a record, or the whole party.
Unit = Literal["record", "party"]
UNITS: tuple[str, ...] = get_args(Unit)

MOST_EPSILON = 1e6
#: Below the lower one the accounting does not resolve; above the upper one nothing is promised.
LEAST_DELTA, MOST_DELTA = 1e-10, 1e-2


@dataclass(frozen=True, slots=True)
class Budget:
    """At most `epsilon` at `delta`, over all runs, for one `unit` (None: that of the first run)."""

    epsilon: float
    delta: float
    unit: Unit | None = None
    account: str | None = None


def read_budget(table: Table) -> Budget | None:
    """The budget in a dataset's table, or None without one. Notes every problem with the table."""
    inner = table.within("privacy")
    if inner is None:
        return None
    inner.refuse_others(("epsilon", "delta", "unit", "account"))
    epsilon = inner.number("epsilon", 1e-6, MOST_EPSILON)
    delta = inner.number("delta", LEAST_DELTA, MOST_DELTA)
    unit = inner.choice("unit", UNITS)
    account = inner.optional_text("account")
    if epsilon is None or delta is None:
        return None
    return Budget(epsilon, delta, cast("Unit | None", unit), account)
