"""A figure that an attack found: with its interval, beside a baseline, between two controls.

A figure alone comforts for nothing: an attack that finds little may be a bad attack. So each is run where it
must succeed (positive) and where nothing is to be found (negative), and says nothing where one of them fails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import beta

from parties.evaluation.delong import auc as delong
from parties.evaluation.inputs import Z95, labelled

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Unit = Literal["auc", "rate", "tpr", "cosine", "count"]
Verdict = Literal["pass", "fail", "unknown", "void"]

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval, over n rows, identifiers, runs or messages."""

    value: float
    lower: float
    upper: float
    n: int


def area(labels: Labels, scores: Floats) -> Estimate:
    """The AUC of scores, higher for rows taken to be of class 1; DeLong's interval."""
    found = delong(labelled(labels, scores))
    return Estimate(found.auc, found.low, found.high, len(labels))


def at_chance(found: Estimate) -> bool:
    """Whether an area is within four standard errors of a half."""
    return abs(found.value - 0.5) <= 2 * max(found.upper - found.value, found.value - found.lower)


def best_area(labels: Labels, scores: list[Floats]) -> Estimate:
    """The largest of the areas: an attacker who tries several ways is taken to know which one serves."""
    return max((area(labels, each) for each in scores), key=lambda each: each.value)


def rate(hits: int, of: int) -> Estimate:
    """hits / of, with the exact binomial interval (Clopper and Pearson, Biometrika 26, 1934)."""
    if not of:
        return Estimate(0.0, 0.0, 1.0, 0)
    lower = 0.0 if not hits else float(beta.ppf(0.025, hits, of - hits + 1))
    upper = 1.0 if hits == of else float(beta.ppf(0.975, hits + 1, of - hits))
    return Estimate(hits / of, lower, upper, of)


def likeness(one: Floats, other: Floats) -> Estimate:
    """The size of the correlation of two vectors (their cosine, once centred); Fisher's interval of it."""
    found = abs(float(np.corrcoef(one, other)[0, 1]))
    centre, reach = math.atanh(min(found, 1 - 1e-15)), Z95 / math.sqrt(len(one) - 3)
    return Estimate(found, math.tanh(max(0.0, centre - reach)), math.tanh(centre + reach), len(one))


@dataclass(frozen=True, slots=True)
class Control:
    """The same attack elsewhere: what it found, whether that is what must be there, and where it was."""

    value: float
    ok: bool
    told: str


@dataclass(frozen=True, slots=True)
class Found:
    """What one attack found in one view.

    attack: its family, as `isthmus bench attacks` takes it; name: within it. control: the id in the rule
    catalogue that it answers to. baseline: what the attacker has without the transcript; bound: the most that
    the control allows. `by_upper`: the interval's upper end must be within it too, as of every T-LEAK-*.
    """

    attack: str
    name: str
    control: str
    view: str
    unit: Unit
    found: Estimate
    baseline: float
    bound: float
    seed: int
    positive: Control
    negative: Control
    told: str
    weakened: bool = False
    by_upper: bool = False

    @property
    def controls_ok(self) -> bool:
        """Whether the attack succeeded where it must and found nothing where nothing is."""
        return self.positive.ok and self.negative.ok

    @property
    def verdict(self) -> Verdict:
        """void: a control failed, so the figure says nothing. unknown: too few rows to tell."""
        if not self.controls_ok:
            return "void"
        if self.found.value > self.bound:
            return "fail"
        decides = self.by_upper or self.control.startswith("T-LEAK-")
        return "unknown" if decides and self.found.upper > self.bound else "pass"

    def to_json(self) -> dict[str, Any]:
        """Everything by name, figures to four digits."""
        return {
            "attack": self.attack,
            "name": self.name,
            "control": self.control,
            "view": self.view,
            "protocol": "textbook" if self.weakened else "product",
            "unit": self.unit,
            "value": _rounded(self.found.value),
            "lower": _rounded(self.found.lower),
            "upper": _rounded(self.found.upper),
            "baseline": _rounded(self.baseline),
            "bound": _rounded(self.bound),
            "verdict": self.verdict,
            "n": self.found.n,
            "seed": self.seed,
            "positive": _control(self.positive),
            "negative": _control(self.negative),
            "told": self.told,
        }


def _control(control: Control) -> dict[str, Any]:
    return {"value": _rounded(control.value), "ok": control.ok, "told": control.told}


def _rounded(value: float) -> float:
    return round(value, _DIGITS)
