"""No more than is needed: the smallest group that anything released is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from federation.compliance.checks import check
from federation.compliance.checks.evidence import of_evidence
from federation.compliance.checks.saying import fails
from federation.compliance.facts import Case
from federation.compliance.verdicts import Answer


@check("cohort", reads=("least",))
def cohort(case: Case, parameters: Mapping[str, Any]) -> Sequence[Answer]:
    """Every manifest names a smallest group of `least` rows or more; the evidence shows that it was kept."""
    least = parameters["least"]
    below = [
        fails(
            f"The manifest of {name} sets its smallest group at {data.min_cohort}; it takes {least}.",
            f"{name} 的清单把最小群体设为 {data.min_cohort}，至少应为 {least}。",
            party=name,
        )
        for name, data in sorted(case.data.items())
        if data.min_cohort < least
    ]
    return below or [of_evidence(case, parameters["control"])]
