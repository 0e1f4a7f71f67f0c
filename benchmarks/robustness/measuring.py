"""Over many seeds: how often screens find a bad party or name a good one, and what the model is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.progress import Say, silent
from benchmarks.robustness.simulation import BAD, Rehearsed, World, train, world


@dataclass(frozen=True, slots=True)
class _Seed:
    """One seed's parties, and which of them is the bad one."""

    seed: int
    made: World
    bad: int

    def train(self, kind: str | None, groups: int, rounds: int) -> Rehearsed:
        return train(self.made, self.seed, kind, self.bad, groups=groups, rounds=rounds)


def measure(
    parties: int = 9,
    groups: int = 3,
    rounds: int = 10,
    repeat: int = 10,
    *,
    seed: int = 0,
    kinds: Sequence[str] = tuple(BAD),
    say: Say = silent,
) -> dict[str, Any]:
    """Train with nobody bad ("none") and with one bad party of each of `kinds`, over `repeat` seeds.

    Of each: auc_median, the mean AUC with `groups` groups and their median; auc_mean, with the mean over all.
    Of bad parties: detected, the share of other parties whose screen names the group of the bad one;
    others_named, of screens and groups without it, the share that is named; detected_itself, the share of
    runs with one group in which the bad party's own screen names it. With nobody bad: false_alarms, the share
    of parties whose screen names any group; named_itself, the share whose own screen names them.
    """
    found: dict[str, Any] = {"parties": parties, "groups": groups, "rounds": rounds, "repeat": repeat}
    seeds = [_Seed(at, world(at, parties), at % parties) for at in range(seed, seed + repeat)]
    for kind in (None, *kinds):
        runs = []
        for at in seeds:
            say(f"{kind or 'nobody bad'}, seed {at.seed}")
            runs.append((at.train(kind, groups, rounds), at.train(kind, 1, rounds)))
        aucs = {
            "auc_median": float(np.mean([grouped.auc for grouped, _ in runs])),
            "auc_mean": float(np.mean([whole.auc for _, whole in runs])),
        }
        rates = _false_alarms(runs) if kind is None else _detected(runs, [at.bad for at in seeds])
        found[kind or "none"] = {**rates, **aucs}
    return found


def _false_alarms(runs: Sequence[tuple[Rehearsed, Rehearsed]]) -> dict[str, float]:
    return {
        "false_alarms": _share([np.asarray(grouped.named.any(axis=1)) for grouped, _ in runs]),
        "named_itself": _share([whole.named for _, whole in runs]),
    }


def _detected(runs: Sequence[tuple[Rehearsed, Rehearsed]], bad: Sequence[int]) -> dict[str, float]:
    caught, wrong, itself = [], [], []
    for (grouped, whole), party in zip(runs, bad, strict=True):
        others = np.delete(grouped.named, party, axis=0)
        place = grouped.group_of(party)
        caught.append(others[:, place])
        wrong.append(np.delete(others, place, axis=1))
        itself.append(whole.named[[party]])
    return {
        "detected": _share(caught),
        "others_named": _share(wrong),
        "detected_itself": _share(itself),
    }


def _share(marks: Sequence[npt.NDArray[np.bool_]]) -> float:
    return float(np.mean([each.mean() for each in marks]))
