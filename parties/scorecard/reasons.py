"""Reason codes: what a declined firm may be told, and what its score lost by it.

A code is R-PARTY-NUMBER, the number of the column at the party that holds it. That party alone knows the
column; its texts, in English and Chinese, lie beside its model in reasons.json, which it may hand over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from federation.ids import PartyId
from parties.dataset import DatasetConfig

Whole = npt.NDArray[np.int64]

#: Without a cut-off in the plan this share of the opened test rows, the lowest scores, is explained.
LOWEST_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class ReasonText:
    """How one code is told."""

    code: str
    en: str
    zh: str


def code(party: str, column: int) -> str:
    """The code of a party's column, counted from 0."""
    return f"R-{party}-{column + 1}"


def reason_texts(columns: Sequence[str], dataset: DatasetConfig) -> tuple[ReasonText, ...]:
    """The codes of a party's own columns: its configured texts, or sentences with the column's name."""
    found = []
    for at, column in enumerate(columns):
        told = dataset.rules(column).reason
        english = told.get("en", f"{column} scores below the best value")
        found.append(ReasonText(code(dataset.party, at), english, told.get("zh", f"{column}未达到最优水平")))
    return tuple(found)


def declined(units: Whole, test: npt.NDArray[np.bool_], cutoff: float | None) -> npt.NDArray[np.bool_]:
    """Which of the opened rows are to be explained: test rows with a score below `cutoff` (in units), or
    without one those whose score is among the lowest tenth."""
    if not test.any():
        return np.zeros(len(test), dtype=np.bool_)
    if cutoff is not None:
        return np.asarray(test & (units < cutoff))
    return np.asarray(test & (units <= np.quantile(units[test], LOWEST_SHARE, method="inverted_cdf")))


@dataclass(frozen=True, slots=True, repr=False)
class Explained:
    """For m explained rows up to k reasons each, the largest loss first: whose column, which one, how many
    units it lost. `party` is a place in `parties`, or -1 where there is no further reason."""

    parties: tuple[str, ...]
    party: Whole  # m x k
    column: Whole
    lost: Whole

    @classmethod
    def merged(cls, found: Mapping[PartyId, tuple[Whole, Whole]], most: int) -> Explained:
        """From each party's columns and losses (m x k each); of equal losses the earlier party's is first."""
        names = tuple(found)
        columns, losses = (np.hstack([each[at] for each in found.values()]) for at in (0, 1))
        of = np.repeat(np.arange(len(names)), [each[0].shape[1] for each in found.values()])
        order = np.argsort(-losses, axis=1, kind="stable")[:, :most]
        lost = np.take_along_axis(losses, order, axis=1)
        party = np.where(lost > 0, of[order], -1)
        return cls(names, party, np.take_along_axis(columns, order, axis=1), lost)

    def codes(self, row: int) -> list[str]:
        """The codes of the row at that place."""
        return [
            code(self.parties[party], int(column))
            for party, column in zip(self.party[row], self.column[row], strict=True)
            if party >= 0
        ]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """For a file of arrays."""
        return {
            "parties": np.array(self.parties),
            "party": self.party,
            "column": self.column,
            "lost": self.lost,
        }

    @classmethod
    def from_arrays(cls, saved: Mapping[str, npt.NDArray[Any]]) -> Explained:
        """What `arrays` gave."""
        return cls(tuple(map(str, saved["parties"])), saved["party"], saved["column"], saved["lost"])
