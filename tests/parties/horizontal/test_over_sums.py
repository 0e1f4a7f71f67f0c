"""Statistics over real seats and a protected sum: what the stand-in of the other tests stands in for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from crypto.private import Private
from crypto.summation.schemes import protection
from federation.ids import AGGREGATOR, PartyId
from federation.message import Role
from federation.messages.sum import Upload
from federation.secure_sum.adder import Adder
from federation.secure_sum.member import SecureSum
from federation.session import Session
from parties.horizontal.columns import schema
from parties.horizontal.statistics import Fitted, fit
from tests.parties.horizontal.world import PARTIES, SECRET, dataset, fit_all, outcomes, parted, table
from tests.seats import run_seats


@pytest.mark.parametrize("scheme", ["he", "mask"])
def test_statistics_over_a_protected_sum_are_those_of_plain_sums(scheme: str) -> None:
    generator = np.random.default_rng(23)
    frames = parted(
        table(
            turnover=generator.lognormal(9.5, 2.1, 3000),
            flag=generator.integers(0, 2, 3000),
            sector=generator.choice(["A", "B", "C"], 3000),
        )
    )
    calls: list[tuple[str, str, int]] = []
    plain = fit_all(frames, calls=calls)

    def member(name: str) -> Callable[[Session], Fitted]:
        own, config = frames[name], dataset(name)

        def part(session: Session) -> Fitted:
            sums = SecureSum(session, tuple(map(PartyId, PARTIES)), protection(scheme))
            rows, bad = Private(own), Private(outcomes(own))
            return fit(sums, rows, bad, schema(own, config, {}), config, {}, secret=SECRET)

        return part

    def aggregator(session: Session) -> None:
        adder = Adder(session, protection(scheme))
        for _ in calls:
            for name in session.seating.parties:
                adder.take(name, session.receive(name, Upload))

    roles = {**dict.fromkeys(PARTIES, Role.MEMBER), AGGREGATOR: Role.AGGREGATOR}
    parts: dict[str, Callable[[Session], Any]] = {name: member(name) for name in PARTIES}
    found = run_seats(roles, {**parts, AGGREGATOR: aggregator}, patience=30)
    for name in PARTIES:
        assert found[name].encoding == found[PARTIES[0]].encoding
        assert found[name].statistics.rows == plain[name].statistics.rows
        for told, wanted in zip(found[name].statistics.columns, plain[name].statistics.columns, strict=True):
            assert told.name == wanted.name and told.quantiles == wanted.quantiles
            if wanted.mean is not None:
                assert told.mean == pytest.approx(wanted.mean, rel=1e-3)
