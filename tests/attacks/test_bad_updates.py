"""Bad parties, seeded, against groups and screens: what they do to the model, and who notices.

The bounds have margin to what `isthmus bench robustness` measured (docs/security.md); where a screen does not
find a party, that is written here too, so that nobody promises it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.robustness.simulation import Rehearsed, train, world
from crypto.private import Private
from crypto.summation.schemes import protection
from federation.flower.strategies import ServerOptimiser
from federation.ids import AGGREGATOR, PartyId
from federation.message import Role
from federation.messages.sum import Upload
from federation.plan import Plan
from federation.secure_sum.adder import Adder
from federation.secure_sum.interface import Floats
from federation.secure_sum.member import SecureSum
from federation.session import Session
from federation.tables import Model, Training
from parties.horizontal.combining import groups_of, join_group
from parties.horizontal.kept import Kept
from parties.horizontal.models import build
from parties.horizontal.rounds import train_together
from parties.horizontal.screening import Screen
from parties.horizontal.state import RoundState
from parties.horizontal.training import LocalTrainer, Update
from tests.parties.horizontal.world import fitted, table
from tests.seats import run_seats

SEEDS, ROUNDS, BAD = (1, 2), 6, 4


@cache
def trained(kind: str | None, seed: int, groups: int = 3) -> Rehearsed:
    return train(world(seed), seed, kind, BAD, groups=groups, rounds=ROUNDS)


def detected(kind: str) -> float:
    """The share of the other parties that name the bad one's group."""
    runs = [trained(kind, seed) for seed in SEEDS]
    return float(np.mean([np.delete(run.named, BAD, axis=0)[:, run.group_of(BAD)] for run in runs]))


def auc(kind: str | None, groups: int = 3) -> float:
    return float(np.mean([trained(kind, seed, groups).auc for seed in SEEDS]))


def test_a_party_that_turns_its_updates_round_is_noticed_by_all_and_costs_the_median_little() -> None:
    assert detected("sign") > 0.9
    assert auc("sign") > auc(None) - 0.015
    assert auc("sign", groups=1) < auc(None, groups=1) - 0.02


def test_a_party_that_scales_its_updates_is_noticed_and_the_clip_holds_it() -> None:
    assert detected("scaled") > 0.7
    assert abs(auc("scaled") - auc(None)) < 0.01


def test_outcomes_the_wrong_way_round_are_found_by_their_owner() -> None:
    """By the others in few runs only: two good members of the group hide them."""
    assert all(trained("labels", seed, 1).named[BAD, 0] for seed in SEEDS)
    assert auc("labels") > auc(None) - 0.015


def test_next_to_nobody_is_named_where_nobody_is_bad() -> None:
    assert np.mean([trained(None, seed).named.any(axis=1) for seed in SEEDS]) < 0.2
    assert np.mean([trained(None, seed, 1).named for seed in SEEDS]) < 0.2


# -- the whole way, over protected sums ------------------------------------------------------------

NINE = tuple(PartyId(f"bank-{at}") for at in range(9))


class Turned(LocalTrainer):
    """A party that uploads its updates five times as long and the other way."""

    def run(
        self,
        current: Floats,
        number: int,
        personal: Private[Floats] | None = None,
        correction: Private[Floats] | None = None,
    ) -> Update:
        update = super().run(current, number, personal, correction)
        return Update(Private(-5 * update.delta.open_locally()), update.personal)


def test_over_protected_sums_all_others_write_down_who_sat_with_the_bad_party(tmp_path: Path) -> None:
    told = Plan.model_validate(
        {
            "name": "banks",
            "purpose": "test",
            "shape": "horizontal",
            "parties": {str(name): {} for name in NINE},
            "robust": {"groups": 3},
            "sum": {"protection": "mask"},
            "training": {"rounds": ROUNDS},
        }
    )
    made, scheme, model = world(1), protection("mask"), Model()
    weights = np.array([len(rows) for rows in made.rows]) / sum(map(len, made.rows))
    network = build(model, 8, (), seed=7, approved={}, party=NINE[0])
    size = LocalTrainer(
        NINE[0], model, network, Training(), Private(made.rows[0]), seed=bytes(32)
    ).layout.size
    encoding = fitted(table(a=np.arange(900.0))).encoding
    begin = RoundState(0, encoding, {}, np.zeros(size), ServerOptimiser.of("fedavg").to_dict())

    def member(at: int) -> Callable[[Session], tuple[RoundState, list[str]]]:
        name, kind = NINE[at], Turned if at == BAD else LocalTrainer
        own = build(model, 8, (), seed=7, approved={}, party=name)
        trainer = kind(name, model, own, told.training, Private(made.rows[at]), seed=bytes([at]) * 32)
        folder = tmp_path / name
        folder.mkdir()

        def play(session: Session) -> tuple[RoundState, list[str]]:
            def open_sums(members: tuple[PartyId, ...]) -> SecureSum:
                return SecureSum(session, members, scheme)

            combining, _ = join_group(told, session, open_sums(NINE), open_sums)
            screen = Screen(folder / "screen.json", name, combining.groups, weights[at])
            rows, kept = Private(made.rows[at]), Kept(folder, NINE)
            state = train_together(
                told, combining, trainer, rows, weights[at], kept, begin, lambda number: None, screen
            )
            return state, screen.flags()

        return play

    def aggregator(session: Session) -> None:
        adder = Adder(session, scheme)
        for _ in range(2 * ROUNDS):
            for name in NINE:
                adder.take(name, session.receive(name, Upload))

    roles = {**dict.fromkeys(NINE, Role.MEMBER), AGGREGATOR: Role.AGGREGATOR}
    parts: dict[str, Any] = {name: member(at) for at, name in enumerate(NINE)}
    found = run_seats(roles, {**parts, AGGREGATOR: aggregator}, patience=60)
    assert len({found[name][0].digest for name in NINE}) == 1
    (group,) = (group for group in groups_of(told, NINE) if NINE[BAD] in group)
    for name in NINE:
        if name == NINE[BAD]:
            continue
        (flag,) = found[name][1]
        assert f"The group of {', '.join(group[:-1])} and {group[-1]} stood out" in flag
