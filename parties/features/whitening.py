"""Whitening: a party's own features turned so that they are uncorrelated and of variance 1.

Training in these directions converges in a few iterations whatever the columns' scales and overlaps. The
turn is the party's own: it needs no other party's columns and is told to nobody.

A gradient is a sum of residuals over all rows under each direction, so whoever has the directions has the
sum under every combination of them. Each feature stands on many rows (`support`), a combination need not: two
columns that differ in one row have a difference that is that row alone, and its sum is that row's residual.
To a party without labels that is the label, to the label party the others' part of a training row's logit. So
directions that one row has nearly to itself are left out (`MOST_OF_ONE_ROW`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crypto.errors import UsageError
from parties.features.support import Floats

#: Directions with less than this share of the largest variance are dropped: they are repetitions
#: (the levels of one column add up to 1) and rounding, and whitening would blow them up.
FLOOR = 1e-6

#: The largest leverage of a training row: the share that the row alone has of the sum of squares of the
#: combination of features that favours it most (Hoaglin and Welsch, The American Statistician 32, 1978). At 1
#: that combination is the row; at h the best linear guess at its residual from the gradient has a variance of
#: noise of (1 - h) / h residual variances. More directions than a quarter of the rows always exceed it.
MOST_OF_ONE_ROW = 0.25


@dataclass(frozen=True, slots=True, repr=False)
class Whitening:
    """The matrix `w` (d x r), r <= d, with (Z w)' (Z w) / n = I on the rows it was fitted on, none of which
    has a leverage above `MOST_OF_ONE_ROW` in Z w.

    `repr` shows nothing: the matrix is computed from rows.
    """

    w: Floats

    @classmethod
    def fit(cls, z: Floats, floor: float = FLOOR) -> Whitening:
        """Fit on the standardised training rows `z` (n x d), by the eigenvectors of z'z / n.

        Eigenvalues below `floor` times the largest are dropped, and so is any direction that a single row
        has nearly to itself. Raises `UsageError` where a cell is not a finite number or nothing is left.
        """
        if z.ndim != 2 or 0 in z.shape or not np.isfinite(z).all():
            raise UsageError(
                "the features to be whitened are not a matrix of finite numbers with rows and columns",
                advice="Encode the table with FeatureSpec first; it refuses what cannot be trained on.",
            )
        variances, directions = np.linalg.eigh(z.T @ z / len(z))
        kept = variances > max(floor * variances[-1], np.finfo(np.float64).tiny)
        if not kept.any():
            raise UsageError(
                "every feature is constant on the training rows", advice="Give columns that differ."
            )
        # Largest first, and each with its largest entry positive: eigenvectors leave order and sign open.
        w = (directions[:, kept] / np.sqrt(variances[kept]))[:, ::-1]
        w = w * np.sign(w[np.abs(w).argmax(axis=0), np.arange(w.shape[1])])
        return cls(np.ascontiguousarray(_spread(z @ w, w)))

    @property
    def rank(self) -> int:
        """r: how many directions are trained; the equations spent on this party in each iteration."""
        return int(self.w.shape[1])

    def apply(self, z: Floats) -> Floats:
        """Standardised rows (n x d) in whitened directions (n x r)."""
        whitened: Floats = z @ self.w
        return whitened

    def unwhiten(self, theta: Floats) -> Floats:
        """Coefficients (d,) over standardised features for `theta` (r,): z (w theta) = (z w) theta.

        Of the coefficients that give the same scores, these are the shortest.
        """
        coefficients: Floats = self.w @ theta
        return coefficients

    def penalty(self, l2: float) -> Floats:
        """The matrix P (r x r) with theta' P theta = l2 * |unwhiten(theta)|^2.

        So the optimum over theta is that of ridge regression over the standardised features.
        """
        matrix: Floats = l2 * (self.w.T @ self.w)
        return matrix


def _spread(x: Floats, w: Floats) -> Floats:
    """`w` without the directions in which one row of `x` = z w (n x r) stands nearly alone.

    Row i's leverage is |x_i|^2 / n, and x_i is the direction that favours it most. Turning that into the
    first column (a Householder reflection) and leaving it out leaves the row a leverage of 0.
    """
    leverages = np.square(x).sum(axis=1) / len(x)
    while leverages[row := int(leverages.argmax())] > MOST_OF_ONE_ROW:
        if x.shape[1] == 1:
            raise UsageError(
                "every combination of the features stands on a few training rows alone",
                advice="Give more rows, or fewer columns.",
            )
        turn = x[row] / np.linalg.norm(x[row])
        turn[0] += np.copysign(1.0, turn[0])
        turn /= np.linalg.norm(turn)
        x, w = ((each - np.outer(2 * (each @ turn), turn))[:, 1:] for each in (x, w))
        leverages = np.square(x).sum(axis=1) / len(x)
    return w
