"""Rows of a party, from updates of a model that is trained together.

The gradient of one row under a linear layer is that row times a number, and the bias has the number: the row
is their quotient (Phong et al., IEEE TIFS 13, 2018). Of many rows it is a mean of rows that is none of them.
What counts is how many rows come out exactly, beside what guessing finds (arXiv 2606.00986): a mean accuracy
flatters. Optimising a guess until it gives the same update, as for small batches of plain gradients, is not
tried.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from benchmarks.attacks import sums
from benchmarks.attacks.drawn import key_of
from benchmarks.attacks.figures import Control, Estimate, Floats, Found, rate
from benchmarks.attacks.setting import Setting
from benchmarks.leakage.attacks import Labels
from crypto.private import Private
from federation.ids import PartyId
from federation.tables import Model, Sum, Training
from parties.horizontal.encoding import Encoded
from parties.horizontal.examples import Examples
from parties.horizontal.models import build
from parties.horizontal.training import LocalTrainer
from parties.horizontal.vector import clip_norm

CONTROL = "T-LEAK-RECON"
MARGIN = 0.01
#: Levels of each of the columns, and how near a found value must be to its level to count.
_COLUMNS, _LEVELS, _NEAR = 8, 4, 0.05
_MODELS = {"logistic": Model(), "mlp": Model(kind="mlp", hidden=(32,))}
_UNITS = {"logistic": 1, "mlp": 32}
#: A bias that moved by less did not move.
_STILL = 1e-9


def attack(setting: Setting) -> Iterator[Found]:
    """Of a logistic model and of a perceptron, from what the aggregator and a member see of a sum."""
    generator = np.random.default_rng(setting.seed)
    rows = {member: _rows(generator, setting.size.member_rows) for member in sums.MEMBERS}
    for kind in _MODELS:
        setting.say(f"taking rows from updates of a {kind} model")
        yield from _of_model(setting, kind, rows)


def _of_model(setting: Setting, kind: str, rows: dict[PartyId, tuple[Floats, Labels]]) -> Iterator[Found]:
    truth, labels = rows[sums.VICTIM]
    exact = rate(matched(single_rows(truth, labels, kind), truth), len(truth))
    updates = {member: _update(member, kind, *own) for member, own in rows.items()}
    run = sums.play("he", updates, setting.seed, Sum().clip)
    other, _ = _rows(np.random.default_rng(setting.seed + 1), len(truth))
    seen = {
        "a member, of the sum less its own update": run.total - updates[sums.COLLUDER],
        "aggregator and a member, of an upload": sums.opened(
            run, sums.VICTIM, (sums.COLLUDER,), len(updates[sums.VICTIM])
        ),
    }
    for view, vector in seen.items():
        candidates = quotients(vector, kind)
        hits = rate(matched(candidates, truth), len(truth))
        guesses = matched(rows[sums.COLLUDER][0][: len(candidates)], truth) / len(truth)
        nothing = rate(matched(single_rows(truth, labels, kind), other), len(other))
        yield Found(
            "reconstruction",
            f"rows from an update, {kind}",
            CONTROL,
            view,
            "rate",
            exact if setting.weakened else hits,
            guesses,
            guesses + MARGIN,
            setting.seed,
            Control(exact.value, exact.value == 1.0, "gradients of single rows in the clear"),
            _by_chance(nothing, matched(rows[sums.COLLUDER][0], other) / len(other)),
            "the share of the victim's rows that come out exactly as the weights' change over the bias's",
            setting.weakened,
        )


def _by_chance(found: Estimate, guesses: float) -> Control:
    return Control(found.value, found.value <= guesses + 0.05, "rows that nobody trained on")


def _rows(generator: np.random.Generator, count: int) -> tuple[Floats, Labels]:
    """Columns of a few levels each, so that guessing finds some row now and then, and outcomes."""
    values = generator.integers(0, _LEVELS, (count, _COLUMNS)).astype(np.float64) - 1.5
    values[:, 3:] = np.sign(values[:, 3:])
    odds = 1 / (1 + np.exp(-(values[:, :3].sum(axis=1) - 1)))
    return values, (generator.random(count) < odds).astype(np.int8)


def matched(candidates: Floats, rows: Floats) -> int:
    """How many of the rows (n x d) one of the candidates (m x d) is, in every column."""
    if not len(candidates):
        return 0
    near = np.abs(rows[:, None, :] - candidates[None, :, :]).max(axis=2) < _NEAR
    return int(near.any(axis=1).sum())


def single_rows(rows: Floats, labels: Labels, kind: str) -> Floats:
    """The textbook: every row's own gradient is seen; what it gives (m x d)."""
    found = [
        quotients(_gradient(row, int(label), kind), kind) for row, label in zip(rows, labels, strict=True)
    ]
    return np.concatenate(found)


def quotients(vector: Floats, kind: str) -> Floats:
    """Candidates (m x d): the change of each first-layer unit's weights over that of its bias, where any."""
    units = _UNITS[kind]
    weights = vector[: units * _COLUMNS].reshape(units, _COLUMNS)
    biases = vector[units * _COLUMNS : units * (_COLUMNS + 1)]
    moved = np.abs(biases) > _STILL
    return np.asarray(weights[moved] / biases[moved][:, None])


def _network(kind: str, party: str) -> nn.Module:
    return build(_MODELS[kind], _COLUMNS, (), seed=7, approved={}, party=party)


def _gradient(row: Floats, label: int, kind: str) -> Floats:
    """The gradient of one row's loss at the first values, in the order in which a vector has them."""
    network = _network(kind, "victim").eval()
    example = _examples(row[None], np.array([label], dtype=np.int8))
    logits = network(example.numeric, example.codes)
    loss = nn.functional.binary_cross_entropy_with_logits(logits, example.labels)
    loss.backward()  # type: ignore[no-untyped-call]
    parts = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
    return np.asarray(torch.cat(parts).numpy().astype(np.float64))


def _update(member: PartyId, kind: str, rows: Floats, labels: Labels) -> Floats:
    """What a member puts into the first sum: its change after a round, cut to the plan's norm."""
    network, plan = _network(kind, member), Training(rounds=1)
    examples = Private(_examples(rows, labels))
    trainer = LocalTrainer(member, _MODELS[kind], network, plan, examples, seed=key_of(0, member))
    start = trainer.layout.read(_network(kind, member))
    return clip_norm(trainer.run(start, 1).delta.open_locally(), Sum().clip)


def _examples(rows: Floats, labels: Labels) -> Examples:
    return Examples.of(Encoded(rows.astype(np.float32), np.zeros((len(rows), 0), dtype=np.int64)), labels)
