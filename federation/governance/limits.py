"""What was spent under a grant, held against its limits: does one more attempt fit, and what is left?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from federation.governance.authorisation import Left
from federation.governance.grant import Grant
from federation.governance.needing import Needs


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent under one grant by all runs together, the run that is asked for left out where it counts
    once (`runs`, `epsilon`). `attempts`: those at the run that is asked for."""

    runs: int = 0
    rounds: int = 0
    psi_runs: int = 0
    epsilon: float = 0.0
    equations_per_row: float = 0.0
    egress_bytes: int = 0
    attempts: int = 0


def exceeded(grant: Grant, needs: Needs, spent: Spent) -> str | None:
    """Which limit one more attempt would exceed, told with both figures; None where it fits."""
    limits, cost = grant.limits, needs.cost
    if needs.parties < limits.min_parties:
        return f"{needs.parties} parties take part, and at least {limits.min_parties} must"
    if spent.attempts >= cost.attempts:
        return f"all attempts are used up that its plan allows one run: {cost.attempts}"
    if limits.max_epsilon is not None and cost.epsilon is None:
        return f"epsilon is limited to {limits.max_epsilon:g}, and the plan adds no noise"
    asked = (
        ("runs", spent.runs + 1, limits.max_runs),
        ("rounds", spent.rounds + cost.rounds, limits.max_rounds),
        ("alignments", spent.psi_runs + cost.psi_runs if cost.psi_runs else 0, limits.max_psi_runs),
        ("epsilon", spent.epsilon + (cost.epsilon or 0.0), limits.max_epsilon),
        (
            "equations for each row",
            spent.equations_per_row + cost.equations_per_row if cost.equations_per_row else 0.0,
            limits.max_equations_per_row,
        ),
    )
    for what, total, most in asked:
        if most is not None and total > most * (1 + 1e-12):
            return f"with this run {total:g} {what} are used, and {most:g} are allowed"
    if limits.max_egress_bytes is not None and spent.egress_bytes >= limits.max_egress_bytes:
        return f"all {limits.max_egress_bytes:,} bytes that may leave have left"
    return None


def left(grants: Iterable[Grant], spent: Mapping[str, Spent]) -> Left:
    """The least that any of the grants still allows before this run."""
    bytes_, rounds, epsilons, equations = [], [], [], []
    for grant in grants:
        limits, used = grant.limits, spent.get(grant.id, Spent())
        if limits.max_egress_bytes is not None:
            bytes_.append(max(0, limits.max_egress_bytes - used.egress_bytes))
        if limits.max_rounds is not None:
            rounds.append(max(0, limits.max_rounds - used.rounds))
        if limits.max_epsilon is not None:
            epsilons.append(max(0.0, limits.max_epsilon - used.epsilon))
        if limits.max_equations_per_row is not None:
            equations.append(max(0.0, limits.max_equations_per_row - used.equations_per_row))
    return Left(
        min(bytes_, default=None),
        min(rounds, default=None),
        min(epsilons, default=None),
        min(equations, default=None),
    )
