"""One model for each assumption about the rejected, side by side: how much depends on what nobody saw?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from crypto.errors import UsageError
from crypto.private import Private
from parties.evaluation.delong import auc
from parties.evaluation.inputs import Labelled, labelled
from parties.reject.augmentation import Augmented, fuzzy, parcelled, reweighted
from parties.reject.bands import ObservedBands, Whole, band_rates, fit_bands

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]
Outcomes = npt.NDArray[np.int8]

#: Times as bad as the accepted of the same score: what the rejected may be.
MULTIPLIERS = (1.0, 1.5, 2.0, 2.5, 3.0)
#: What can be assumed of the rejected, beside nothing.
METHODS = ("weights", "fuzzy", "parcelling")


class Fitted(Protocol):
    """A model of a party's own columns."""

    @property
    def coefficients(self) -> Floats: ...

    def probability(self, encoded: Floats) -> Floats:
        """PD of each row (n,), from its columns (n x d)."""


#: Columns (n x d), outcomes (n,) and weights (n,) to a model.
Fit = Callable[[Floats, Outcomes, Floats], Fitted]


@dataclass(frozen=True, slots=True, repr=False)
class Applicants:
    """A bank's applicants: columns of the accepted (a x d) and of the rejected (r x d), outcomes (a,) of the
    accepted, and which of these train (a,). `names`: of the d columns."""

    accepted: Private[Floats]
    labels: Private[Outcomes]
    training: Marks
    rejected: Private[Floats]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assumed:
    """The model under one assumption.

    `auc` and `ks` are over accepted test rows, which every assumption is judged by; `approval` the share of
    all applicants that could be accepted at the table's bad rate, if the assumption held; `inferred` the bad
    rate of the rejected under it; `shifts` how each coefficient differs from the accepted-only model's.
    """

    method: str
    multiplier: float
    auc: float
    ks: float
    approval: float
    inferred: float
    shifts: dict[str, float]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """The whole table. `bad_rate`: at which approvals are compared; `observed`: what a lookup told."""

    bad_rate: float
    assumptions: tuple[Assumed, ...]
    observed: ObservedBands | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "bad_rate": self.bad_rate,
            "assumptions": [asdict(each) for each in self.assumptions],
            "observed": None if self.observed is None else self.observed.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Logistic:
    """A fitted logistic regression."""

    model: LogisticRegression

    @property
    def coefficients(self) -> Floats:
        """One for each column (d,)."""
        found: Floats = self.model.coef_[0]
        return found

    @property
    def intercept(self) -> float:
        """The log odds of a row of zeros."""
        return float(self.model.intercept_[0])

    def probability(self, encoded: Floats) -> Floats:
        """PD of each row."""
        found: Floats = self.model.predict_proba(encoded)[:, 1]
        return found


def logistic(l2: float = 1.0) -> Callable[[Floats, Outcomes, Floats], Logistic]:
    """Plain logistic regression of a bank's own columns, with the penalty of a plan's `model.l2`."""

    def fit(encoded: Floats, labels: Outcomes, weights: Floats) -> Logistic:
        model = LogisticRegression(C=1 / l2, tol=1e-8, max_iter=2000)
        return Logistic(model.fit(encoded, labels, sample_weight=weights))

    return fit


def sensitivity(
    applicants: Applicants,
    fit: Fit,
    *,
    methods: Sequence[str] = METHODS,
    multipliers: Sequence[float] = MULTIPLIERS,
    most_bands: int = 10,
    bad_rate: float | None = None,
    observed: ObservedBands | None = None,
    observed_risk: Private[Floats] | None = None,
    seed: int = 0,
) -> Sensitivity:
    """Refit under each assumption: the accepted alone; those of `methods`, fuzzy and parcelling at each
    multiplier; and parcelling by the `observed` rates of a lookup.

    `observed` bands are of `observed_risk` (r,), the PD by which the lookup asked; without it of the
    accepted-only model's. `bad_rate`: for the comparison of approvals, by
    default that of the accepted. Raises `UsageError` where outcomes or rows do not suffice.
    """
    table = _Table(applicants, fit, most_bands, observed, seed)
    asked = table.risk if observed_risk is None else observed_risk.open_locally()
    target = float(table.known.mean()) if bad_rate is None else bad_rate
    if not 0 < target < 1:
        raise UsageError("the bad rate is not between 0 and 1", advice="Give 0.05, for instance.")
    return Sensitivity(target, tuple(table.rows(methods, multipliers, target, asked)), observed)


class _Table:
    """The applicants in working form, and the accepted-only model that every other is held against."""

    def __init__(
        self, applicants: Applicants, fit: Fit, most: int, observed: ObservedBands | None, seed: int
    ) -> None:
        accepted, labels = applicants.accepted.open_locally(), applicants.labels.open_locally()
        training = applicants.training
        self._learnt, self._rejected = accepted[training], applicants.rejected.open_locally()
        self._tested, self._outcomes = accepted[~training], labels[~training]
        self.known = labels[training]
        if not len(self._rejected):
            raise UsageError("there are no rejected applicants", advice="Give the table of rejected firms.")
        self._names, self._fit, self._observed, self._seed = applicants.names, fit, observed, seed
        self._model = fit(self._learnt, self.known, np.ones(len(self.known)))
        self.risk, self._risk_accepted = (
            self._model.probability(rows) for rows in (self._rejected, self._learnt)
        )
        self._bands = fit_bands(self._risk_accepted, most)

    def rows(
        self, methods: Sequence[str], multipliers: Sequence[float], target: float, asked: Floats
    ) -> Iterator[Assumed]:
        yield self._judged("accepted only", 1.0, self._model, self.risk, target)
        if "weights" in methods:
            yield self._weighted(target)
        for multiplier in multipliers if "fuzzy" in methods else ():
            yield self._fuzzy(multiplier, target)
        rates = band_rates(
            self._bands.of(self._risk_accepted), self.known.astype(np.float64), self._bands.count
        )
        for multiplier in multipliers if "parcelling" in methods else ():
            yield self._parcelled("parcelling", self._bands.of(self.risk), rates, multiplier, target)
        if self._observed is not None:
            told = np.array(self._observed.rates)
            yield self._parcelled("parcelling, observed", self._observed.bands.of(asked), told, 1.0, target)

    def _weighted(self, target: float) -> Assumed:
        bands = map(self._bands.of, (self._risk_accepted, self.risk))
        model = self._refitted(reweighted(self.known, *bands))
        return self._judged("weights", 1.0, model, model.probability(self._rejected), target)

    def _fuzzy(self, multiplier: float, target: float) -> Assumed:
        chance = np.minimum(1.0, multiplier * self.risk)
        model = self._refitted(fuzzy(self.known, self.risk, multiplier))
        return self._judged("fuzzy", multiplier, model, chance, target)

    def _parcelled(
        self, method: str, bands: Whole, rates: Floats, multiplier: float, target: float
    ) -> Assumed:
        rng = np.random.default_rng(self._seed)
        augmented = parcelled(self.known, bands, rates, rng, multiplier)
        drawn = augmented.labels[len(self.known) :].astype(np.float64)
        return self._judged(method, multiplier, self._refitted(augmented), drawn, target)

    def _refitted(self, augmented: Augmented) -> Fitted:
        every = np.concatenate([self._learnt, self._rejected])
        return self._fit(every[augmented.rows], augmented.labels, augmented.weights)

    def _judged(
        self, method: str, multiplier: float, model: Fitted, inferred: Floats, target: float
    ) -> Assumed:
        rows = labelled(self._outcomes, model.probability(self._tested))
        shifts = model.coefficients - self._model.coefficients
        return Assumed(
            method=method,
            multiplier=float(multiplier),
            auc=auc(rows).auc,
            ks=_widest(rows),
            approval=self._approval(rows, model.probability(self._rejected), inferred, target),
            inferred=float(inferred.mean()),
            shifts=dict(zip(self._names, map(float, shifts), strict=True)),
        )

    def _approval(self, tested: Labelled, risk: Floats, inferred: Floats, target: float) -> float:
        """The share of all applicants that come first by PD and are, all together, bad at `target` at most.

        Accepted test rows stand for all accepted ones; a reject is as bad as it was inferred to be.
        """
        each = (len(self.known) + tested.n) / tested.n
        order = np.argsort(np.concatenate([tested.score, risk]), kind="stable")
        weight = np.concatenate([np.full(tested.n, each), np.ones(len(risk))])[order]
        bad = np.concatenate([each * tested.label, inferred])[order]
        rates = np.cumsum(bad) / np.cumsum(weight)
        within = np.flatnonzero(rates <= target)
        return float(weight[: within[-1] + 1].sum() / weight.sum()) if len(within) else 0.0


def _widest(rows: Labelled) -> float:
    """The KS distance between the scores of good and of bad rows."""
    _, bad, good = rows.by_score()
    return float(np.abs(np.cumsum(good) / good.sum() - np.cumsum(bad) / bad.sum()).max())
