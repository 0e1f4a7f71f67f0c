"""What released noise costs: differential-privacy events, their composition, epsilon at a delta.

Computed by Google's dp-accounting with privacy loss distributions (PLD: Koskela, Jälkö and Honkela 2020;
Doroshenko et al. 2022), rounded so that the result is never too small.

**Neighbours**: two data sets that differ by one unit (a record, a party) added or removed; for a party in a
sum of a known number of members that is its update replaced by zeros. An event's noise multiplier is the
standard deviation of the noise over the largest change (L2) that this makes.

**Discrete Gaussian.** The PLD of dp-accounting knows it in one dimension only, where counting it as the
Gaussian of its own sigma is too low: at sigma = sensitivity = 2 and delta = 1e-5 it has epsilon 4.408
against 4.377. What is proved for every dimension is that its concentrated privacy is no worse, 1/(2 z^2)-zCDP
(Canonne, Kamath and Steinke 2020, theorem 4 and its multivariate form), which for 20 rounds at z = 4 gives
5.38 instead of 4.98. So it is counted as a Gaussian of variance sigma^2 - s^2, s^2 = 2. Reason: that Gaussian
y, rounded at random to the integer x with probability proportional to exp(-(x - y)^2 / (2 s^2)), is
post-processing, and gives x with the probability of the discrete Gaussian to within a factor
1 +- 8 exp(-2 pi^2 s^2), under 1 +- 1e-16, since the normalising sum hardly depends on y (the convolution of
Peikert 2010, theorem 3.1). Over 1e9 released numbers that is less than 1e-6 of epsilon. For a sum of shares
the same holds while each share has sigma >= 2 (by the same sum; Kairouz, Liu and Steinke 2021 bound the
distance).

**Discretisation**: losses on a grid of 1e-4, or of 1e-3 or 1e-2 where that would be millions of cells, so
that 10,000 steps take under a second. Importing dp-accounting with scipy takes 0.6 s: done when the first
epsilon is asked for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any, TypeAlias

from crypto.errors import UsageError

#: The variance, in squared grid units, by which a discrete Gaussian is counted as less than it has.
_ROUNDING_VARIANCE = 2.0
#: The least sigma, in grid units, of a discrete Gaussian that can be counted.
LEAST_SIGMA = 2.0
#: The most that one event may repeat.
_MOST = 10**9
#: Grids of the privacy loss, the finest first, and the most cells that are computed with on each.
_GRIDS = ((1e-4, 4e6), (1e-3, 4e6), (1e-2, 4e7))
#: A single sampled step with less noise than this is not computed on the finest grid: its cells cost more.
_LITTLE_NOISE = 0.3


def _check(sound: bool, what: str) -> None:
    if not sound:
        raise UsageError(
            f"this is no differential-privacy event: {what}",
            advice="Give positive finite noise, a sampling rate above 0 up to 1, and a count of at least 1.",
        )


def _positive(value: float) -> bool:
    return math.isfinite(value) and value > 0


@dataclass(frozen=True, slots=True)
class Gaussian:
    """`count` releases with Gaussian noise of standard deviation `noise_multiplier` x L2 sensitivity."""

    noise_multiplier: float
    count: int = 1

    def __post_init__(self) -> None:
        _check(_positive(self.noise_multiplier), "noise_multiplier is not above 0")
        _check(1 <= self.count <= _MOST, "count is out of range")

    def scaled(self, factor: float) -> Gaussian:
        """The same releases with `factor` times the noise."""
        return dataclasses.replace(self, noise_multiplier=self.noise_multiplier * factor)


@dataclass(frozen=True, slots=True)
class SampledGaussian:
    """`count` steps, each over a batch that takes every record by a coin of its own (Poisson sampling).

    `sampling_rate` is the coin's probability. Batches cut from a shuffled order are not this.
    """

    sampling_rate: float
    noise_multiplier: float
    count: int = 1

    def __post_init__(self) -> None:
        _check(0 < self.sampling_rate <= 1, "sampling_rate is not above 0 and at most 1")
        _check(_positive(self.noise_multiplier), "noise_multiplier is not above 0")
        _check(1 <= self.count <= _MOST, "count is out of range")

    def scaled(self, factor: float) -> SampledGaussian:
        """The same steps with `factor` times the noise."""
        return dataclasses.replace(self, noise_multiplier=self.noise_multiplier * factor)


@dataclass(frozen=True, slots=True)
class DiscreteGaussian:
    """`count` releases of integers with discrete Gaussian noise; see the module's text for how it is counted.

    `sigma` and `sensitivity` (L2) are in units of the grid. `sigma` is that of the noise which counts: a
    party's own, where all others may tell theirs.
    """

    sigma: float
    sensitivity: float
    count: int = 1

    def __post_init__(self) -> None:
        _check(_positive(self.sigma) and self.sigma >= LEAST_SIGMA, f"sigma is under {LEAST_SIGMA:g} units")
        _check(_positive(self.sensitivity), "sensitivity is not above 0")
        _check(1 <= self.count <= _MOST, "count is out of range")

    @property
    def noise_multiplier(self) -> float:
        """That of the Gaussian as which it is counted."""
        return math.sqrt(self.sigma**2 - _ROUNDING_VARIANCE) / self.sensitivity

    def scaled(self, factor: float) -> DiscreteGaussian:
        """The same releases with `factor` times the noise for what one unit changes."""
        return dataclasses.replace(self, sensitivity=self.sensitivity / factor)


#: The largest mean privacy loss for which an exact epsilon is looked for.
_MOST_MEAN = 1e6

Event: TypeAlias = Gaussian | SampledGaussian | DiscreteGaussian

_KINDS: dict[str, type[Gaussian] | type[SampledGaussian] | type[DiscreteGaussian]] = {
    "gaussian": Gaussian,
    "sampled-gaussian": SampledGaussian,
    "discrete-gaussian": DiscreteGaussian,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def rounded_sensitivity(levels: int, coordinates: int) -> float:
    """The L2 sensitivity, in grid units, of a vector clipped to a norm of `levels` units and then rounded.

    Rounding at random moves each coordinate by less than one unit, whatever is drawn, so the vector by less
    than sqrt(coordinates).
    """
    return levels + math.sqrt(coordinates)


def epsilon(events: Iterable[Event], delta: float) -> float:
    """An upper bound on the epsilon of all `events` together at `delta`; 0 for none.

    The events may have been chosen one after the other, in view of what the earlier ones gave (adaptive
    composition). Infinite when `delta` is below what the computation resolves (about 1e-12).
    """
    if not 0 < delta < 1:
        raise UsageError("delta is not between 0 and 1", advice="Give a delta such as 1e-5.")
    return _epsilon(composed(events), delta)


def composed(events: Iterable[Event]) -> tuple[Event, ...]:
    """The same events in one order, equal ones counted together: equal spendings have equal forms."""
    counts: dict[Event, int] = {}
    for event in events:
        once: Event = dataclasses.replace(event, count=1)
        counts[once] = counts.get(once, 0) + event.count
    merged: list[Event] = [dataclasses.replace(event, count=count) for event, count in counts.items()]
    return tuple(sorted(merged, key=lambda event: (_NAMES[type(event)], dataclasses.astuple(event))))


def scaled(events: Iterable[Event], factor: float) -> tuple[Event, ...]:
    """The same events with `factor` times the noise. One half: for a unit that changes twice as much."""
    return tuple(event.scaled(factor) for event in events)


def to_json(events: Iterable[Event]) -> list[dict[str, Any]]:
    """The events as JSON objects, in the form of `composed`."""
    return [{"kind": _NAMES[type(event)], **dataclasses.asdict(event)} for event in composed(events)]


def from_json(value: object) -> tuple[Event, ...]:
    """What `to_json` wrote; `UsageError` on anything else."""
    if not isinstance(value, list):
        raise UsageError(
            "this is no list of differential-privacy events",
            advice="Read it with the version of Isthmus that wrote it.",
        )
    return tuple(map(_event_from_json, value))


def _event_from_json(value: object) -> Event:
    fields = dict(value) if isinstance(value, dict) else {}
    name = fields.pop("kind", None)
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None or set(fields) != {field.name for field in dataclasses.fields(kind)}:
        raise UsageError(
            "this is no differential-privacy event: its kind or its fields are not known",
            advice="Read it with the version of Isthmus that wrote it.",
        )
    count = fields.pop("count")
    _check(type(count) is int, "count is not a whole number")
    _check(all(type(number) in (int, float) for number in fields.values()), "a field is not a number")
    return kind(**{name: float(number) for name, number in fields.items()}, count=count)


def _inverse_square(event: Event) -> float:
    """1 / z^2, saturating instead of overflowing."""
    return min(event.noise_multiplier**-2, 1e300) if event.noise_multiplier > 1e-150 else 1e300


@lru_cache(maxsize=256)
def _epsilon(events: tuple[Event, ...], delta: float) -> float:
    """Gaussians compose to one Gaussian exactly; sampled ones one by one, on the finest quick grid."""
    if not events:
        return 0.0
    plain = [event for event in events if not isinstance(event, SampledGaussian)]
    sampled = [event for event in events if isinstance(event, SampledGaussian)]
    together = sum(event.count * _inverse_square(event) for event in plain)
    if not sampled:
        return _gaussian(together, delta)
    grid = _grid(together, sampled)
    if grid is None:
        everything = sum(event.count * _inverse_square(event) for event in events)
        return _concentrated(everything / 2, delta)
    return _by_loss_distribution(together, sampled, delta, grid)


def _grid(together: float, sampled: Sequence[SampledGaussian]) -> float | None:
    """The grid's interval, or None where even the coarsest would be too many cells.

    The losses' range is estimated from above: the mean loss of a sampled step is at most
    log(1 + q^2 (exp(1/z^2) - 1)), the chi-square bound, plus ten standard deviations, plus one step's own.
    """
    mean, widest = together / 2, 0.0
    for event in sampled:
        inverse = _inverse_square(event)
        log_chi = 2 * math.log(event.sampling_rate) + inverse
        mean += event.count * (math.log1p(math.exp(log_chi)) if log_chi < 500 else log_chi)
        widest = max(widest, inverse / 2 + 8 * math.sqrt(inverse))
    reach = mean + 10 * math.sqrt(2 * mean) + widest
    little = any(event.noise_multiplier < _LITTLE_NOISE for event in sampled)
    for interval, cells in _GRIDS[1:] if little else _GRIDS:
        if reach * max(1, len(sampled)) <= interval * cells:
            return interval
    return None


def _gaussian(together: float, delta: float) -> float:
    """Of Gaussians alone, from the exact delta of one (Balle and Wang, ICML 2018, theorem 8), by bisection.

    Returned is the upper end, less than a millionth above the exact value. Above a mean loss of `_MOST_MEAN`
    the bound of `_concentrated` is as good, and no number is too large for it.
    """
    rho = together / 2
    high = _concentrated(rho, delta)
    if rho > _MOST_MEAN:
        return high
    with contextlib.redirect_stderr(sys.__stderr__):  # See `_distributions`.
        from dp_accounting.pld.privacy_loss_mechanism import GaussianPrivacyLoss

    loss, low = GaussianPrivacyLoss(1 / math.sqrt(together)), 0.0
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        if loss.get_delta_for_epsilon(middle) <= delta:
            high = middle
        else:
            low = middle
    return high


def _concentrated(rho: float, delta: float) -> float:
    """From zCDP (Bun and Steinke 2016, proposition 1.3), sampling not counted in favour: never too small."""
    return rho + 2 * math.sqrt(rho * math.log(1 / delta))


def _by_loss_distribution(
    together: float, sampled: Sequence[SampledGaussian], delta: float, grid: float
) -> float:
    losses = [_losses(event, grid) for event in sampled]
    if together > 0:
        losses.append(_distributions().from_gaussian_mechanism(1 / math.sqrt(together), **_interval(grid)))
    return float(reduce(lambda one, other: one.compose(other), losses).get_epsilon_for_delta(delta))


@lru_cache(maxsize=64)
def _losses(event: SampledGaussian, grid: float) -> Any:
    """The loss distribution of all steps of one event."""
    once = _loss(event.noise_multiplier, event.sampling_rate, grid)
    return once if event.count == 1 else once.self_compose(event.count)


@lru_cache(maxsize=64)
def _loss(noise_multiplier: float, sampling_rate: float, grid: float) -> Any:
    """Of one step; runs of one plan share it, and a search for noise that fits comes back to it."""
    return _distributions().from_gaussian_mechanism(
        noise_multiplier, sampling_prob=sampling_rate, **_interval(grid)
    )


def _interval(grid: float) -> dict[str, float]:
    return {"value_discretization_interval": grid}


def _distributions() -> Any:
    # Here, not above: it loads scipy, which a party that adds no noise never needs. Its logging library keeps
    # the sys.stderr that it meets, and closes it when somebody configures logging, as servers do; the one
    # of the process is never closed.
    with contextlib.redirect_stderr(sys.__stderr__):
        from dp_accounting.pld import privacy_loss_distribution
    return privacy_loss_distribution
