"""Flower's strategies over an opened mean: its own maths, equal at every party, resumed bit for bit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.serverapp.strategy import FedAdam

from federation.errors import PlanRefused, Refusal, UsageError
from federation.flower.strategies import NAMES, Floats, ServerOptimiser

ROOT = Path(__file__).parents[3]
ETA, BETA_1, BETA_2, TAU = 0.1, 0.9, 0.99, 1e-3


def deltas(rounds: int, size: int = 7) -> list[Floats]:
    return list(np.random.default_rng(3).normal(0, 0.3, (rounds, size)))


def run(optimiser: ServerOptimiser, means: list[Floats], first: int = 1) -> Floats:
    vector = np.linspace(-1, 1, len(means[0]))
    for number, mean in enumerate(means, first):
        vector = optimiser.step(number, vector, mean)
    return vector


def reddi(means: list[Floats], first: int = 1, *, corrected: bool) -> Floats:
    """Algorithm 2 of Reddi et al. with v_0 = 0; `corrected`: times Flower's factor for the moments' start."""
    x = np.linspace(-1, 1, len(means[0]))
    m, v = np.zeros_like(x), np.zeros_like(x)
    for t, delta in enumerate(means, first):
        m = BETA_1 * m + (1 - BETA_1) * delta
        v = BETA_2 * v + (1 - BETA_2) * delta**2
        eta = ETA * (np.sqrt(1 - BETA_2 ** (t + 1)) / (1 - BETA_1 ** (t + 1)) if corrected else 1)
        x = x + eta * m / (np.sqrt(v) + TAU)
    return x


@pytest.mark.parametrize("name", ["fedavg", "scaffold", "fedprox", "personalised"])
def test_averaging_takes_the_mean_as_it_is(name: str) -> None:
    current, mean = np.linspace(-1, 1, 5), np.linspace(0, 0.2, 5)
    expected = (current + mean).astype(np.float32).astype(np.float64)
    np.testing.assert_array_equal(ServerOptimiser.of(name).step(1, current, mean), expected)


def test_fedadam_is_the_papers_algorithm_once_the_moments_have_started() -> None:
    means, late = deltas(12), 10_000  # From such a round on the correction is 1 to the last bit.
    np.testing.assert_allclose(
        run(ServerOptimiser.of("fedadam"), means, late), reddi(means, corrected=False), rtol=3e-7
    )


def test_fedadam_corrects_the_first_rounds_as_its_docstring_says() -> None:
    means = deltas(6)
    made = run(ServerOptimiser.of("fedadam"), means)
    np.testing.assert_allclose(made, reddi(means, corrected=True), rtol=3e-7)
    assert not np.allclose(made, reddi(means, corrected=False), rtol=1e-2)


def test_fedadams_learning_rate_is_the_plans() -> None:
    current, mean = np.zeros(3), np.array([1.0, -2.0, 3.0])
    small = ServerOptimiser.of("fedadam", learning_rate=0.01).step(1, current, mean)
    large = ServerOptimiser.of("fedadam", learning_rate=0.1).step(1, current, mean)
    np.testing.assert_allclose(large, 10 * small, rtol=1e-6)


def test_what_runs_is_flowers_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    own = FedAdam.aggregate_train

    def watched(strategy: Any, number: int, replies: Any) -> Any:
        calls.append(number)
        return own(strategy, number, replies)

    monkeypatch.setattr(FedAdam, "aggregate_train", watched)
    run(ServerOptimiser.of("fedadam"), deltas(3))
    assert calls == [1, 2, 3]


@pytest.mark.parametrize("name", NAMES)
def test_two_parties_get_the_same_bits_and_float32_holds_them(name: str) -> None:
    here, there = (run(ServerOptimiser.of(name), deltas(5)) for _ in range(2))
    np.testing.assert_array_equal(here, there)
    np.testing.assert_array_equal(here, here.astype(np.float32))


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_run_continues_bit_for_bit(name: str) -> None:
    means = deltas(6)
    through = ServerOptimiser.of(name, learning_rate=0.05)
    vector = run(through, means[:3])
    saved = json.loads(json.dumps(through.to_dict()))
    resumed = ServerOptimiser.from_dict(saved, learning_rate=0.05)
    other = vector
    for number, mean in enumerate(means[3:], 4):
        vector, other = through.step(number, vector, mean), resumed.step(number, other, mean)
    np.testing.assert_array_equal(vector, other)


def test_a_state_without_moments_would_not_have_done() -> None:
    means = deltas(2)
    through = ServerOptimiser.of("fedadam")
    vector = run(through, means[:1])
    forgetful = ServerOptimiser.of("fedadam")
    assert not np.array_equal(through.step(2, vector, means[1]), forgetful.step(2, vector, means[1]))


@pytest.mark.parametrize(
    "change",
    [
        {"strategy": "fedavg"},
        {"moments": {"m_t": "!"}},
        {"moments": {"m_t": "AAAAAAAA8D8="}},
        {"moments": {"m_t": "AAAAAAAA8D8=", "v_t": "AAAAAAAA8D8AAAAAAADwPw=="}},
        {"moments": {"m_t": "AAAAAAAA+H8=", "v_t": "AAAAAAAA8D8="}},
        {"moments": None},
        {"current_arrays": {}},
    ],
    ids=["another strategy", "not base64", "half", "unequal", "not a number", "none", "a field of its own"],
)
def test_a_state_that_was_changed_is_refused_and_changes_nothing(change: dict[str, Any]) -> None:
    optimiser = ServerOptimiser.of("fedadam")
    run(optimiser, deltas(2))
    before = optimiser.to_dict()
    with pytest.raises(UsageError, match="state"):
        optimiser.restore({**before, **change})
    assert optimiser.to_dict() == before


def test_moments_of_another_model_are_refused_and_not_stretched_over_it() -> None:
    optimiser = ServerOptimiser.of("fedadam")
    run(optimiser, deltas(1, size=1))
    with pytest.raises(UsageError, match="another model"):
        optimiser.step(2, np.zeros(4), np.zeros(4))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_a_mean_that_is_not_finite_moves_nothing(bad: float) -> None:
    optimiser = ServerOptimiser.of("fedadam")
    run(optimiser, deltas(2))
    before = optimiser.to_dict()
    with pytest.raises(Refusal, match="not finite"):
        optimiser.step(3, np.zeros(7), np.array([bad, *np.zeros(6)]))
    assert optimiser.to_dict() == before


def test_a_mean_of_another_length_is_refused() -> None:
    with pytest.raises(UsageError, match="length"):
        ServerOptimiser.of("fedavg").step(1, np.zeros(3), np.zeros(4))


def test_an_unknown_strategy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(PlanRefused, match="no such") as refused:
        ServerOptimiser.of("krum")
    assert "fedadam" in refused.value.advice


def test_flower_prints_nothing_and_loads_no_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from federation.flower.strategies import NAMES, ServerOptimiser\n"
        "for name in NAMES: ServerOptimiser.of(name, mu=0.0).step(1, np.zeros(2), np.ones(2))\n"
        "assert not {'torch', 'pandas', 'sklearn', 'ray', 'parties'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
