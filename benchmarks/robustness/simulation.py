"""Parties that train together, one of them badly: what the model is worth, and what each party's screen saw.

Sums are made in plain: training, clipping, combining and screening are the product's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from crypto.private import Private
from federation.ids import PartyId
from federation.tables import Model, Sum, Training
from parties.horizontal.encoding import Encoded
from parties.horizontal.examples import Examples
from parties.horizontal.models import build
from parties.horizontal.screening import judge_groups, judge_own, stands_out
from parties.horizontal.training import LocalTrainer
from parties.horizontal.vector import clip_norm

Floats = npt.NDArray[np.float64]

#: What the bad party does: name -> how.
BAD = {
    "sign": "uploads its update five times as long and the other way",
    "labels": "has its outcomes the wrong way round",
    "scaled": "uploads its update five times as long",
    "zeros": "uploads zeros and learns from the others",
    "copy": "uploads the change of the round before",
}

_COLUMNS, _TEST_ROWS, _TIMES = 8, 4000, 5.0
_FEWEST, _MOST = 200, 600
#: How much parties differ: means of columns and the share of defaults; the true weights.
_APART, _WEIGHTS_APART = 0.3, 0.15
_CLIP = Sum().clip


@dataclass(frozen=True, slots=True)
class World:
    """Each party's rows, and rows of all kinds to test on."""

    rows: tuple[Examples, ...]
    test: Examples


def world(seed: int, parties: int = 9) -> World:
    """Parties of 200 to 600 rows whose columns, default rates and true weights differ a little."""
    generator = np.random.default_rng(seed)
    weights = generator.normal(0, 0.6, _COLUMNS)

    def draw(count: int, apart: float, weights_apart: float) -> Examples:
        centre = generator.normal(0, apart, _COLUMNS)
        numbers = generator.normal(centre, 1, (count, _COLUMNS)).astype(np.float32)
        own = weights + generator.normal(0, weights_apart, _COLUMNS)
        logit = numbers @ own - 1.2 + generator.normal(0, apart)
        bad = generator.random(count) < 1 / (1 + np.exp(-logit))
        return Examples.of(Encoded(numbers, np.zeros((count, 0), dtype=np.int64)), bad)

    sizes = [int(generator.integers(_FEWEST, _MOST)) for _ in range(parties)]
    rows = tuple(draw(size, _APART, _WEIGHTS_APART) for size in sizes)
    return World(rows, draw(_TEST_ROWS, 0.0, 0.0))


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """`auc` on the test rows. `groups` are places of parties.

    `named` (parties, k): whether the screen of each party names each of k groups; with one group, whether it
    names the party itself (parties, 1).
    """

    auc: float
    named: npt.NDArray[np.bool_]
    groups: tuple[tuple[int, ...], ...]

    def group_of(self, party: int) -> int:
        """The place of the group that holds this party."""
        return next(place for place, group in enumerate(self.groups) if party in group)


def train(
    made: World, seed: int, kind: str | None, bad: int, *, groups: int, rounds: int, screen: bool = True
) -> Rehearsed:
    """Train a logistic model; `kind`, one of `BAD`, is what party `bad` does. `seed` parts the groups."""
    everyone = range(len(made.rows))
    parted = np.array_split(np.random.default_rng(seed + 1000).permutation(len(everyone)), groups)
    rows = [_flipped(own) if kind == "labels" and at == bad else own for at, own in enumerate(made.rows)]
    trainers = [trainer(own, at, rounds) for at, own in enumerate(rows)]
    weights = np.array([len(own) for own in rows]) / sum(map(len, rows))
    vector = last = np.zeros(trainers[0].layout.size)
    seen: list[list[list[bool | None]]] = []
    first = 0.0
    for number in range(1, rounds + 1):
        updates = np.stack([made.run(vector, number).delta.open_locally() for made in trainers])
        if kind is not None:
            updates[bad] = _sent(kind, updates[bad], last)
        changes = np.stack([clip_norm(update, _CLIP) for update in updates])
        means = np.stack([np.average(changes[group], axis=0, weights=weights[group]) for group in parted])
        change: Floats = np.median(means, axis=0)
        first = first or float(np.linalg.norm(change))
        if screen and groups > 1:
            losses = [_losses(made, own, vector, means) for made, own in zip(trainers, rows, strict=True)]
            seen.append([[bool(found) for found in judge_groups(means, first, each)] for each in losses])
        elif screen:
            others = [(change - w * own) / (1 - w) for w, own in zip(weights, changes, strict=True)]
            seen.append([[judge_own(own, rest, first)] for own, rest in zip(changes, others, strict=True)])
        vector, last = vector + change, change
    logits = trainers[0].logits(vector, Private(made.test)).open_locally()
    return Rehearsed(
        float(roc_auc_score(made.test.labels.numpy(), logits)),
        _named(seen) if screen else np.zeros((len(rows), groups), dtype=bool),
        tuple(tuple(int(at) for at in group) for group in parted),
    )


def _named(seen: Sequence[Sequence[Sequence[bool | None]]]) -> npt.NDArray[np.bool_]:
    """(rounds, parties, k) flags, None where nobody looked -> who is named (parties, k)."""
    flags = np.array(seen, dtype=float)  # None becomes nan
    flagged, looked = np.nansum(flags, axis=0), (~np.isnan(flags)).sum(axis=0)
    named = [stands_out(int(f), int(of)) for f, of in zip(flagged.flat, looked.flat, strict=True)]
    return np.array(named, dtype=bool).reshape(looked.shape)


def _sent(kind: str, update: Floats, last: Floats) -> Floats:
    return {
        "sign": -_TIMES * update,
        "labels": update,
        "scaled": _TIMES * update,
        "zeros": np.zeros_like(update),
        "copy": last,
    }[kind]


def _flipped(rows: Examples) -> Examples:
    return Examples(rows.numeric, rows.codes, 1 - rows.labels)


def trainer(rows: Examples, at: int, rounds: int) -> LocalTrainer:
    """Party `at`'s own training in a plan of so many rounds."""
    party, model = PartyId(f"party-{at}"), Model()
    network = build(model, _COLUMNS, (), seed=7, approved={}, party=party)
    return LocalTrainer(party, model, network, Training(rounds=rounds), Private(rows), seed=bytes([at]) * 32)


def _losses(trainer: LocalTrainer, rows: Examples, vector: Floats, means: Floats) -> Floats:
    changes = [np.zeros_like(vector), *means]
    return np.array(
        [trainer.validate(vector + change, Private(rows)).open_locally().loss for change in changes]
    )
