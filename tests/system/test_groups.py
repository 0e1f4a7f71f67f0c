"""A horizontal round in groups, the product's whole way at every party, in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from federation.ids import AGGREGATOR
from tests.system.federation import Federation, Table
from tests.system.in_memory import Seen, rehearse
from tests.system.test_horizontal import firms

BANKS = tuple(f"bank-{letter}" for letter in "abcdefghi")


@pytest.fixture(scope="module")
def banks(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    folder: Path = tmp_path_factory.mktemp("groups")
    tables = []
    for seed, name in enumerate(BANKS):
        file = folder / f"{name}.csv"
        firms(40 + seed, 400).to_csv(file, index=False)
        tables.append(Table(name, "data", file, 'key = "firm"\nlabel = "bad"'))
    return Federation(folder / "federation", tables)


def plan(*tables: str) -> str:
    head = 'name = "banks"\npurpose = "credit-scoring"\nshape = "horizontal"'
    named = [f"[parties.{name}]" for name in BANKS]
    return "\n".join([head, *named, "[training]\nrounds = 2", "[robust]\ngroups = 3", *tables]) + "\n"


def kept(banks: Federation, party: str, seen: Seen, file: str) -> Any:
    return json.loads((banks.party(party) / "rounds" / seen.run / file).read_text())


def test_a_round_in_groups_gives_one_model_and_every_party_writes_down_what_its_screen_saw(
    banks: Federation,
) -> None:
    seen = rehearse(banks, plan("[sum]\nprotection = 'mask'"))
    assert seen.errors == {}
    assert len({json.dumps(kept(banks, party, seen, "state.json")) for party in BANKS}) == 1
    groups = [kept(banks, party, seen, "evaluation.json")["groups"] for party in BANKS]
    assert sorted(map(len, groups[0])) == [3, 3, 3] and groups == [groups[0]] * 9
    for party in BANKS:
        assert kept(banks, party, seen, "evaluation.json")["flags"] == []
        assert kept(banks, party, seen, "screen.json").keys() == {"1", "2"}
    assert not any(b"horizontal/group-mean" in message for message in _to(seen, AGGREGATOR))
    assert any(b"horizontal/group-mean" in message for message in _to(seen, BANKS[0]))


def _to(seen: Seen, role: str) -> list[bytes]:
    return [message for sent in seen.opened[role].values() for message in sent]
