"""Stepwise selection on the quadratic approximation of the log likelihood at the full model.

Near its optimum b, with covariance C, the log likelihood is quadratic. Leaving the columns R out then changes
twice the log likelihood by b_R' C_RR^-1 b_R, and the estimate of the others to b_S - C_SR C_RR^-1 b_R,
without another look at the data (Lawless and Singhal, Biometrics 34 (1978) 318-327). Good where no single
step moves the fit far: for the last of a long elimination fit the model that was chosen, and look at it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from crypto.errors import UsageError

Floats = npt.NDArray[np.float64]
Action = Literal["out", "in", "wrong sign"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a column must be worth to stay or to enter.

    `criterion`: "aic" asks twice the log likelihood to fall by more than 2 for each coefficient, "bic" by
    more than ln n (n: rows, better defaults where they are rare), "p" a p-value of the likelihood ratio below
    `p`; "none" nothing: then only wrong signs go.
    """

    criterion: Literal["aic", "bic", "p", "none"] = "aic"
    p: float = 0.05
    direction: Literal["backward", "forward"] = "backward"


@dataclass(frozen=True, slots=True)
class StepTaken:
    """One step: the group that went out or came in, twice the change of the log likelihood, coefficients in
    the group, and the p-value of that change."""

    action: Action
    group: int
    change: float
    degrees: int
    p: float

    def as_dict(self) -> dict[str, float | int | str]:
        """The fields by name, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Selected:
    """Places of the coefficients that stay, their estimates and standard errors in the model of these alone
    by the approximation, and every step taken."""

    kept: tuple[int, ...]
    estimates: tuple[float, ...]
    errors: tuple[float, ...]
    steps: tuple[StepTaken, ...]


def stepwise(
    estimates: Floats,
    covariance: Floats,
    rule: Rule,
    *,
    rows: int,
    groups: Sequence[int],
    expected: Sequence[int],
) -> Selected:
    """Select from a full model's `estimates` (d,) and their `covariance` (d x d).

    `groups` (d,): coefficients of equal number come and go together (the levels of one column); those of
    group -1, such as the intercept, always stay. `expected` (d,): -1 or 1 where only that sign makes sense,
    else 0. A column of the wrong sign goes out whatever it is worth, the one that costs least first, and
    forward selection takes none in that has a wrong sign or gives one to another; so no wrong sign is left.
    Raises `UsageError` for arrays that do not fit and a threshold outside (0, 1).
    """
    problem = _Problem(estimates, covariance, rule, rows, tuple(groups), tuple(expected))
    return problem.backward() if rule.direction == "backward" else problem.forward()


class _Problem:
    def __init__(
        self,
        estimates: Floats,
        covariance: Floats,
        rule: Rule,
        rows: int,
        groups: tuple[int, ...],
        expected: tuple[int, ...],
    ) -> None:
        size = len(estimates)
        if covariance.shape != (size, size) or len(groups) != size or len(expected) != size or rows < 1:
            raise UsageError(
                "estimates, covariance, groups and signs do not fit together",
                advice="Give one group and one sign for each estimate, and a covariance of that size.",
            )
        if not 0 < rule.p < 1:
            raise UsageError("a p-value's threshold is not between 0 and 1", advice="Give 0.05, say.")
        self.estimates, self.covariance, self.rule, self.rows = estimates, covariance, rule, rows
        self.groups, self.expected = np.array(groups), np.array(expected)
        self.free = sorted({group for group in groups if group != -1})

    def backward(self) -> Selected:
        """Out goes what is worth least, until all that is left is worth its place and of the right sign."""
        kept = set(self.free)
        steps = []
        while kept:
            out = [(self._change(kept - {group}, kept), group) for group in sorted(kept)]
            wrong = self._wrong(kept)
            unworthy = [one for one in out if not self._worth(*one)]
            if wrong:
                action: Action = "wrong sign"
                change, group = min(one for one in out if one[1] in wrong)
            elif unworthy:
                action = "out"
                change, group = max(unworthy, key=lambda one: (self._p(*one), -one[0]))
            else:
                break
            steps.append(self._step(action, change, group))
            kept.remove(group)
        return self._selected(kept, steps)

    def forward(self) -> Selected:
        """In comes what is worth most, while it is worth its place and gives no wrong sign."""
        kept: set[int] = set()
        steps = []
        while found := list(self._candidates(kept)):
            change, group = min(found, key=lambda one: (self._p(*one), -one[0]))
            steps.append(self._step("in", change, group))
            kept.add(group)
        return self._selected(kept, steps)

    def _candidates(self, kept: set[int]) -> Iterator[tuple[float, int]]:
        for group in self.free:
            if group in kept or self._wrong(kept | {group}):
                continue
            change = self._change(kept, kept | {group})
            if self._worth(change, group):
                yield change, group

    def _change(self, fewer: set[int], more: set[int]) -> float:
        """Twice the log likelihood that `more` has above `fewer`."""
        return self._loss(fewer) - self._loss(more)

    def _loss(self, kept: set[int]) -> float:
        """Twice the log likelihood of the full model less that of the model with `kept` alone."""
        left = ~self._in(kept)
        if not left.any():
            return 0.0
        out = self.estimates[left]
        return float(out @ np.linalg.solve(self.covariance[np.ix_(left, left)], out))

    def _reduced(self, kept: set[int]) -> Floats:
        """Estimates of the model with `kept` alone, 0 for what is left out."""
        stay = self._in(kept)
        found = np.where(stay, self.estimates, 0.0)
        if not stay.all():
            weights = np.linalg.solve(self.covariance[np.ix_(~stay, ~stay)], self.estimates[~stay])
            found[stay] -= self.covariance[np.ix_(stay, ~stay)] @ weights
        return found

    def _wrong(self, kept: set[int]) -> set[int]:
        """Groups with a coefficient of the wrong sign."""
        wrong = self._reduced(kept) * self.expected < 0
        return {int(group) for group in self.groups[wrong] if group != -1}

    def _in(self, kept: set[int]) -> npt.NDArray[np.bool_]:
        return np.isin(self.groups, [-1, *kept])

    def _worth(self, change: float, group: int) -> bool:
        degrees = self._degrees(group)
        if self.rule.criterion == "none":
            return True
        if self.rule.criterion == "p":
            return self._p(change, group) < self.rule.p
        return change > degrees * (2.0 if self.rule.criterion == "aic" else math.log(self.rows))

    def _degrees(self, group: int) -> int:
        return int(np.count_nonzero(self.groups == group))

    def _p(self, change: float, group: int) -> float:
        return float(chdtrc(self._degrees(group), max(change, 0.0)))

    def _step(self, action: Action, change: float, group: int) -> StepTaken:
        return StepTaken(action, group, change, self._degrees(group), self._p(change, group))

    def _selected(self, kept: set[int], steps: list[StepTaken]) -> Selected:
        places = np.flatnonzero(self._in(kept))
        estimates, errors = self._reduced(kept)[places], self._errors(kept)
        return Selected(
            tuple(places.tolist()), tuple(estimates.tolist()), tuple(errors.tolist()), tuple(steps)
        )

    def _errors(self, kept: set[int]) -> Floats:
        """Standard errors in the model with `kept` alone: there the covariance is what is left of the full
        one when the others are known to be 0."""
        stay = self._in(kept)
        covariance = self.covariance[np.ix_(stay, stay)]
        if not stay.all():
            across = self.covariance[np.ix_(stay, ~stay)]
            covariance = covariance - across @ np.linalg.solve(
                self.covariance[np.ix_(~stay, ~stay)], across.T
            )
        return np.asarray(np.sqrt(np.maximum(np.diag(covariance), 0.0)))
