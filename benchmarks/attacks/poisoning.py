"""Bad updates and free-riders in training over several parties, and whether anybody's screen names them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.attacks.figures import Control, Found, rate
from benchmarks.attacks.setting import Setting
from benchmarks.robustness.simulation import BAD, Rehearsed, World, train, world

CONTROL = "T-POISON"
_PARTIES, _GROUPS = 9, 3
#: The most that the control allows to go unnoticed; the catalogue asks that seeded ones be detected.
MOST_UNNOTICED = 0.2
#: What an update that works must cost a mean without groups or screens, in AUC; what an honest round may.
_HARM = 0.01


def attack(setting: Setting) -> Iterator[Found]:
    """One bad party among nine, in three groups: how often less than half of the others name its group."""
    made = [world(seed, _PARTIES) for seed in _seeds(setting)]
    setting.say("training with nobody bad")
    honest = _trained(setting, made, None)
    # The textbook: one mean over all, and nobody looks.
    plain = [_plain(setting, each, seed) for each, seed in zip(made, _seeds(setting), strict=True)]
    harm = float(np.mean([run.auc for run in honest]) - np.mean(plain))
    for kind in setting.size.bad:
        setting.say(f"training with a party that {BAD[kind]}")
        yield _unnoticed(setting, made, kind, honest, harm)


def _seeds(setting: Setting) -> range:
    return range(setting.seed, setting.seed + setting.size.runs)


def _unnoticed(setting: Setting, made: list[World], kind: str, honest: list[Rehearsed], harm: float) -> Found:
    runs = _trained(setting, made, kind)
    missed = sum(not _named(run, seed % _PARTIES) for run, seed in zip(runs, _seeds(setting), strict=True))
    alarms = float(np.mean([run.named.any(axis=1).mean() for run in honest]))
    return Found(
        "poisoning",
        f"a party that {BAD[kind]}",
        CONTROL,
        "the other parties, by their screens",
        "rate",
        rate(len(runs), len(runs)) if setting.weakened else rate(missed, len(runs)),
        1.0,
        MOST_UNNOTICED,
        setting.seed,
        Control(harm, harm > _HARM, "AUC that one turned update costs a mean over all"),
        Control(float(alarms), alarms <= MOST_UNNOTICED, "honest runs: parties whose screen names a group"),
        "the share of runs in which less than half of the other parties' screens name the bad one's group",
        setting.weakened,
    )


def _trained(setting: Setting, made: list[World], kind: str | None) -> list[Rehearsed]:
    return [
        train(each, seed, kind, seed % _PARTIES, groups=_GROUPS, rounds=setting.size.rounds)
        for each, seed in zip(made, _seeds(setting), strict=True)
    ]


def _plain(setting: Setting, made: World, seed: int) -> float:
    bad = seed % _PARTIES
    return train(made, seed, "sign", bad, groups=1, rounds=setting.size.rounds, screen=False).auc


def _named(run: Rehearsed, bad: int) -> bool:
    """Whether most of the other parties' screens name the group that the bad one is in."""
    others = np.delete(run.named, bad, axis=0)
    return bool(others[:, run.group_of(bad)].mean() >= 0.5)
