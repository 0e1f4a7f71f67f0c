"""The matcher gives each party its own rows of what all have, in one order, or nothing."""

from __future__ import annotations

import numpy as np
import pytest

from crypto.tags import Tags
from federation.errors import PlanRefused
from federation.ids import PartyId
from federation.protocols.matching import common_rows

NAMES = ("bank", "plant", "customs")


def tags(numbers: list[int], seed: int) -> Tags:
    order = np.random.default_rng(seed).permutation(numbers)
    return Tags(b"".join(int(number).to_bytes(16, "big") for number in order))


def sets(sizes: dict[str, list[int]]) -> dict[PartyId, Tags]:
    return {PartyId(name): tags(numbers, seed) for seed, (name, numbers) in enumerate(sizes.items())}


def test_each_party_gets_its_own_rows_of_the_same_firms_in_the_same_order() -> None:
    held = sets({"bank": [*range(200)], "plant": [*range(100, 300)], "customs": [*range(50, 180)]})
    found = common_rows(held, 80)
    firms = {}
    for party, told in found.items():
        own = [held[party].data[i : i + 16] for i in range(0, len(held[party].data), 16)]
        firms[party] = [own[row] for row in told.rows.positions(len(own))]
    assert len({tuple(order) for order in firms.values()}) == 1
    assert [int.from_bytes(tag, "big") for tag in firms[PartyId("bank")]] == [*range(100, 180)]


@pytest.mark.parametrize(("common", "allowed"), [(50, True), (49, False), (0, False)])
def test_fewer_common_firms_than_the_plan_allows_are_refused_without_telling_how_many(
    common: int, allowed: bool
) -> None:
    held = sets({"bank": [*range(100)], "plant": [*range(100 - common, 200)]})
    if allowed:
        assert len(common_rows(held, 50)) == 2
        return
    with pytest.raises(PlanRefused, match="fewer than 50 firms are common to bank, plant") as refused:
        common_rows(held, 50)
    assert refused.value.field == "alignment.minimum_intersection" and "49" not in str(refused.value)
