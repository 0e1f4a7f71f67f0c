"""What must hold of every role's folder, whatever failed; and whether two models are the same."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.faults.world import World
from crypto.codes import parted
from federation import files, journal
from federation.coordinator.home import CoordinatorHome
from federation.errors import IsthmusError
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.journal import FileJournal
from parties.governance.spending import Spending
from parties.home import PartyHome
from parties.privacy.chain import Chain

#: Two rounds of one plan: a horizontal one repeats to the last bit, a vertical one rounds at random.
TOLERANCE = {"horizontal": 0.0, "vertical": 2e-3}


#: In a cell each party knows the exchange by the address of its own line.
_ADDRESS = re.compile(r" at 127\.0\.0\.1:\d+")
_PASSED_ON = re.compile(r"^((party )?[a-z0-9-]+: )+")


def problems(world: World) -> list[str]:
    """What is wrong with the folders of a world whose roles are not in the middle of a round."""
    homes: dict[PartyId, CoordinatorHome | PartyHome] = {AGGREGATOR: world.coordinator, **world.parties}
    found = []
    for seat, home in homes.items():
        try:
            found += [f"{seat}: {problem}" for problem in _of_home(home)]
        except IsthmusError as error:
            found.append(f"{seat}: {error}")
    return found


def _of_home(home: CoordinatorHome | PartyHome) -> Iterator[str]:
    for file in sorted(home.folder.rglob("*.json")):
        if not file.name.startswith("."):
            files.read_json(file)
    for file in home.folder.rglob(".*"):
        unfinished = files._UNFINISHED.fullmatch(file.name)
        if unfinished is not None and not files._lives(int(unfinished[1])):
            yield f"{file.name} was left half-written, and not swept"
    home.ledger()  # Raises where it is not what its last checkpoint was over.
    sent: Counter[str] = Counter()
    for run in home.runs():
        path = home.round_folder(run) / "journal.jsonl"
        if path.exists():
            FileJournal(path).close()  # Cuts off half a line, as the next attempt would.
            sent.update(entry.sha256 for entry in journal.read(path))
        for file in sorted(home.round_folder(run).glob("*.npz")):
            files.read_arrays(file, "")
    twice = sum(1 for count in sent.values() if count > 1)
    if twice:
        yield f"{twice} sealed frames left twice: a key and a nonce, or a mask, were used again"
    if isinstance(home, PartyHome):
        yield from _of_budgets(home)


def _of_budgets(home: PartyHome) -> Iterator[str]:
    """A grant is charged once an attempt, privacy once a run, and no attempt ran that was not charged."""
    Spending(home, home.name()).spent(())
    spent = Chain(home.folder / "governance", home.name(), "spent").read().lines
    charged = Counter((line["run"], line["attempt"]) for line in spent if line["kind"] == "reserve")
    told = Chain(home.folder / "privacy", home.name()).read().lines
    runs = Counter(line["run"] for line in told if line["kind"] == "reserve")
    for what in [
        *(each for each, count in charged.items() if count > 1),
        *(r for r, c in runs.items() if c > 1),
    ]:
        yield f"{what} was charged twice"
    plans = [json.loads(entry) for entry in home.ledger().entries() if b'"kind":"plan"' in entry]
    for plan in plans:
        if (plan["run"], plan["attempt"]) not in charged:
            yield f"attempt {plan['attempt']} at {plan['run']} ran uncharged"
    begun = Counter((plan["run"], plan["attempt"]) for plan in plans)
    for attempt, count in begun.items():
        if count > 1:
            yield f"{attempt} was begun twice: its sums could be told over other values"


def models(world: World, run: RunId) -> dict[str, list[float]]:
    """Each party's part of the model as numbers; `UsageError` where one is missing or not whole."""
    found = {}
    for name, home in world.parties.items():
        folder = home.round_folder(run) / "model"
        part = files.read_json(folder / "model.json")["part"]
        vector = folder / "vector.npz"
        if vector.exists():
            found[str(name)] = [float(each) for each in files.read_arrays(vector, "")["vector"]]
        else:
            found[str(name)] = [*map(float, part["weights"]), float(part["intercept"] or 0.0)]
    return found


def same(one: dict[str, list[float]], other: dict[str, list[float]], tolerance: float) -> bool:
    """Whether all parts agree within `tolerance`, absolute and relative."""
    return one.keys() == other.keys() and all(
        len(values) == len(other[name]) and np.allclose(values, other[name], rtol=tolerance, atol=tolerance)
        for name, values in one.items()
    )


def _told(home: PartyHome, run: RunId) -> str:
    """What the party's node says ended `run`; "" when it says nothing of it."""
    facts: dict[str, Any] = files.read_json(home.node_file) if home.node_file.exists() else {}
    return str(facts.get("cause", "")) if facts.get("run") == run else ""


def _named(cause: str) -> str:
    """A cause without who passed it on: what every role must have been told alike."""
    code, told = parted(cause)
    return f"{code}: {_PASSED_ON.sub('', _ADDRESS.sub('', told.rpartition('ended the session: ')[2]))}"


def told_apart(world: World, run: RunId, cause: str, away: set[PartyId]) -> str:
    """Who was told what, where that differs; "" where all were told the aggregator's `cause`.

    away: who was not there when it ended; those who were are to agree.
    """
    told = {AGGREGATOR: cause, **{name: _told(home, run) for name, home in world.parties.items()}}
    causes = {seat: _named(each) for seat, each in told.items() if seat not in away}
    if len({*causes.values()}) == 1:
        return ""
    return ", ".join(f"{seat} was told {each!r}" for seat, each in causes.items())
