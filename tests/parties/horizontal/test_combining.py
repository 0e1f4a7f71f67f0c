"""Groups of members: the same at all, each summed for itself; one bad group moves the median no further."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crypto.private import Private
from crypto.sealed import DisclosedNumbers
from crypto.summation.schemes import protection
from federation.errors import EgressRefused, MessageRefused, PlanRefused
from federation.flower.strategies import ServerOptimiser
from federation.ids import AGGREGATOR, PartyId
from federation.message import Digest, Role
from federation.messages.horizontal import GroupMean
from federation.messages.sum import Upload
from federation.plan import Plan
from federation.secure_sum.adder import Adder
from federation.secure_sum.interface import Floats
from federation.secure_sum.member import SecureSum
from federation.session import Session
from parties.horizontal.combining import Combined, Combining, exchange_means, groups_of, join_group
from parties.horizontal.examples import Examples
from parties.horizontal.kept import Kept
from parties.horizontal.rounds import train_together
from parties.horizontal.state import RoundState
from parties.horizontal.vector import clip_norm
from tests.parties.horizontal.test_training import firms, start, trainer
from tests.parties.horizontal.world import fitted, table
from tests.seats import run_seats
from tests.sums import PlainSums, run_members

NINE = tuple(PartyId(f"bank-{letter}") for letter in "abcdefghi")
CLIP = 5.0


def plan(members: tuple[PartyId, ...] = NINE, **tables: Any) -> Plan:
    named = {str(name): {} for name in members}
    fields = {"robust": {"groups": 3}, "sum": {"protection": "mask", "clip": CLIP}, **tables}
    return Plan.model_validate(
        {"name": "banks", "purpose": "test", "shape": "horizontal", "parties": named, **fields}
    )


def changes(size: int = 5) -> dict[PartyId, Floats]:
    generator = np.random.default_rng(5)
    return {name: generator.normal(0.5, 0.2, size) for name in NINE}


# -- who sits with whom ----------------------------------------------------------------------------


def test_every_member_is_in_one_group_and_groups_are_nearly_equal() -> None:
    ten = (*NINE, PartyId("bank-j"))
    groups = groups_of(plan(ten), ten)
    assert sorted(member for group in groups for member in group) == list(ten)
    assert sorted(map(len, groups)) == [3, 3, 4]
    assert all(group == tuple(sorted(group)) for group in groups)


def test_groups_follow_from_the_plan_and_not_from_its_order_of_parties_alone() -> None:
    one, other = plan(), plan(split={"seed": 8})
    assert groups_of(one, NINE) == groups_of(plan(), NINE)
    assert groups_of(one, NINE) != groups_of(other, NINE)


def test_a_lost_member_leaves_most_of_the_others_where_they_were() -> None:
    ten = (*NINE, PartyId("bank-j"))
    told = plan(ten, minimum_parties=9)
    before = groups_of(told, ten)
    for lost in ten:
        after = groups_of(told, tuple(member for member in ten if member != lost))
        moved = [
            member
            for group, now in zip(before, after, strict=True)
            for member in group
            if member not in now and member != lost
        ]
        assert len(moved) <= 2


# -- over protected sums ---------------------------------------------------------------------------

Part = Callable[[Session, Combining, SecureSum], Any]


def through_sums(told: Plan, part: Part, sums: int) -> dict[str, Any]:
    """Every member's `part` over real seats; each takes part in so many `sums`, of its group or of all."""
    scheme = protection("mask")

    def member(session: Session) -> Any:
        def open_sums(members: tuple[PartyId, ...]) -> SecureSum:
            return SecureSum(session, members, scheme, noisy=told.privacy.unit != "none")

        return part(session, *join_group(told, session, open_sums(session.seating.parties), open_sums))

    def aggregator(session: Session) -> None:
        adder = Adder(session, scheme)
        for _ in range(sums):
            for name in session.seating.parties:
                adder.take(name, session.receive(name, Upload))

    roles = {**dict.fromkeys(NINE, Role.MEMBER), AGGREGATOR: Role.AGGREGATOR}
    return run_seats(roles, {**dict.fromkeys(NINE, member), AGGREGATOR: aggregator}, patience=30)


def test_all_take_the_median_of_the_groups_weighed_means() -> None:
    told, own = plan(), changes()
    weights = {name: (1 + at) / 45 for at, name in enumerate(NINE)}

    def part(session: Session, combining: Combining, own_sums: SecureSum) -> Combined:
        assert session.me in own_sums.members and len(own_sums.members) == 3
        return combining.combine("round 1", Private(own[session.me]), weights[session.me])

    found = through_sums(told, part, sums=1)
    means = [
        np.average([own[name] for name in group], axis=0, weights=[weights[name] for name in group])
        for group in groups_of(told, NINE)
    ]
    first = found[NINE[0]]
    np.testing.assert_allclose(first.means, means, atol=1e-5)
    np.testing.assert_array_equal(first.change, np.median(first.means, axis=0))
    for name in NINE:
        np.testing.assert_array_equal(found[name].change, first.change)


def test_one_bad_group_moves_the_median_no_further_than_the_others_reach() -> None:
    told, own = plan(), changes()
    bad = {*groups_of(told, NINE)[1]}
    uploaded = {name: clip_norm(-100 * own[name], CLIP) if name in bad else own[name] for name in NINE}

    def part(session: Session, combining: Combining, own_sums: SecureSum) -> Combined:
        return combining.combine("round 1", Private(uploaded[session.me]), 1.0)

    change = through_sums(told, part, sums=1)[NINE[0]].change
    good = np.array([own[name] for name in NINE if name not in bad])
    assert (change > good.min(axis=0)).all() and (change < good.max(axis=0)).all()
    assert (np.mean(list(uploaded.values()), axis=0) < 0).all()


def test_noise_by_party_is_in_each_groups_mean_and_charged_for_its_own_grid() -> None:
    told = plan(privacy={"unit": "party", "noise_multiplier": 0.5})
    size = 400

    def part(session: Session, combining: Combining, own_sums: SecureSum) -> tuple[Floats, float]:
        change = combining.combine("round 1", Private(np.zeros(size)), 1.0)
        return change.means, own_sums.noise_grid(0.5).sigma

    means, sigma = through_sums(told, part, sums=1)[NINE[0]]
    # Three members, each with the whole noise on each value.
    np.testing.assert_allclose(means.std(axis=1), 0.5 * CLIP / np.sqrt(3), rtol=0.2)
    everybody = through_sums(plan(robust={"groups": 1}, privacy=told.privacy.model_dump()), part, sums=1)
    assert sigma != everybody[NINE[0]][1]


def test_a_groups_mean_does_not_leave_for_the_aggregator() -> None:
    def part(session: Session, combining: Combining, own_sums: SecureSum) -> None:
        session.send(AGGREGATOR, GroupMean(Digest(bytes(32)), Digest(bytes(32)), DisclosedNumbers.of([1.0])))

    with pytest.raises(EgressRefused):
        through_sums(plan(), part, sums=0)


def test_a_sum_over_a_group_of_two_is_refused() -> None:
    """The plan refuses it already; the members do so too."""
    told = plan().model_copy(update={"robust": plan().robust.model_copy(update={"groups": 4})})
    with pytest.raises(PlanRefused, match="2 parties"):
        through_sums(told, lambda session, combining, own_sums: None, sums=0)


# -- lies ------------------------------------------------------------------------------------------


def told_otherwise(lie: Callable[[GroupMean], GroupMean], liar: PartyId) -> None:
    groups = groups_of(plan(), NINE)
    means = {member: np.full(4, float(at)) for at, group in enumerate(groups) for member in group}

    def part(session: Session) -> Floats:
        send = session.send

        def lying(to: PartyId, message: Any) -> None:
            send(to, lie(message))

        if session.me == liar:
            session.send = lying  # type: ignore[method-assign]
        return exchange_means(session, groups, "round 1", means[session.me])

    roles = dict.fromkeys(NINE, Role.MEMBER)
    run_seats(
        {**roles, AGGREGATOR: Role.AGGREGATOR}, {**dict.fromkeys(NINE, part), AGGREGATOR: lambda _: None}
    )


@pytest.mark.parametrize("place", [0, 2])
def test_a_member_that_tells_another_mean_than_its_group_is_found(place: int) -> None:
    group = groups_of(plan(), NINE)[1]
    other = DisclosedNumbers.of([9.0] * 4)

    def lie(message: GroupMean) -> GroupMean:
        return GroupMean(message.label, Digest(bytes(32)), None if message.mean is None else other)

    with pytest.raises(MessageRefused, match="told another mean") as refused:
        told_otherwise(lie, group[place])
    assert refused.value.party in group
    assert "9.0" not in str(refused.value)


@pytest.mark.parametrize("values", [None, [1.0] * 3])
def test_a_mean_that_is_none_or_of_another_length_is_refused(values: list[float] | None) -> None:
    mean = None if values is None else DisclosedNumbers.of(values)
    first = groups_of(plan(), NINE)[2][0]
    with pytest.raises(MessageRefused, match="not the mean of a change") as refused:
        told_otherwise(lambda message: GroupMean(message.label, message.seen, mean), first)
    assert refused.value.party == first


# -- the bound on what one member moves ------------------------------------------------------------


@pytest.mark.parametrize("factor", [1.0, 1e4])
def test_whatever_rows_a_member_has_it_moves_the_mean_by_its_weighed_clip_at_most(
    factor: float, tmp_path: Path
) -> None:
    names, weights, clip = NINE[:3], (0.2, 0.3, 0.5), 0.25
    told = plan(names, robust={"groups": 1}, sum={"clip": clip}, training={"rounds": 1, "learning_rate": 1.0})
    own = [firms(120, seed) for seed in range(3)]
    own[1] = Examples(own[1].numeric * factor, own[1].codes, 1 - own[1].labels)
    begin = RoundState(0, fitted(table(a=np.arange(900.0))).encoding, {}, start(), _fresh(told))

    def part(at: int) -> Callable[[PlainSums], Floats]:
        made = trainer(own[at], party=names[at], seed=bytes([at]) * 32, **told.training.model_dump())

        def play(sums: PlainSums) -> Floats:
            kept = Kept(tmp_path / names[at], names)
            (tmp_path / names[at]).mkdir()
            combining = Combining.over_all(told, sums)
            state = train_together(
                told, combining, made, Private(own[at]), weights[at], kept, begin, lambda number: None
            )
            return state.vector - begin.vector

        return play

    moved = run_members({name: part(at) for at, name in enumerate(names)})[names[0]]
    free = [
        trainer(own[at], party=names[at], seed=bytes([at]) * 32, **told.training.model_dump())
        .run(begin.vector, 1)
        .delta.open_locally()
        for at in range(3)
    ]
    assert np.linalg.norm(free[1]) > 4 * clip
    others = sum(weights[at] * clip_norm(free[at], clip) for at in (0, 2))
    assert np.linalg.norm(moved - others) <= weights[1] * clip * 1.001


def _fresh(told: Plan) -> dict[str, Any]:
    return ServerOptimiser.of(told.training.strategy).to_dict()
