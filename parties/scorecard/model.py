"""What a party keeps of a scorecard: its bins, their coefficients and points. Files of mode 0600."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto.private import Private
from federation.ids import PartyId, RunId
from parties.binning.book import BinningBook
from parties.features.saved import finite
from parties.model_folder import SavedModel, load, reading
from parties.scorecard.points import Scale, Units, total
from parties.scorecard.reasons import ReasonText
from parties.selection.filters import LeftOut
from parties.selection.stepwise import Action
from parties.selection.wald import Coefficient

KIND = "scorecard"
REASONS = "reasons.json"


@dataclass(frozen=True, slots=True)
class ColumnStep:
    """A step of stepwise selection with one of a party's own columns: its number among all parties' steps,
    what was done, the change of twice the log likelihood, and the p-value of that change."""

    number: int
    column: str
    action: Action
    change: float
    p: float


@dataclass(frozen=True, slots=True, repr=False)
class ScorecardPart:
    """One party's part: a table, a coefficient and the points of each bin for each of its columns.

    `coefficients`: log odds of bad for a WOE of 1, so below 0 where the column says what its bins say.
    `points`: in units of 10^-decimals. `intercept` and its points `base` are held by the label party alone.
    `left_out`: tables of the columns that do not train, and `why`. With a plan that asks for them, `tests`
    has standard error and p-value of each coefficient, `steps` the own columns that selection moved.
    """

    run: RunId
    party: PartyId
    plan_digest: str
    scale: Scale
    book: BinningBook
    left_out: BinningBook
    coefficients: tuple[float, ...]
    points: tuple[tuple[int, ...], ...]
    intercept: float | None
    base: int | None
    reasons: tuple[ReasonText, ...]
    iterations: int
    converged: bool | None
    why: tuple[LeftOut, ...] = ()
    tests: tuple[Coefficient, ...] = ()
    steps: tuple[ColumnStep, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns with points, in the order of their reason codes."""
        return tuple(table.column for table in self.book.tables)

    @property
    def wrong_signs(self) -> tuple[str, ...]:
        """Columns whose coefficient contradicts their bins: others say the same, and say it better."""
        pairs = zip(self.columns, self.coefficients, strict=True)
        return tuple(column for column, coefficient in pairs if coefficient > 0)

    def units(self, codes: Private[npt.NDArray[np.uint8]]) -> Private[Units]:
        """This party's points of each row, in units, from its bins (n x d); the intercept's included."""
        return Private(total(codes.open_locally(), self.points) + (self.base or 0))

    def save(self, round_folder: Path, shared: Mapping[str, bytes]) -> str:
        """Write the part's folder, with what other parties shared by file; its hash."""
        content = {
            "scale": self.scale.to_dict(),
            "book": self.book.to_dict(),
            "left_out": self.left_out.to_dict(),
            "coefficients": list(self.coefficients),
            "points": [list(column) for column in self.points],
            "intercept": self.intercept,
            "base": self.base,
            "iterations": self.iterations,
            "converged": self.converged,
            "why": [asdict(each) for each in self.why],
            "tests": [each.as_dict() for each in self.tests],
            "steps": [asdict(each) for each in self.steps],
        }
        texts = json.dumps([asdict(reason) for reason in self.reasons], ensure_ascii=False, indent=1).encode()
        beside = {REASONS: texts, **shared}
        return SavedModel(KIND, self.run, self.party, self.plan_digest, content, beside).save(round_folder)

    @staticmethod
    def load(round_folder: Path) -> ScorecardPart:
        """The saved part, bit for bit; `UsageError` when there is none."""
        saved = load(round_folder, KIND)
        with reading(round_folder):
            part = saved.part
            return ScorecardPart(
                saved.run,
                saved.party,
                saved.plan_digest,
                _scale(part["scale"]),
                BinningBook.from_dict(part["book"]),
                BinningBook.from_dict(part["left_out"]),
                tuple(finite(each) for each in part["coefficients"]),
                tuple(tuple(_whole(each) for each in column) for column in part["points"]),
                None if part["intercept"] is None else finite(part["intercept"]),
                None if part["base"] is None else _whole(part["base"]),
                tuple(ReasonText(**each) for each in json.loads(saved.beside[REASONS])),
                _whole(part["iterations"]),
                part["converged"],
                tuple(LeftOut(str(each["column"]), str(each["reason"])) for each in part["why"]),
                tuple(_test(each) for each in part["tests"]),
                tuple(ColumnStep(**each) for each in part["steps"]),
            )

    def __repr__(self) -> str:
        return f"ScorecardPart({self.run}, {self.party})"


def _scale(saved: Mapping[str, Any]) -> Scale:
    return Scale(
        finite(saved["base_score"]),
        finite(saved["base_odds"]),
        finite(saved["pdo"]),
        _whole(saved["decimals"]),
    )


def _test(saved: Mapping[str, Any]) -> Coefficient:
    others = (None if saved[name] is None else finite(saved[name]) for name in ("standard_error", "z", "p"))
    return Coefficient(finite(saved["estimate"]), *others)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("not a whole number")
    return value
