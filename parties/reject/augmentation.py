"""Rows, labels and weights to fit a model of all applicants on, when outcomes are of the accepted alone.

Sources: Siddiqi, "Credit Risk Scorecards" (2006), chapter 6 (fuzzy augmentation, parcelling); Hsia, "Credit
scoring and the Equal Credit Opportunity Act", Hastings Law Journal 30 (1978) (weights by bands); Crook and
Banasik, "Does reject inference really improve the performance of application scoring models?", Journal of
Banking & Finance 28 (2004): often it does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crypto.errors import UsageError
from parties.reject.bands import scaled

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Outcomes = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, repr=False)
class Augmented:
    """What to fit on: entry i is the applicant `rows[i]`, accepted ones first and then the rejected, with the
    outcome `labels[i]` and the weight `weights[i]`. `repr` shows none of it."""

    rows: Whole
    labels: Outcomes
    weights: Floats


def fuzzy(labels: Outcomes, rejected: Floats, multiplier: float = 1.0, weight: float = 1.0) -> Augmented:
    """Every reject twice: as bad with its PD for a weight, as good with the rest.

    labels: of the accepted (a,). rejected: PD of each reject (r,), times `multiplier`. `weight`: of a reject
    against an accepted firm. With PDs of the model that is refitted, and a multiplier of 1, the same model
    comes back, since its score equations hold already: only the multiplier tells it anything.
    """
    chance = scaled(_chances(rejected), multiplier)
    accepted, turned_down = len(labels), len(chance)
    again = np.arange(accepted, accepted + turned_down)
    return Augmented(
        np.concatenate([np.arange(accepted), again, again]),
        np.concatenate([labels, np.ones(turned_down), np.zeros(turned_down)]).astype(np.int8),
        np.concatenate([np.ones(accepted), weight * chance, weight * (1 - chance)]),
    )


def parcelled(
    labels: Outcomes,
    bands: Whole,
    rates: Floats,
    rng: np.random.Generator,
    multiplier: float = 1.0,
    weight: float = 1.0,
) -> Augmented:
    """Every reject once, with an outcome drawn so that each band has its bad rate, to the nearest firm.

    bands: of the rejects (r,). rates: of each band, those of the accepted in it or, better, those that
    another lender observed (`lookup`), times `multiplier`.
    """
    assumed = scaled(_chances(rates), multiplier)
    if len(bands) and not 0 <= bands.min() <= bands.max() < len(assumed):
        raise UsageError("a reject is in a band without a bad rate", advice="Give a rate for every band.")
    outcome = np.zeros(len(bands), dtype=np.int8)
    for band, rate in enumerate(assumed):
        members = rng.permutation(np.flatnonzero(bands == band))
        outcome[members[: round(rate * len(members))]] = 1
    return Augmented(
        np.arange(len(labels) + len(bands)),
        np.concatenate([labels, outcome]).astype(np.int8),
        np.concatenate([np.ones(len(labels)), np.full(len(bands), weight)]),
    )


def reweighted(labels: Outcomes, accepted: Whole, rejected: Whole) -> Augmented:
    """The accepted alone, each for all applicants of its band: weight (accepted + rejected) / accepted.

    accepted, rejected: their bands, (a,) and (r,). Assumes that in a band the rejected are as bad as the
    accepted. Raises `UsageError` where a band has rejects and no accepted firm: nothing stands for them.
    """
    count = int(max(accepted.max(initial=-1), rejected.max(initial=-1))) + 1
    taken, refused = (np.bincount(bands, minlength=count) for bands in (accepted, rejected))
    if (alone := int(((taken == 0) & (refused > 0)).sum())) > 0:
        raise UsageError(
            f"{alone} bands hold rejected firms and no accepted one, so no weight can stand for them",
            advice="Cut the bands by the scores of accepted firms, or use parcelling.",
        )
    weights = (taken + refused) / np.maximum(taken, 1)
    return Augmented(np.arange(len(labels)), labels.astype(np.int8), weights[accepted])


def _chances(values: Floats) -> Floats:
    """PDs or bad rates as they came, or `UsageError`."""
    chances = np.asarray(values, dtype=np.float64)
    if not ((chances >= 0) & (chances <= 1)).all():
        raise UsageError(
            "a probability of default is outside 0 to 1", advice="Give probabilities, not scores or points."
        )
    return chances
