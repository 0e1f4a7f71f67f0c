"""Labels and scores, checked once before anything is computed from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crypto.codes import Code
from crypto.errors import UsageError

#: The quantile of a two-sided 95 % normal interval.
Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Labelled:
    """Rows that can be evaluated: both classes present, every score finite, worst first on request.

    `label` is int64 of 0 and 1, `score` float64, both of length n. `repr` shows neither: they are rows.
    """

    label: NDArray[np.int64]
    score: NDArray[np.float64]

    def __repr__(self) -> str:
        return "Labelled(...)"

    @property
    def n(self) -> int:
        """How many rows there are."""
        return int(self.label.size)

    @property
    def bad(self) -> int:
        """How many of the rows defaulted."""
        return int(self.label.sum())

    def by_score(self) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """The distinct scores in ascending order, and how many bad and good rows hold each.

        Rows of equal score are one step of every curve, so no curve depends on the order of the rows.
        """
        values, place = np.unique(self.score, return_inverse=True)
        bad = np.bincount(place[self.label == 1], minlength=values.size)
        every = np.bincount(place, minlength=values.size)
        return values, bad.astype(np.int64), (every - bad).astype(np.int64)


def labelled(label: ArrayLike, score: ArrayLike, *, where: ArrayLike | None = None) -> Labelled:
    """Check `label` against `score` and keep the rows where `where` is true (all, when it is None).

    Raises `UsageError` for shapes that differ, labels other than 0 and 1, a score that is not a finite
    number, a mask that is not boolean, and for fewer than two rows of either class: with one, no error
    of an AUC can be estimated.
    """
    labels = _numbers(label, "label")
    scores = _numbers(score, "score")
    if labels.shape != scores.shape:
        raise UsageError(
            f"there are {labels.size} labels and {scores.size} scores",
            advice="Give one score for every label, in the same order.",
        )
    if where is not None:
        mask = np.asarray(where)
        if mask.dtype != np.bool_ or mask.shape != labels.shape:
            raise UsageError(
                "the subset is not a boolean mask over the rows",
                advice="Give one true or false for every row.",
            )
        labels, scores = labels[mask], scores[mask]
    _check_values(labels, scores)
    return Labelled(labels.astype(np.int64), scores)


def smallest(size: ArrayLike, share: float = 0.25) -> NDArray[np.bool_]:
    """A mask of the firms whose `size` lies at or below its `share` quantile; ties at it are included.

    A firm of unknown size (NaN) is not among the smallest: nobody knows that it is.
    Raises `UsageError` where `share` is outside (0, 1] or no size is known.
    """
    if not 0 < share <= 1:
        raise UsageError(
            "the share of smallest firms is not between 0 and 1", advice="Give 0.25, for instance."
        )
    sizes = np.asarray(size, dtype=np.float64)
    known = ~np.isnan(sizes)
    if sizes.ndim != 1 or not known.any():
        raise UsageError("no firm's size is known", advice="Leave out the part about the smallest firms.")
    limit = np.quantile(sizes[known], share, method="inverted_cdf")
    mask: NDArray[np.bool_] = known & (sizes <= limit)
    return mask


def _numbers(values: ArrayLike, name: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        # `from None`: numpy's own message quotes the value it could not read.
        raise UsageError(
            f"a {name} is not a number", field=name, advice="Give an array of numbers."
        ) from None
    if array.ndim != 1:
        raise UsageError(
            f"the {name} array has {array.ndim} dimensions", field=name, advice="Give a flat array."
        )
    return array


def _check_values(labels: NDArray[np.float64], scores: NDArray[np.float64]) -> None:
    if not np.isin(labels, (0.0, 1.0)).all():
        raise UsageError(
            "a label is neither 0 nor 1",
            field="label",
            advice="Code a default as 1 and any other firm as 0.",
            code=Code.LABEL_NOT_BINARY,
        )
    unfit = int(np.count_nonzero(~np.isfinite(scores)))
    if unfit:
        raise UsageError(
            f"{unfit} of {scores.size} scores are not finite numbers",
            field="score",
            advice="Find out why they could not be scored; leaving them out would flatter the model.",
        )
    bad = int(labels.sum())
    good = int(labels.size) - bad
    if min(bad, good) == 0:
        raise UsageError(
            f"the {labels.size} rows are of one class only: a ranking needs defaults and other firms",
            field="label",
            advice="Evaluate on more rows, or on a longer observation period.",
            code=Code.LABEL_ONE_CLASS,
        )
    if min(bad, good) == 1:
        raise UsageError(
            "there is a single row of one class: the error of the AUC cannot be estimated",
            field="label",
            advice="Evaluate on more rows, or on a longer observation period.",
        )
