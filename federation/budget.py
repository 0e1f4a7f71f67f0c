"""The equation budget: how many gradient sums a party without labels may be given.

With the full batch every gradient block of a party is the same d linear forms X' of the residuals: the
label part X' y is fixed, so a party with d columns over n rows gets d equations about n labels, however
many iterations it sees. Measured excess AUC of label inference over the party's own model: 0.012 at 0.02
equations a row, 0 at 0.01; reshuffled minibatches reach AUC 1.0 after six epochs, which is why there are
none here. Source: control T-EQUATIONS (GDPR article 25; measured).
"""

from __future__ import annotations

from federation.errors import PlanRefused


def check_equations(party: str, columns: int, rows: int, limit: float) -> None:
    """Raise `PlanRefused` when `columns` encoded columns are more than `limit` equations a training row."""
    spent = columns / rows if rows else float("inf")
    if spent > limit:
        most = int(limit * rows)
        raise PlanRefused(
            f"{columns} columns over {rows} training rows are {spent:.4f} gradient equations a row, "
            f"{spent / limit:.1f} times the {limit:g} that the plan allows",
            party=party,
            field="limits.equations_per_row",
            advice=f"Leave out columns at {party} (at most {most} after encoding), or align more firms.",
        )
