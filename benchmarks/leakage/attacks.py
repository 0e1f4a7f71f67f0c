"""Inferring the outcomes of training rows: from sums, from gradients, and from which rows share a node.

Each attack gives a score for every row, higher for rows that it takes to be bad. Whoever measures knows the
outcomes and reports the AUC.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import minimize
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
#: The cell of every row in each of several partitions of the rows, or its bin in each column: n x p.
Cells = npt.NDArray[np.int64]

_FOLDS = 5
#: Directions that an attacker without outcomes looks along, and that one with a few takes as columns.
_COMPONENTS, _FEW = 3, 8
_C_OF_FEW = 0.1
_INVERSE_PENALTIES = (0.01, 0.1)


def auc(labels: Labels, scores: Floats) -> float:
    """The share of pairs of a bad and a good row that the scores order rightly; 0.5 for no information."""
    return float(roc_auc_score(labels, scores))


def one_hot(cells: Cells) -> sparse.csr_matrix:
    """n x (all cells of all partitions): ones where a row is in a cell."""
    if not cells.shape[1]:
        return sparse.csr_matrix((len(cells), 0))
    columns, start = [], 0
    for column in cells.T:
        _, codes = np.unique(column, return_inverse=True)
        columns.append(codes + start)
        start += int(codes.max()) + 1
    rows = np.repeat(np.arange(len(cells)), cells.shape[1])
    ones = np.ones(cells.size)
    return sparse.csr_matrix((ones, (rows, np.stack(columns, axis=1).ravel())), shape=(len(cells), start))


# -- with every outcome: what the columns, or a view, are worth at most ------------------------------


def baseline(columns: Cells, labels: Labels, seed: int) -> Floats:
    """What a party could do with its own columns if it were given the outcomes of all other rows: each row
    scored by a model that has not seen it, the best of boosted trees and logistic regressions of bins."""
    hot = one_hot(columns)
    found = [_cross_fitted(_model(seed), columns.astype(np.float64), labels, seed)]
    found += [
        _cross_fitted(LogisticRegression(C=c, max_iter=1000), hot, labels, seed) for c in _INVERSE_PENALTIES
    ]
    return max(found, key=lambda scores: auc(labels, scores))


def ceiling(columns: Cells, cells: Cells, labels: Labels, seed: int) -> Floats:
    """The same with the view beside the own columns: the share of bads among the other rows of each row's
    cells. No attacker has so many outcomes; it is what the view holds, not what can be had from it."""
    scores = np.zeros(len(labels))
    for fitted, left_out in _folds(labels, seed):
        inner = np.zeros((len(labels), cells.shape[1]))
        for one, other in _folds(labels[fitted], seed + 1):
            inner[fitted[other]] = _shares(cells, fitted[one], labels, fitted[other])
        inner[left_out] = _shares(cells, fitted, labels, left_out)
        both = np.hstack([columns.astype(np.float64), inner])
        model = _model(seed).fit(both[fitted], labels[fitted])
        scores[left_out] = model.decision_function(both[left_out])
    return scores


def _shares(cells: Cells, known: Cells, labels: Labels, rows: Cells) -> Floats:
    """The log odds of bad among the `known` rows of each of the `rows`' cells, half a row added to each."""
    found = np.zeros((len(rows), cells.shape[1]))
    for at, column in enumerate(cells.T):
        _, codes = np.unique(column, return_inverse=True)
        bad, good = (
            np.bincount(codes[known], weights=each, minlength=codes.max() + 1)
            for each in (labels[known], 1 - labels[known])
        )
        found[:, at] = np.log((bad + 0.5) / (good + 0.5))[codes[rows]]
    return found


def _cross_fitted(model: Any, columns: Any, labels: Labels, seed: int) -> Floats:
    scores = np.zeros(len(labels))
    for fitted, left_out in _folds(labels, seed):
        fit = model.fit(columns[fitted], labels[fitted])
        scores[left_out] = fit.decision_function(columns[left_out])
    return scores


def _model(seed: int) -> HistGradientBoostingClassifier:
    """Small trees in small steps: with a few thousand rows, larger ones learn the rows by heart."""
    return HistGradientBoostingClassifier(
        max_iter=100,
        learning_rate=0.05,
        max_leaf_nodes=6,
        min_samples_leaf=50,
        l2_regularization=1.0,
        random_state=seed,
    )


def _folds(labels: Labels, seed: int) -> list[tuple[Cells, Cells]]:
    return list(StratifiedKFold(_FOLDS, shuffle=True, random_state=seed).split(labels, labels))


# -- from counts of bads in bins -----------------------------------------------------------------------


def naive_bayes(bins: Cells, counts: Sequence[Floats]) -> Floats:
    """The sum of each row's WOE, bad over good. counts[f]: bads and goods of column f's bins, bins x 2."""
    scores = np.zeros(len(bins))
    for column, count in zip(bins.T, counts, strict=True):
        bad, good = (count + 0.5).T
        scores += np.log(bad / good)[column]
    return scores


def counts_from_woe(bins: Cells, woe: Sequence[Floats], share: float) -> list[Floats]:
    """The counts that rounded WOE stand for: bads and goods of column f's bins, bins x 2, by `share`, that of
    the bads among all rows. WOE = ln(goods G / bads B), so the odds of bad in a bin are those of all rows
    times exp(-WOE); where the rounding leaves less than half a row, whole numbers are the counts themselves.
    """
    found = []
    for column, values in zip(bins.T, woe, strict=True):
        rows = np.bincount(column, minlength=len(values)).astype(np.float64)
        odds = share / (1 - share) * np.exp(-values)
        bad = np.round(rows * odds / (1 + odds))
        found.append(np.stack([bad, rows - bad], axis=1))
    return found


def logistic_from_sums(rows: sparse.csr_matrix, sums: Floats, l2: float) -> Floats:
    """The logits of the logistic regression that has these sums X'y of bads: all that a fit needs of y.

    So whoever is told the bads of its own bins can fit the model of its own bins. The intercept is the
    columns' affair: one-hot columns hold it.
    """

    def loss(weights: Floats) -> tuple[float, Floats]:
        logits = rows @ weights
        value = np.logaddexp(0, logits).sum() - weights @ sums + l2 / 2 * weights @ weights
        return float(value), np.asarray(rows.T @ (1 / (1 + np.exp(-logits))) - sums + l2 * weights)

    found = minimize(loss, np.zeros(rows.shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    return np.asarray(rows @ found.x)


# -- from gradients over the iterations ----------------------------------------------------------------


def gradient_stack(columns: Floats, gradients: Floats, thetas: Floats) -> dict[str, Floats]:
    """Scores from T gradients X'(p - y) / n of an own block X (n x d), at T own coefficients (T x d).

    Each is d equations about n residuals; of the unknown rest of each logit nothing is known but that it is
    the same for no two parties. `least_squares` takes the first gradient, at which all logits are equal, and
    the outcomes of least norm that give it; `stacked` the mean of all gradients, ridge; `with_prior` takes
    off what the own logits explain of each residual first; `moving` takes the change from first to last.
    """
    rows = len(columns)
    gram = columns.T @ columns

    def least_norm(gradient: Floats, ridge: float) -> Floats:
        return np.asarray(columns @ np.linalg.solve(gram + ridge * np.eye(len(gram)), rows * gradient))

    own = 1 / (1 + np.exp(-(columns @ thetas.T)))
    explained = own - own.mean(axis=0)
    rests = [g - columns.T @ p / rows for g, p in zip(gradients, explained.T, strict=True)]
    return {
        "least_squares": -least_norm(gradients[0], 1e-6 * rows),
        "stacked": -least_norm(gradients.mean(axis=0), 0.01 * rows),
        "with_prior": -np.mean([least_norm(rest, 1.0) for rest in rests], axis=0),
        "moving": least_norm(gradients[-1] - gradients[0], 1e-6 * rows),
    }


# -- from which rows share a node ----------------------------------------------------------------------


def spectral(cells: Cells) -> list[Floats]:
    """Without an outcome: the directions along which rows that share nodes lie together, each both ways.

    Which of them tells outcomes, and which way, the attacker must guess.
    """
    return [sign * each for each in _directions(cells, _COMPONENTS).T for sign in (1.0, -1.0)]


def known_few(columns: Cells, cells: Cells, labels: Labels, known: Cells) -> Floats:
    """With the outcomes of the rows `known`: logistic regression on directions of the shared nodes and on
    those of the own bins. Without cells: the own columns alone."""
    if len(set(labels[known].tolist())) < 2:
        return np.zeros(len(labels))
    parts = [_directions(each, _FEW) for each in (columns, cells) if each.shape[1]]
    rows = np.hstack([part / np.maximum(part.std(axis=0), 1e-12) for part in parts])
    model = LogisticRegression(C=_C_OF_FEW, max_iter=1000)
    return np.asarray(model.fit(rows[known], labels[known]).decision_function(rows))


def _directions(cells: Cells, most: int) -> Floats:
    """n x `most`: the principal components of the cells' indicators, each weighted by the square root of its
    rarity, so that rows count as near that share rare cells; the strongest first."""
    hot = one_hot(cells)
    weighted = (hot @ sparse.diags(1 / np.sqrt(np.asarray(hot.sum(axis=0)).ravel()))).toarray()
    centred = weighted - weighted.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    return np.asarray(centred @ vectors[:, values.argsort()[::-1][:most]])


# -- at the label party --------------------------------------------------------------------------------


def linked(sums: Floats, column: Cells) -> dict[str, float]:
    """How well the sums of anonymous candidates (C x values) tell which share a column.

    nearest: the share of candidates whose nearest other one is of their column; chance: the same for a random
    other one; pairs_auc: how often two of one column are nearer than two of different columns.
    """
    scaled = (sums - sums.mean(axis=0)) / np.maximum(sums.std(axis=0), 1e-12)
    squares = (scaled**2).sum(axis=1)
    distance = squares[:, None] + squares[None, :] - 2 * scaled @ scaled.T
    same = column[:, None] == column[None, :]
    apart = ~np.eye(len(column), dtype=np.bool_)
    pairs = np.triu(apart)
    np.fill_diagonal(distance, np.inf)
    return {
        "nearest": float(same[np.arange(len(column)), distance.argmin(axis=1)].mean()),
        "chance": float(same[apart].mean()),
        "pairs_auc": auc(same[pairs].astype(np.int8), -distance[pairs]),
    }
