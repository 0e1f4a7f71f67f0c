"""Round after round on one federation, and what each role holds between them."""

from __future__ import annotations

import datetime as dt
import math
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import reduce
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from benchmarks.progress import Say, silent
from benchmarks.speed.footprint import Footprint, Held
from cli.playing import aggregator_running, loopback, nodes_running, play_round
from federation import files
from federation.errors import PeerSilent, UsageError
from federation.ids import AGGREGATOR, RunId
from parties.four_flows import Settings
from parties.sandbox.founding import Sandbox, clear, found, generated, vertical_plan

#: How much more a role may hold in the last tenth of the rounds than in the second.
GROWTH = 0.05
#: Descriptors of the SuperLink's database at most. Flower has two SQLAlchemy engines on it (links and
#: objects); each keeps the five connections that were once needed at a time; each connection has the file and
#: its log (WAL) open, and one the log's index. Until then they grow with the rounds, after that no more.
POOLED = 2 * 5 * 2 + 2
_IDLE_SECONDS, _LOOK_SECONDS, _SETTLE_SECONDS = 60.0, 0.1, 1.0
#: Longer than any of the servers keeps a connection that nobody uses (Flower's kept one for 35 s).
_REST_SECONDS = 45.0
#: Before the aggregator is looked at for the first time: what it opens once and keeps is open then.
_WARM_UP = 3
#: What is the same at rest each time. Threads are not: a server keeps those of its pool that its last
#: requests needed at once, and the SuperLink's (anyio) looks for idle ones only when a request ends.
_AT_REST = ("processes", "descriptors", "sockets")
#: What comes and goes, and how many standard errors make a trend.
_COUNTED, _ERRORS = ("threads", "descriptors", "sockets"), 3.0


@dataclass(frozen=True, slots=True)
class Look:
    """What was there after one round, all nodes idle. files: role -> files beside rounds, by folder."""

    held: Mapping[str, Held]
    files: Mapping[str, Counter[str]]
    seconds: float

    def __or__(self, other: Look) -> Look:
        """Of the roles of both, which have none in common."""
        return Look({**self.held, **other.held}, {**self.files, **other.files}, other.seconds)


@dataclass(frozen=True, slots=True)
class Trend:
    """How many more over a run, and the standard error of that."""

    more: float
    error: float


@dataclass(frozen=True, slots=True)
class Endurance:
    """The looks of all rounds, in their order, 20 at least; `before`, `after`: what was there at rest.

    At rest is: the fewest of each over `_REST_SECONDS` without a round. The parties' nodes run on from the
    first round to the last; `before` is after the second tenth. The aggregator is looked at while no node
    runs, as their polling opens and closes connections to it at any time; `before` is before the first round
    then, with a few played that do not count. With nobody there the same is open each time, to the last one.
    """

    looks: tuple[Look, ...]
    before: Look
    after: Look

    @property
    def steady(self) -> bool:
        """Whether memory stayed within `GROWTH` at every role, and nothing was left behind."""
        return all(self.growth(role) <= GROWTH for role in self._roles()) and not self.left()

    def growth(self, role: str) -> float:
        """Mean memory in the last tenth over that in the second tenth, less one."""
        second, last = self._tenths()
        return _memory(last, role) / _memory(second, role) - 1

    def left(self) -> dict[str, dict[str, int]]:
        """Role -> what was left behind, and how many.

        More at rest than before, or a trend over the rounds after the first tenth, whichever is more: the
        first sees a single one, the second also what is left only as long as a node stays connected.
        """
        found = {}
        for role in self._roles():
            late = self.after.held.get(role, Held())
            early = self.before.held.get(role, Held())
            more = {name: getattr(late, name) - getattr(early, name) for name in _AT_REST}
            more |= {name: max(more.get(name, 0), self._grown(role, name)) for name in _COUNTED}
            more["descriptors of the database"] = late.pooled - POOLED
            more |= {
                f"files in {folder}": self.after.files[role][folder] - self.before.files[role][folder]
                for folder in sorted(self.after.files.get(role, {}))
            }
            if more := {name: count for name, count in more.items() if count > 0}:
                found[role] = more
        return found

    def trend(self, role: str, name: str) -> Trend:
        """How many more there are after as many rounds as were played, by least squares over the looks."""
        counts = np.array([getattr(look.held.get(role, Held()), name) for look in self._settled()], float)
        rounds = np.arange(len(counts)) - (len(counts) - 1) / 2
        slope = float(rounds @ counts / (rounds @ rounds))
        apart = counts - counts.mean() - slope * rounds
        error = math.sqrt(float(apart @ apart) / max(len(counts) - 2, 1) / float(rounds @ rounds))
        return Trend(slope * len(counts), error * len(counts))

    def _settled(self) -> Sequence[Look]:
        return self.looks[len(self.looks) // 10 :]

    def _grown(self, role: str, name: str) -> int:
        trend = self.trend(role, name)
        return round(trend.more) if trend.more > _ERRORS * trend.error else 0

    def figures(self) -> dict[str, Any]:
        """For machines; memory in MB. rounds_each: what each role held after each round."""
        second, last = self._tenths()
        return {
            "rounds": len(self.looks),
            "steady": self.steady,
            "seconds_per_round": mean(look.seconds for look in self.looks),
            "roles": {
                role: {
                    "memory_mb_second_tenth": _memory(second, role) / 1e6,
                    "memory_mb_last_tenth": _memory(last, role) / 1e6,
                    "growth": self.growth(role),
                    **{
                        name: getattr(self.after.held.get(role, Held()), name)
                        for name in ("processes", *_COUNTED, "pooled")
                    },
                    "trend": {name: asdict(self.trend(role, name)) for name in _COUNTED},
                }
                for role in self._roles()
            },
            "left": self.left(),
            "rounds_each": [
                {role: asdict(held) for role, held in sorted(look.held.items())} for look in self.looks
            ],
        }

    def _roles(self) -> list[str]:
        return sorted(self.looks[0].held)

    def _tenths(self) -> tuple[Sequence[Look], Sequence[Look]]:
        tenth = len(self.looks) // 10
        return self.looks[tenth : 2 * tenth], self.looks[-tenth:]


def measure(rounds: int, firms: int, *, seed: int = 0, say: Say = silent) -> Endurance:
    """Play `rounds` rounds of the main job's plan on generated firms; each role is a process of its own.

    Raises what ended a round that did not finish, and `PeerSilent` naming a node that is not idle after one.
    """
    if not Path("/proc/self/fd").is_dir():
        raise UsageError(
            "this system has no /proc, where processes and sockets are counted", advice="Run it on Linux."
        )
    with tempfile.TemporaryDirectory(prefix="isthmus-endurance-") as temporary:
        folder = Path(temporary) / "sandbox"
        clear(folder)
        datasets, _ = generated(folder, Settings(firms=firms, seed=seed))
        plan = vertical_plan(datasets)
        sandbox = found(folder, datasets, plan, *loopback(), dt.datetime.now(dt.UTC), generated=True)
        aggregator = {str(AGGREGATOR): sandbox.coordinator.folder}
        parties = {str(name): home.folder for name, home in sandbox.parties.items()}
        looks, at_rest = [], []
        with aggregator_running(sandbox):
            with nodes_running(sandbox):
                for number in range(1, _WARM_UP + 1):
                    say(f"round {number} of {_WARM_UP} that do not count")
                    _one_round(sandbox)
            say("the aggregator at rest, without the nodes")
            alone = _at_rest(aggregator)
            with nodes_running(sandbox):
                for number in range(1, rounds + 1):
                    say(f"round {number} of {rounds}")
                    took = _one_round(sandbox)
                    looks.append(_look(aggregator | parties, took))
                    if number in (rounds // 10 * 2, rounds):
                        say(f"round {number} of {rounds}, and the parties at rest")
                        at_rest.append(_at_rest(parties))
            say("the aggregator at rest, without the nodes")
            before, after = alone | at_rest[0], _at_rest(aggregator) | at_rest[1]
    return Endurance(tuple(looks), before, after)


def _one_round(sandbox: Sandbox) -> float:
    """Play it until every node is idle; the seconds that it took."""
    began = time.monotonic()
    status = play_round(sandbox, show=False)
    took = time.monotonic() - began
    _wait_idle(sandbox, status.run)
    return took


def _look(homes: Mapping[str, Path], seconds: float) -> Look:
    return Look(Footprint(homes).now(), {role: beside_rounds(home) for role, home in homes.items()}, seconds)


def _at_rest(homes: Mapping[str, Path]) -> Look:
    """The fewest of each, over a while in which no round runs and idle connections are closed."""
    until, looks = time.monotonic() + _REST_SECONDS, [_look(homes, _REST_SECONDS)]
    while time.monotonic() < until:
        time.sleep(_SETTLE_SECONDS)
        looks.append(_look(homes, _REST_SECONDS))
    held = {role: fewest(look.held.get(role, Held()) for look in looks) for role in homes}
    return replace(looks[-1], held=held)


def fewest(held: Iterable[Held]) -> Held:
    """The least of each that was held at any of these times."""
    return reduce(_lesser, held)


def _lesser(one: Held, other: Held) -> Held:
    return Held(
        **{field.name: min(getattr(one, field.name), getattr(other, field.name)) for field in fields(Held)}
    )


def beside_rounds(home: Path) -> Counter[str]:
    """How many files lie in each folder of a role's home (`.` is the home).

    What each round leaves on purpose is left out: its folder, and its checkpoints in the ledger.
    """
    count: Counter[str] = Counter()
    for folder, names, held in os.walk(home):
        if Path(folder) == home:
            names[:] = [name for name in names if name not in ("rounds", "ledger")]
        count[str(Path(folder).relative_to(home))] += len(held)
    return count


def drawn(found: Endurance, file: Path) -> None:
    """Memory of each role by round, as PNG."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    rounds = range(1, len(found.looks) + 1)
    for role in sorted(found.looks[0].held):
        axes.plot(
            rounds,
            [look.held.get(role, Held()).memory_bytes / 1e6 for look in found.looks],
            label=f"{role} ({found.growth(role):+.1%})",
        )
    axes.set(xlabel="round", ylabel="memory between rounds, MB", ylim=(0, None))
    axes.legend(loc="lower right")
    figure.savefig(file, dpi=120)
    plt.close(figure)


def _memory(looks: Sequence[Look], role: str) -> float:
    return mean(look.held.get(role, Held()).memory_bytes for look in looks)


def _wait_idle(sandbox: Sandbox, run: RunId) -> None:
    """Until every node has written down that the round is over, and a moment more for what it takes down."""
    for name, home in sandbox.parties.items():
        until = time.monotonic() + _IDLE_SECONDS
        while True:
            node = files.read_json(home.node_file) if home.node_file.exists() else {}
            if node.get("state") == "idle" and node.get("run") == run:
                break
            if time.monotonic() > until:
                raise PeerSilent(str(name), "ending the round", _IDLE_SECONDS)
            time.sleep(_LOOK_SECONDS)
    time.sleep(_SETTLE_SECONDS)
