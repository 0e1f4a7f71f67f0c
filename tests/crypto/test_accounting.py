"""What released noise costs is never told too small, and agrees with the figures that are known."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crypto import accounting
from crypto.accounting import (
    DiscreteGaussian,
    Event,
    Gaussian,
    SampledGaussian,
    composed,
    epsilon,
    from_json,
    rounded_sensitivity,
    scaled,
    to_json,
)
from crypto.errors import UsageError

ROOT = Path(__file__).parents[2]
DELTA = 1e-5


def exact_gaussian_delta(epsilon: float, noise_multiplier: float) -> float:
    """Balle and Wang (2018), theorem 8: the delta of one Gaussian release of sensitivity 1."""

    def below(x: float) -> float:
        return math.erfc(-x / math.sqrt(2)) / 2

    half, shift = 1 / (2 * noise_multiplier), epsilon * noise_multiplier
    return below(half - shift) - math.exp(epsilon) * below(-half - shift)


def exact_discrete_delta(epsilon: float, sigma: int, sensitivity: int) -> float:
    """Theorem 7 of Canonne, Kamath and Steinke (2020), by adding up: one release in one dimension."""
    weights = {x: math.exp(-(x**2) / (2 * sigma**2)) for x in range(-40 * sigma, 40 * sigma + 1)}
    total = sum(weights.values())
    gains = (w - math.exp(epsilon) * weights.get(x + sensitivity, 0.0) for x, w in weights.items())
    return sum(gain for gain in gains if gain > 0) / total


@pytest.mark.parametrize(
    ("events", "known"),
    [
        ([SampledGaussian(0.02, 1.1, 2000)], 4.698),
        ([Gaussian(4.0, 20)], 4.983),
        ([Gaussian(4.0, 12), Gaussian(4.0, 8)], 4.983),
        ([DiscreteGaussian(4e6, 1e6, 20)], 4.983),
    ],
    ids=["dp-sgd", "rounds", "rounds in two parts", "discrete"],
)
def test_the_figures_of_the_study_are_met(events: list[Event], known: float) -> None:
    assert epsilon(events, DELTA) == pytest.approx(known, abs=6e-4)


@pytest.mark.parametrize("noise_multiplier", [0.5, 1.0, 4.0, 30.0])
def test_a_gaussian_costs_what_its_closed_form_says_and_no_less(noise_multiplier: float) -> None:
    told = epsilon([Gaussian(noise_multiplier)], DELTA)
    assert exact_gaussian_delta(told, noise_multiplier) <= DELTA
    assert exact_gaussian_delta(told - 0.001, noise_multiplier) > DELTA


@pytest.mark.parametrize("sigma", [2, 5, 20])
def test_a_discrete_gaussian_costs_no_less_than_its_exact_delta_says(sigma: int) -> None:
    told = epsilon([DiscreteGaussian(sigma, sigma)], DELTA)
    assert exact_discrete_delta(told, sigma, sigma) <= DELTA


def test_counting_it_as_a_gaussian_of_its_own_sigma_would_be_too_little() -> None:
    told = epsilon([Gaussian(1.0)], DELTA)
    assert exact_discrete_delta(told, 2, 2) > DELTA


def test_rounding_adds_to_what_a_party_changes() -> None:
    assert rounded_sensitivity(1000, 10_000) == 1100.0
    exact, rounded = DiscreteGaussian(4000, 1000), DiscreteGaussian(4000, rounded_sensitivity(1000, 10_000))
    assert rounded.noise_multiplier < exact.noise_multiplier < 4


def test_sampling_costs_less_than_the_whole_and_more_than_nothing() -> None:
    sampled, whole = epsilon([SampledGaussian(0.1, 2.0, 50)], DELTA), epsilon([Gaussian(2.0, 50)], DELTA)
    assert 0 < sampled < whole
    assert epsilon([SampledGaussian(1.0, 2.0, 50)], DELTA) == pytest.approx(whole, rel=1e-3)


def test_more_releases_less_noise_and_a_smaller_delta_cost_more() -> None:
    base = epsilon([SampledGaussian(0.05, 1.5, 200)], DELTA)
    assert epsilon([SampledGaussian(0.05, 1.5, 300)], DELTA) > base
    assert epsilon([SampledGaussian(0.05, 1.4, 200)], DELTA) > base
    assert epsilon([SampledGaussian(0.06, 1.5, 200)], DELTA) > base
    assert epsilon([SampledGaussian(0.05, 1.5, 200)], 1e-7) > base
    assert epsilon([SampledGaussian(0.05, 1.5, 200), Gaussian(10.0)], DELTA) > base
    assert epsilon([], DELTA) == 0.0


@pytest.mark.parametrize(
    ("event", "least"),
    [
        (Gaussian(1e-200, 5), 1e100),
        (Gaussian(0.001), 4e5),
        (SampledGaussian(0.5, 1e-6, 1000), 1e6),
        (SampledGaussian(0.5, 0.3, 1_000_000), 1e6),
    ],
    ids=str,
)
def test_next_to_no_noise_costs_an_enormous_epsilon_not_the_memory(event: Event, least: float) -> None:
    assert epsilon([event], DELTA) > least


def test_a_coarser_grid_never_costs_less() -> None:
    many: list[Event] = [SampledGaussian(0.01 + i * 1e-4, 2.0, 100) for i in range(60)]
    one = epsilon([SampledGaussian(0.01, 2.0, 6000)], DELTA)  # The least rate of all, on the finest grid.
    assert one < epsilon(many, DELTA) < 3 * one


@pytest.mark.parametrize("delta", [0.0, 1.0, -1e-5, math.nan])
def test_a_delta_that_is_none_is_refused(delta: float) -> None:
    with pytest.raises(UsageError, match="delta"):
        epsilon([Gaussian(1.0)], delta)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Gaussian(0.0),
        lambda: Gaussian(-1.0),
        lambda: Gaussian(math.nan),
        lambda: Gaussian(math.inf),
        lambda: Gaussian(1.0, 0),
        lambda: SampledGaussian(0.0, 1.0),
        lambda: SampledGaussian(1.1, 1.0),
        lambda: SampledGaussian(math.nan, 1.0),
        lambda: SampledGaussian(0.5, 1.0, -1),
        lambda: DiscreteGaussian(1.9, 1.0),
        lambda: DiscreteGaussian(math.nan, 1.0),
        lambda: DiscreteGaussian(10.0, 0.0),
    ],
)
def test_noise_that_is_none_is_no_event(make: Any) -> None:
    with pytest.raises(UsageError):
        make()


EVENTS: list[Event] = [
    SampledGaussian(0.02, 1.1, 7),
    DiscreteGaussian(40.0, 10.0),
    Gaussian(4.0, 3),
    Gaussian(4.0),
]


def test_events_are_written_and_read_as_they_were() -> None:
    assert from_json(json.loads(json.dumps(to_json(EVENTS)))) == composed(EVENTS)
    assert to_json(EVENTS) == to_json(reversed(EVENTS))
    assert Gaussian(4.0, 4) in composed(EVENTS)


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        [None],
        [{"kind": "laplace", "noise_multiplier": 1.0, "count": 1}],
        [{"kind": ["gaussian"], "noise_multiplier": 1.0, "count": 1}],
        [{"kind": "gaussian", "noise_multiplier": 1.0}],
        [{"kind": "gaussian", "noise_multiplier": 1.0, "count": 1, "more": 1}],
        [{"kind": "gaussian", "noise_multiplier": 1.0, "count": 1.0}],
        [{"kind": "gaussian", "noise_multiplier": "1", "count": 1}],
        [{"kind": "gaussian", "noise_multiplier": True, "count": 1}],
        [{"kind": "gaussian", "noise_multiplier": -1.0, "count": 1}],
        [{"kind": "gaussian", "noise_multiplier": 1.0, "count": -1}],
    ],
    ids=str,
)
def test_anything_else_is_no_list_of_events(value: object) -> None:
    with pytest.raises(UsageError):
        from_json(value)


def test_half_the_noise_is_twice_the_sensitivity_for_every_kind() -> None:
    for event, half in zip(EVENTS, scaled(EVENTS, 0.5), strict=True):
        assert half.noise_multiplier == pytest.approx(event.noise_multiplier / 2)


def test_the_accountant_closes_nobodys_stderr() -> None:
    code = (
        "import io, logging.config, sys, crypto.accounting as a; sys.stderr = mine = io.StringIO();"
        "a.epsilon([a.Gaussian(1.0)], 1e-5); sys.stderr = sys.__stderr__;"
        "logging.config.dictConfig({'version': 1}); assert not mine.closed"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=300)


def test_the_accountant_is_loaded_when_something_is_counted() -> None:
    code = (
        "import sys, crypto.accounting as a; a.Gaussian(1.0); a.epsilon([], 1e-5);"
        "assert not {'dp_accounting', 'scipy'} & set(sys.modules);"
        "a.epsilon([a.Gaussian(1.0)], 1e-5); assert 'dp_accounting' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=300)


def test_epsilon_is_what_the_librarys_own_accountant_says() -> None:
    accounting._distributions()  # The library is loaded there first: it keeps the stderr that it meets.
    from dp_accounting import dp_event
    from dp_accounting.pld import PLDAccountant

    events = [SampledGaussian(0.02, 1.1, count=60), SampledGaussian(0.05, 1.4, count=10), Gaussian(6.0)]
    accountant = PLDAccountant(value_discretization_interval=accounting._GRIDS[0][0])
    accountant.compose(dp_event.GaussianDpEvent(6.0))
    for event in events[:2]:
        step = dp_event.GaussianDpEvent(event.noise_multiplier)
        accountant.compose(dp_event.PoissonSampledDpEvent(event.sampling_rate, step), event.count)
    assert epsilon(events, 1e-5) == pytest.approx(accountant.get_epsilon(1e-5), rel=1e-6)
