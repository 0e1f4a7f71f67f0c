"""What is steady holds nothing more at the end; what grew or was left behind is named, role by role."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.endurance.measuring import POOLED, Endurance, Look, beside_rounds, drawn, fewest
from benchmarks.speed.footprint import Footprint, Held

HELD = Held(processes=2, threads=20, descriptors=30, sockets=9, memory_bytes=500_000_000)


def run(last: Held = HELD, files: int = 0, rounds: int = 40) -> Endurance:
    """Two roles, of which the bank holds `last` in the last tenth and at rest at the end, and files more."""
    tenth = rounds // 10
    looks = [look(HELD if number < rounds - tenth else last) for number in range(rounds)]
    return Endurance(tuple(looks), look(HELD), look(last, files))


def look(bank: Held, files: int = 0) -> Look:
    held = {"aggregator": HELD, "bank": bank}
    return Look(held, {"aggregator": Counter({".": 5}), "bank": Counter({".": 5 + files})}, 1.0)


def test_what_stays_as_it_is_is_steady() -> None:
    found = run()
    assert found.steady and found.left() == {} and found.growth("bank") == 0


@pytest.mark.parametrize(("share", "steady"), [(1.04, True), (1.06, False), (0.5, True)])
def test_memory_may_grow_by_a_twentieth_and_no_more(share: float, steady: bool) -> None:
    assert run(replace(HELD, memory_bytes=int(HELD.memory_bytes * share))).steady is steady


def test_a_thread_that_a_pool_keeps_at_rest_is_no_leak_by_itself() -> None:
    looks = tuple(look(HELD) for _ in range(40))
    assert Endurance(looks, look(HELD), look(replace(HELD, threads=21))).steady


@pytest.mark.parametrize("name", ["processes", "descriptors", "sockets"])
def test_one_more_at_rest_is_named_with_its_role(name: str) -> None:
    looks = tuple(look(HELD) for _ in range(40))
    found = Endurance(looks, look(HELD), look(replace(HELD, **{name: getattr(HELD, name) + 1})))
    assert not found.steady and found.left() == {"bank": {name: 1}}


@pytest.mark.parametrize("name", ["threads", "descriptors", "sockets"])
def test_one_more_every_thirtieth_round_is_named_with_its_role(name: str) -> None:
    noise = np.random.default_rng(0).integers(-2, 3, 100)
    held = getattr(HELD, name)
    looks = [look(replace(HELD, **{name: int(held + number // 30 + noise[number])})) for number in range(100)]
    found = Endurance(tuple(looks), look(HELD), look(HELD))
    assert not found.steady and found.left() == {"bank": {name: 3}}


def test_roles_that_are_looked_at_apart_are_all_compared() -> None:
    aggregator, bank = (Look({role: HELD}, {role: Counter({".": 5})}, 1.0) for role in ("aggregator", "bank"))
    more = Look({"aggregator": replace(HELD, sockets=10)}, {"aggregator": Counter({".": 6})}, 1.0)
    looks = tuple(look(HELD) for _ in range(40))
    assert Endurance(looks, aggregator | bank, aggregator | bank).steady
    assert Endurance(looks, aggregator | bank, more | bank).left() == {
        "aggregator": {"sockets": 1, "files in .": 1}
    }


def test_a_file_that_was_left_is_named_with_its_folder() -> None:
    assert run(files=3).left() == {"bank": {"files in .": 3}}


def test_connections_that_come_and_go_between_rounds_are_no_leak() -> None:
    noise = np.random.default_rng(1).integers(0, 10, 100)
    looks = [look(replace(HELD, sockets=int(9 + noise[number]))) for number in range(100)]
    assert Endurance(tuple(looks), look(HELD), look(HELD)).steady


def test_at_rest_the_fewest_of_each_count() -> None:
    busy = replace(HELD, sockets=12, threads=19)
    assert fewest([HELD, busy, replace(HELD, sockets=10)]) == replace(HELD, threads=19)


@pytest.mark.parametrize(("pooled", "steady"), [(POOLED, True), (POOLED + 1, False)])
def test_the_pool_of_the_superlinks_database_may_fill_and_no_more(pooled: int, steady: bool) -> None:
    found = run(replace(HELD, pooled=pooled))
    assert found.steady is steady
    assert found.left() == ({} if steady else {"bank": {"descriptors of the database": 1}})


def test_rounds_and_their_checkpoints_are_no_leak(tmp_path: Path) -> None:
    for name in ("rounds/a/plan.json", "ledger/checkpoints/1", "flower/state", "party.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert beside_rounds(tmp_path) == {".": 1, "flower": 1}


def test_figures_are_json_and_the_picture_is_drawn(tmp_path: Path) -> None:
    found = run()
    assert len(json.loads(json.dumps(found.figures()))["rounds_each"]) == 40
    drawn(found, tmp_path / "memory.png")
    assert (tmp_path / "memory.png").read_bytes().startswith(b"\x89PNG")


def test_a_role_is_counted_by_the_folder_that_its_process_names(tmp_path: Path) -> None:
    code = "import socket, sys; s = socket.socket(); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "--home", str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None and child.stdout.readline() == b"\n"
        held = Footprint({"bank": tmp_path}).now()
        child.communicate(b"", timeout=30)
    assert held["bank"].processes == 1 and held["bank"].sockets == 1
    assert held["bank"].memory_bytes > 1_000_000 and held["bank"].descriptors >= 4
