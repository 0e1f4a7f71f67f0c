"""strategy = "scaffold": parties whose rows differ train as one, where averaging drifts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from crypto.private import Private
from federation.flower.strategies import ServerOptimiser
from federation.ids import PartyId
from federation.plan import Plan
from federation.tables import Model, Training
from parties.features.support import Floats
from parties.horizontal.combining import Combining
from parties.horizontal.encoding import Encoded
from parties.horizontal.examples import Examples
from parties.horizontal.kept import Kept
from parties.horizontal.models import build
from parties.horizontal.rounds import train_together
from parties.horizontal.shares import shares_of
from parties.horizontal.state import RoundState
from parties.horizontal.training import LocalTrainer
from parties.horizontal.vector import Layout
from tests.parties.horizontal.world import fitted, table
from tests.sums import PlainSums, run_members

NAMES = tuple(PartyId(f"bank-{letter}") for letter in "abc")
LEVELS = 4


def firms(seed: int, count: int, shift: float, levels: tuple[int, ...]) -> Examples:
    """Firms of one bank: numbers around `shift`, and of the levels only those that it lends to."""
    generator = np.random.default_rng(seed)
    numbers = generator.normal(shift, 1, (count, 3)).astype(np.float32)
    codes = generator.choice(levels, (count, 1))
    logit = numbers @ [1.0, -1.0, 0.5] + np.array([-2.0, -0.5, 0.5, 2.0])[codes[:, 0]]
    return Examples.of(Encoded(numbers, codes), generator.random(count) < 1 / (1 + np.exp(-logit)))


OWN = (firms(1, 500, 0.0, (0, 1)), firms(2, 250, 1.5, (1, 2)), firms(3, 150, -1.5, (3,)))
ROWS = sum(map(len, OWN))


def plan(strategy: str, rounds: int = 10) -> Plan:
    fields = {
        "name": "banks",
        "purpose": "test",
        "shape": "horizontal",
        "parties": {str(name): {} for name in NAMES},
        "sum": {"protection": "mask"},
        "training": {"strategy": strategy, "rounds": rounds, "batch_size": 32},
    }
    return Plan.model_validate(fields)


def network() -> torch.nn.Module:
    return build(Model(), 3, (LEVELS,), seed=1, approved={}, party="bank")


def statistics() -> dict[str, object]:
    codes = np.concatenate([rows.codes.numpy()[:, 0] for rows in OWN])
    return {
        "rows": ROWS,
        "columns": [{"name": "level", "shares": (np.bincount(codes, minlength=LEVELS) / ROWS).tolist()}],
    }


def trainer(at: int, training: Training) -> LocalTrainer:
    built, rows = network(), OWN[at]
    shares = shares_of(
        Layout.of(built), Model(), ("level",), rows.codes.numpy(), statistics(), len(rows) / ROWS
    )
    return LocalTrainer(
        NAMES[at],
        Model(),
        built,
        training,
        Private(rows),
        seed=bytes([at]) * 32,
        shares=shares if training.strategy == "scaffold" else None,
    )


def together(
    strategy: str, folder: Path, calls: list[tuple[str, str, int]] | None = None, rounds: int = 10
) -> dict[PartyId, RoundState]:
    told = plan(strategy, rounds)
    begin = RoundState(
        0,
        fitted(table(a=np.arange(900.0))).encoding,
        {},
        Layout.of(network()).read(network()),
        ServerOptimiser.of(strategy).to_dict(),
    )

    def part(at: int) -> Callable[[PlainSums], RoundState]:
        home = folder / f"{strategy}-{NAMES[at]}"
        home.mkdir()
        made, weight = trainer(at, told.training), len(OWN[at]) / ROWS
        return lambda sums: train_together(
            told,
            Combining.over_all(told, sums),
            made,
            Private(OWN[at]),
            weight,
            Kept(home, NAMES),
            begin,
            lambda number: None,
        )

    return run_members({name: part(at) for at, name in enumerate(NAMES)}, calls)


def optimum() -> Floats:
    """The vector with the least mean loss and penalty over everybody's rows, by Newton's method."""
    numbers = np.concatenate([rows.numeric.numpy() for rows in OWN]).astype(np.float64)
    codes = np.concatenate([rows.codes.numpy()[:, 0] for rows in OWN])
    labels = np.concatenate([rows.labels.numpy() for rows in OWN])
    design = np.column_stack([numbers, np.ones(ROWS), np.eye(LEVELS)[codes]])
    vector, penalty = np.zeros(design.shape[1]), Training().weight_decay * np.eye(design.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-design @ vector))
        gradient = design.T @ (chance - labels) / ROWS + penalty @ vector
        hessian = (design * (chance * (1 - chance))[:, None]).T @ design / ROWS + penalty
        vector = vector - np.linalg.solve(hessian, gradient)
    return vector


def logits(vector: Floats) -> Floats:
    made = trainer(0, Training())
    return np.concatenate([made.logits(vector, Private(rows)).open_locally() for rows in OWN])


def test_parties_whose_firms_differ_reach_the_model_of_all_rows_which_averaging_does_not(
    tmp_path: Path,
) -> None:
    best = logits(optimum())
    away = {}
    for strategy in ("fedavg", "scaffold"):
        found = together(strategy, tmp_path)
        assert len({state.digest for state in found.values()}) == 1
        away[strategy] = float(np.sqrt(np.mean((logits(found[NAMES[0]].vector) - best) ** 2)))
    assert away["scaffold"] < 0.35
    assert away["fedavg"] > 2 * away["scaffold"]


def test_one_more_sum_is_made_in_each_round_and_none_without(tmp_path: Path) -> None:
    plain: list[tuple[str, str, int]] = []
    corrected: list[tuple[str, str, int]] = []
    together("fedavg", tmp_path, plain, rounds=2)
    together("scaffold", tmp_path, corrected, rounds=2)
    assert [label for _, label, _ in plain] == ["round 1", "loss 1", "round 2", "loss 2"]
    assert [label for _, label, _ in corrected] == [
        f"{step} {number}" for number in (1, 2) for step in ("gradient", "round", "loss")
    ]


def test_the_gradients_of_all_parties_add_up_to_that_of_one_model_of_all_rows() -> None:
    told = plan("scaffold").training
    parties = [trainer(at, told) for at in range(3)]
    vector = np.random.default_rng(1).normal(size=parties[0].layout.size)
    vector = vector.astype(np.float32).astype(np.float64)
    mean = sum(
        made.gradient(vector).open_locally() * len(rows) / ROWS
        for made, rows in zip(parties, OWN, strict=True)
    )
    whole = Examples(*(torch.cat([rows.parts[at] for rows in OWN]) for at in range(3)))
    one = LocalTrainer(PartyId("all"), Model(), network(), told, Private(whole), seed=bytes(32))
    np.testing.assert_allclose(mean, one.gradient(vector).open_locally(), atol=1e-6)


def test_at_the_optimum_of_all_rows_the_mean_gradient_is_nothing_though_no_partys_is() -> None:
    told = plan("scaffold").training
    # The optimum is (weights, intercept, levels), as the vector is.
    own = [trainer(at, told).gradient(optimum()).open_locally() for at in range(3)]
    mean = sum(gradient * len(rows) / ROWS for gradient, rows in zip(own, OWN, strict=True))
    assert np.linalg.norm(mean) < 1e-5
    assert min(map(np.linalg.norm, own)) > 0.01


@pytest.mark.parametrize("again", [1, 2])
def test_gradients_and_corrected_training_are_the_same_bits_when_begun_again(again: int) -> None:
    made = [trainer(1, plan("scaffold").training) for _ in range(2)]
    vector = np.zeros(made[0].layout.size)
    lacking = Private(np.linspace(-0.1, 0.1, len(vector)))
    for _ in range(again):
        made[0].gradient(vector)
    first, second = (each.gradient(vector).open_locally() for each in made)
    np.testing.assert_array_equal(first, second)
    first, second = (each.run(vector, 3, None, lacking).delta.open_locally() for each in made)
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, made[0].run(vector, 3).delta.open_locally())
