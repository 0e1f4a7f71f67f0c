"""What the bank wants to know: default within twelve months."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parties.four_flows.factors import Firms
from parties.four_flows.information import log_lawsuits
from parties.four_flows.streams import Flags, Floats, logistic

_WEIGHTS = {"capital": -0.67, "trade": -0.52, "operations": -0.50, "conduct": -0.72, "shock": -0.25}
_DISTRESS = 0.55
_FAKE = 0.9
#: Leverage hurts most where one buyer decides: a product, which no linear model of the two shows.
_INTERACTION = 0.74
_UNEXPLAINED = 0.10
_BY_INDUSTRY = np.array([0.0, 0.05, 0.30, 0.15, -0.20, -0.10])
_BY_REGION = np.array([0.10, 0.35, -0.15, -0.05, 0.10, 0.25])
_BY_LENDER = np.array([-0.25, 0.0, 0.35])
_BY_COUNTRY = np.array([0.0, -0.15, 0.25, 0.1, -0.25, 0.2])


@dataclass(frozen=True, slots=True)
class Outcome:
    """One value for each firm; every array has shape (firms,)."""

    default_probability: Floats
    default: Flags
    bankrupt: Flags  # The defaulters that end in court, not in a new schedule.


def outcome(
    firms: Firms,
    leverage: Floats,
    concentration: Floats,
    borrowers: int,
    base_rate: float,
    random: np.random.Generator,
) -> Outcome:
    """Probabilities whose mean over the first `borrowers` firms is `base_rate`, and what came of them."""
    score = _score(firms, leverage, concentration, random)
    probability = logistic(score + _intercept(score[:borrowers], base_rate))
    default = _systematic(probability, random)
    gravity = 4.0 * (log_lawsuits(firms) + 1.3)
    bankrupt = default & (random.random(len(firms)) < logistic(gravity))
    return Outcome(probability, default, bankrupt)


def _score(firms: Firms, leverage: Floats, concentration: Floats, random: np.random.Generator) -> Floats:
    """Log-odds of default, up to a constant."""
    score = _UNEXPLAINED * random.standard_normal(len(firms)) + _DISTRESS * firms.distress
    for name, weight in _WEIGHTS.items():
        score += weight * getattr(firms, name)
    score += _FAKE * firms.fake - 0.12 * firms.size - 0.02 * firms.age
    score += _BY_INDUSTRY[firms.industry] + _BY_REGION[firms.region]
    score += _BY_LENDER[firms.lender] + _BY_COUNTRY[firms.country]
    # Both are bounded, so that no firm's fate hangs on one extreme product.
    score += _INTERACTION * np.clip(leverage, -2.5, 2.5) * np.clip(concentration, -2.5, 2.5)
    return score


def _intercept(score: Floats, base_rate: float) -> float:
    """By bisection: the constant at which the mean probability is `base_rate`."""
    low, high = -40.0, 40.0
    for _ in range(50):
        middle = (low + high) / 2
        if logistic(score + middle).mean() < base_rate:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _systematic(probability: Floats, random: np.random.Generator) -> Flags:
    """Each firm defaults with exactly its own probability, but along the order of risk evenly.

    Systematic sampling (Madow, 1949) rather than one coin each: the number of defaults is the expected
    one, and two seeds differ by their firms, less by the luck of the draw.
    """
    order = np.argsort(probability, kind="stable")
    steps = np.floor(np.cumsum(probability[order]) + random.random())
    chosen = np.empty(len(probability), dtype=np.bool_)
    chosen[order] = np.diff(steps, prepend=0.0) > 0
    return chosen
