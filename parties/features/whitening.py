"""Whitening: a party's own features turned so that they are uncorrelated and of variance 1.

Training in these directions converges in a few iterations whatever the columns' scales and overlaps. The
turn is the party's own: it needs no other party's columns and is told to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crypto.errors import UsageError
from parties.features.support import Floats

#: Directions with less than this share of the largest variance are dropped: they are repetitions
#: (the levels of one column add up to 1) and rounding, and whitening would blow them up.
FLOOR = 1e-6


@dataclass(frozen=True, slots=True, repr=False)
class Whitening:
    """The matrix `w` (d x r), r <= d, with (Z w)' (Z w) / n = I on the rows it was fitted on.

    `repr` shows nothing: the matrix is computed from rows.
    """

    w: Floats

    @classmethod
    def fit(cls, z: Floats, floor: float = FLOOR) -> Whitening:
        """Fit on the standardised training rows `z` (n x d), by the eigenvectors of z'z / n.

        Eigenvalues below `floor` times the largest are dropped. Raises `UsageError` where a cell is not a
        finite number or nothing is left.
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
        return cls(np.ascontiguousarray(w))

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
