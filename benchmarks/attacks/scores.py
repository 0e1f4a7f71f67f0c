"""Another party's columns, from the scores that the label party is told.

A whole logit less the label party's own part is the sum of the others' parts: one equation for each row. Who
knows the others' weights solves it exactly where one column is unknown, and no better than by guessing where
more are (Luo et al., ICDE 2021). The product tells logits to 2^-32, so its rounding protects nobody: the
number of columns does.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.attacks.figures import Control, Estimate, Floats, Found, rate
from benchmarks.attacks.setting import Setting
from benchmarks.attacks.vertical import VerticalRun
from federation.ids import PartyId

CONTROL = "T-LEAK-SCORE"
MARGIN = 0.01
#: A value counts as found that is as near as this, in standard deviations of its column.
_NEAR = 1e-3


def attack(setting: Setting) -> Iterator[Found]:
    """Every column of every other party, of the rows whose scores were opened; weights taken as known."""
    run = setting.vertical
    setting.say("solving opened scores for columns")
    told = run.scores - own_part(run)
    others = [party for party in run.encoded if party != run.label]
    for party in others:
        values, weights = run.encoded[party][~run.training], run.weights[party]
        rest = sum(
            (run.encoded[p][~run.training].mean(axis=0) @ run.weights[p] for p in others if p != party), 0.0
        )
        known, typical = np.flatnonzero(np.abs(weights) > 1e-9), np.median(run.encoded[party], axis=0)
        found = solved(told - rest, weights, typical)
        yield _found(setting, run, party, values[:, known], found[:, known], typical[known])


def own_part(run: VerticalRun) -> Floats:
    """What the label party knows of each opened logit."""
    return np.asarray(run.encoded[run.label][~run.training] @ run.weights[run.label] + run.intercept)


def solved(logits: Floats, weights: Floats, typical: Floats) -> Floats:
    """Values (n x d) nearest to the typical ones that give these parts of the logits (n,)."""
    missing = logits - typical @ weights
    return np.asarray(typical + np.outer(missing, weights / (weights @ weights)))


def exact(found: Floats, values: Floats) -> Estimate:
    """The share of cells that are found, to a thousandth of the column's spread."""
    near = np.abs(found - values) < _NEAR * np.maximum(values.std(axis=0), 1e-12)
    return rate(int(near.sum()), near.size)


def _found(
    setting: Setting, run: VerticalRun, party: PartyId, values: Floats, found: Floats, typical: Floats
) -> Found:
    alone = _one_column(run, party)
    guessed = exact(np.broadcast_to(_commonest(values), values.shape), values).value
    other = np.random.default_rng(setting.seed).permutation(values)
    nothing = exact(found, other)
    return Found(
        "scores",
        "columns from opened scores",
        CONTROL,
        f"{run.label}: {len(values)} whole logits, {values.shape[1]} columns of {party} unknown",
        "rate",
        alone if setting.weakened else exact(found, values),
        guessed,
        guessed + MARGIN,
        setting.seed,
        Control(alone.value, alone.value == 1.0, f"the same logits, all columns of {party} but one known"),
        Control(nothing.value, nothing.value <= guessed + MARGIN, "the columns of other rows"),
        "the share of cells found exactly from a row's logit, by a label party that knows the weights",
        setting.weakened,
    )


def _one_column(run: VerticalRun, party: PartyId) -> Estimate:
    """Where the attacker knows all columns but the one with the largest weight: one equation, one unknown."""
    unseen = ~run.training
    at = int(np.abs(run.weights[party]).argmax())
    rest = [run.encoded[p][unseen] @ run.weights[p] for p in run.encoded if p not in (party, run.label)]
    values, weight = run.encoded[party][unseen], run.weights[party]
    known = (
        own_part(run) + sum(rest, np.zeros(len(values))) + np.delete(values, at, 1) @ np.delete(weight, at)
    )
    return exact(((run.scores - known) / weight[at])[:, None], values[:, [at]])


def _commonest(values: Floats) -> Floats:
    """The most frequent value of each column (d,)."""
    found = []
    for column in values.T:
        each, times = np.unique(column, return_counts=True)
        found.append(each[times.argmax()])
    return np.array(found)
