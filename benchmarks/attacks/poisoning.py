"""Bad updates and free-riders in training over several parties, and whether anybody's screen names them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.attacks.figures import Control, Found, area, rate
from benchmarks.attacks.setting import Setting
from benchmarks.robustness.simulation import BAD, Rehearsed, World, train, trainer, world
from crypto.private import Private

CONTROL = "T-POISON"
_PARTIES, _GROUPS = 9, 3
#: The most that the control allows to go unnoticed; the catalogue asks that seeded ones be detected.
MOST_UNNOTICED = 0.2
#: How much longer the turned update is where nobody cuts it, and what it must then cost at least, in AUC.
_TIMES, _HARM = 50.0, 0.1


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
        Control(harm, harm > _HARM, "AUC that a turned update costs a mean over all, uncut"),
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
    """Federated averaging as it is written, with a turned update: a mean of what comes, however long."""
    trainers = [trainer(rows, at, setting.size.rounds) for at, rows in enumerate(made.rows)]
    vector = np.zeros(trainers[0].layout.size)
    for number in range(1, setting.size.rounds + 1):
        updates = np.stack([each.run(vector, number).delta.open_locally() for each in trainers])
        updates[seed % _PARTIES] *= -_TIMES
        vector = vector + updates.mean(axis=0)
    logits = trainers[0].logits(vector, Private(made.test)).open_locally()
    return area(made.test.labels.numpy().astype(np.int8), logits).value


def _named(run: Rehearsed, bad: int) -> bool:
    """Whether most of the other parties' screens name the group that the bad one is in."""
    others = np.delete(run.named, bad, axis=0)
    return bool(others[:, run.group_of(bad)].mean() >= 0.5)
