"""Whether the probability of default that a grade is given is too low for what happened in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from scipy.special import betainc

from crypto.errors import UsageError


@dataclass(frozen=True, slots=True)
class GradeTest:
    """One grade: firms, defaults, their rate, the probability of default given to it, and the Jeffreys test.

    `p` is the posterior chance that the true rate is at most the given one: small where the given one is too
    low. It says nothing against one that is too high.
    """

    grade: str
    firms: int
    defaults: int
    observed: float
    given: float
    p: float

    def as_dict(self) -> dict[str, float | int | str]:
        """The fields by name, ready for JSON."""
        return asdict(self)


def jeffreys(defaults: int, firms: int, given: float) -> float:
    """P(rate <= `given`) under Beta(D + 1/2, N - D + 1/2), the posterior of Jeffreys' prior.

    European Central Bank, Instructions for reporting the validation results of internal models (February
    2019), section 2.5.3.1. Raises `UsageError` for counts or a probability that cannot be.
    """
    if not (0 <= defaults <= firms and firms > 0 and 0 <= given <= 1):
        raise UsageError(
            "a grade has more defaults than firms, no firm, or a probability outside 0 to 1",
            advice="Give counts of firms and of defaults among them, and a probability.",
        )
    return float(betainc(defaults + 0.5, firms - defaults + 0.5, given))


def grade_tests(
    grades: Sequence[str], firms: Sequence[int], defaults: Sequence[int], given: Sequence[float]
) -> tuple[GradeTest, ...]:
    """The test of each grade that has a firm in it; and, last, of all of them together ("all").

    Together the given probability is their mean, weighted by firms. Raises `UsageError` as `jeffreys` does,
    and where no grade has a firm.
    """
    found = [
        GradeTest(grade, n, bad, bad / n, pd, jeffreys(bad, n, pd))
        for grade, n, bad, pd in zip(grades, firms, defaults, given, strict=True)
        if n
    ]
    n, bad = sum(each.firms for each in found), sum(each.defaults for each in found)
    mean = sum(each.firms * each.given for each in found) / n if n else 0.0
    whole = jeffreys(bad, n, min(mean, 1.0))  # Refuses where no grade has a firm.
    return (*found, GradeTest("all", n, bad, bad / n, mean, whole))
