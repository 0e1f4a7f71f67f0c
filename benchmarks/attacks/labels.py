"""Outcomes of training rows, from what a party without them sees of a hidden logistic regression.

Gradients are sums over rows: each is an equation about the outcomes. With batches that are drawn anew in
every epoch the equations grow without end, and the outcomes are solved for (Liu et al., arXiv 2112.05409; Tan
et al., arXiv 2205.04166); over all rows at once they stay d. One row's residual is its outcome.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.attacks.figures import Control, Estimate, Found, area, best_area
from benchmarks.attacks.setting import Setting
from benchmarks.attacks.vertical import GradientView, VerticalRun
from benchmarks.leakage import attacks
from benchmarks.leakage.attacks import Cells, Floats, Labels
from crypto.sealed import Words64
from federation.ids import PartyId

CONTROL = "T-LEAK-LABEL"
#: What the control allows beyond what a party's own columns tell.
MARGIN = 0.02
_BATCH, _RATE = 64, 0.1
#: How far from a half an area may be where nothing is to be found: more than three standard errors.
_CHANCE = 0.12


@dataclass(frozen=True, slots=True, repr=False)
class Batches:
    """What textbook training shows a party: the rows of each batch, its gradient sum and its own weights."""

    rows: list[Cells]
    gradients: list[Floats]
    thetas: list[Floats]


def attack(setting: Setting) -> Iterator[Found]:
    """From gradients and from what is opened of residuals, at every party without outcomes."""
    run = setting.vertical
    labels = run.labels[run.training]
    for party, view in run.views.items():
        known = area(labels, attacks.baseline(view.own, labels, setting.seed)).value
        yield _gradients(setting, run, party, known)
        if view.opened:
            yield _residuals(setting, party, view, labels, known)


# -- residuals -------------------------------------------------------------------------------------------


def _residuals(setting: Setting, party: PartyId, view: GradientView, labels: Labels, known: float) -> Found:
    plain = area(labels, labels - labels.mean())
    opened = area(labels, -centred(view.opened[0], view.modulus))
    other = np.random.default_rng(setting.seed).permutation(labels)
    nothing = area(other, -centred(view.opened[-1], view.modulus))
    return Found(
        "labels",
        "residual sign",
        CONTROL,
        f"{party}: what the helper opens of each row",
        "auc",
        plain if setting.weakened else opened,
        known,
        known + MARGIN,
        setting.seed,
        Control(plain.value, plain.value == 1.0, "residuals in the clear"),
        chance(nothing, "outcomes of other rows"),
        "the sign and size of each row's residual, as the helper opens it behind a uniform share",
        setting.weakened,
    )


def centred(words: Words64, modulus: int) -> Floats:
    """Residues (n,) as numbers about zero."""
    values = words.astype(np.float64)
    return np.asarray(np.where(values > modulus / 2, values - modulus, values))


# -- gradients -------------------------------------------------------------------------------------------


def _gradients(setting: Setting, run: VerticalRun, party: PartyId, known: float) -> Found:
    view, labels = run.views[party], run.labels[run.training]
    setting.say(f"solving {party}'s gradients for outcomes")
    rows = np.random.default_rng(setting.seed).permutation(len(labels))[: setting.size.textbook_rows]
    textbook = _textbook(run, party, rows, setting.size.epochs, setting.seed)
    solved = area(labels[rows], solve(view.columns[rows], textbook, float(labels[rows].mean())))
    scores = from_full_batches(view, float(labels.mean()))
    other = np.random.default_rng(setting.seed).permutation(labels)
    return Found(
        "labels",
        "gradients",
        CONTROL,
        f"{party}: {len(view.gradients)} gradients over {view.columns.shape[1]} columns",
        "auc",
        solved if setting.weakened else best_area(labels, scores),
        known,
        known + MARGIN,
        setting.seed,
        Control(
            solved.value,
            solved.value > 0.99,
            f"batches of {_BATCH} drawn anew in each of {setting.size.epochs} epochs",
        ),
        chance(best_area(other, scores), "outcomes of other rows"),
        "the best of five ways to solve gradients for outcomes; lower with limits.equations_per_row = 0.004",
        setting.weakened,
    )


def from_full_batches(view: GradientView, share: float) -> list[Floats]:
    """Scores (n,) from gradients over all rows: the whole system, and `attacks.gradient_stack`'s ways."""
    shorter = attacks.gradient_stack(view.columns, view.gradients, view.thetas)
    return [_solve_full(view, share), *shorter.values()]


def _solve_full(view: GradientView, share: float) -> Floats:
    """As `solve`, of T gradients over the same rows: the system then has rank d, and is solved so."""
    columns, offset = view.columns, np.log(share / (1 - share))
    guessed = 1 / (1 + np.exp(-(columns @ view.thetas.T + offset)))
    right = columns.T @ guessed.sum(axis=1) - len(columns) * view.gradients.sum(axis=0)
    matrix = len(view.gradients) * columns.T @ columns
    matrix[np.diag_indices(len(matrix))] += 1e-6 * np.trace(matrix) / len(columns)
    return np.asarray(columns @ np.linalg.solve(matrix, right))


def solve(columns: Floats, seen: Batches, share: float) -> Floats:
    """Outcomes (n,) of least norm that give all of the gradients. columns: n x d.

    The other parties' logits are not known: each row's is taken to be the log odds of `share`, of all rows.
    """
    rows = len(columns)
    offset = np.log(share / (1 - share))
    matrix, right = np.zeros((rows, rows)), np.zeros(rows)
    for batch, gradient, theta in zip(seen.rows, seen.gradients, seen.thetas, strict=True):
        own = columns[batch]
        guessed = 1 / (1 + np.exp(-(own @ theta + offset)))
        matrix[np.ix_(batch, batch)] += own @ own.T
        right[batch] += own @ (own.T @ guessed - gradient)
    matrix[np.diag_indices(rows)] += 1e-6 * np.trace(matrix) / rows
    return np.asarray(np.linalg.solve(matrix, right))


def _textbook(run: VerticalRun, party: PartyId, rows: Cells, epochs: int, seed: int) -> Batches:
    """Gradient descent in batches that are drawn anew, each party told the sums over its own columns.

    That everything else is encrypted changes nothing of what the party sees, so nothing is.
    """
    own, rest = run.views[party].columns[rows], run.encoded[run.label][run.training][rows]
    labels = run.labels[run.training][rows].astype(np.float64)
    generator = np.random.default_rng(seed)
    mine, theirs = np.zeros(own.shape[1]), np.zeros(rest.shape[1])
    start = np.log(labels.mean() / (1 - labels.mean()))
    seen = Batches([], [], [])
    for _ in range(epochs):
        order = generator.permutation(len(rows))
        for batch in np.array_split(order, max(1, len(rows) // _BATCH)):
            logits = own[batch] @ mine + rest[batch] @ theirs + start
            residual = 1 / (1 + np.exp(-logits)) - labels[batch]
            gradient = own[batch].T @ residual
            seen.rows.append(batch)
            seen.gradients.append(gradient)
            seen.thetas.append(mine.copy())
            mine -= _RATE * gradient / len(batch)
            theirs -= _RATE * rest[batch].T @ residual / len(batch)
    return seen


def chance(found: Estimate, told: str) -> Control:
    """The negative control of an area that took the best of several ways."""
    return Control(found.value, abs(found.value - 0.5) < _CHANCE, told)
