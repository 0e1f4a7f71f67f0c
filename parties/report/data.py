"""Everything a report says, as plain data: what `--format json` prints is what the page shows.

The figures are computed from the labels, so the report belongs to the label party; the curves of a
small sample let a reader infer the order of single firms' scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from crypto.errors import UsageError
from parties.evaluation.calibration import Calibration
from parties.evaluation.delong import PairedDifference
from parties.evaluation.discrimination import Evaluation
from parties.evaluation.ks import KsCurve
from parties.report.credit import Credit


@dataclass(frozen=True, slots=True)
class Run:
    """What was run. `finished` is a date and time as text; `rows_evaluated` says which rows, in words.

    `generated`: the firms are made up, and the report says so first.
    """

    run_id: str
    plan_hash: str
    model: str
    label_party: str
    rows_evaluated: str
    finished: str
    generated: bool = False


@dataclass(frozen=True, slots=True)
class SmallestFirms:
    """The same comparison on the smallest firms; `who` says how they were chosen, in words."""

    who: str
    bank: Evaluation
    fused: Evaluation
    difference: PairedDifference


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One of the label party's own columns and its weight per standard deviation (log odds of default)."""

    column: str
    weight: float


@dataclass(frozen=True, slots=True)
class PointsBin:
    """A bin of a scorecard's column: what it holds, training firms and defaults in it, WOE, points."""

    name: str
    rows: int
    bad: int | None
    woe: float
    points: float


@dataclass(frozen=True, slots=True)
class PointsColumn:
    """One of the label party's own columns in a scorecard; `code` stands for it in reasons."""

    column: str
    code: str
    iv: float
    strength: str
    coefficient: float
    bins: tuple[PointsBin, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a firm was declined: a code, the points that it cost, a text where the label party has one."""

    code: str
    points_lost: float
    text: str | None


@dataclass(frozen=True, slots=True)
class Gain:
    """What the splits of one of the label party's columns (or of a party's) gained in boosted trees."""

    name: str
    gain: float


@dataclass(frozen=True, slots=True)
class HeldColumns:
    """How many columns a party brought. Their names are its own."""

    party: str
    columns: int


@dataclass(frozen=True, slots=True)
class RowCount:
    """Rows a party brought to the alignment; `exact` is false where the count was rounded before it left."""

    party: str
    rows: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Alignment:
    """What each party brought and how many rows all of them share."""

    brought: tuple[RowCount, ...]
    aligned: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Learned:
    """What one role learned, and what it did not, a sentence each."""

    role: str
    learned: tuple[str, ...]
    not_learned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOrganisation:
    """What left one organisation, in words a board member reads."""

    party: str
    text: str


@dataclass(frozen=True, slots=True)
class Sent:
    """What one role sent of one message type, over the whole run."""

    party: str
    message: str
    messages: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Step:
    """Elapsed seconds of one step of the run, as the label party saw it."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Processor seconds (user and system) that one role used."""

    role: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Version:
    """A piece of software and its version."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class ReportData:
    """A round, evaluated. `difference` is the AUC of fused less that of bank, on the same rows.

    `pooled`, a model of all columns in one place, exists in a demo only: nobody could train it otherwise.
    `smallest`, `calibration` and the lists may be absent (None or empty); their sections then are too. A
    logistic model has `coefficients`, a scorecard `points` (`reasons` are of one declined firm, not named),
    boosted trees have `gains`.
    """

    run: Run
    bank: Evaluation
    fused: Evaluation
    difference: PairedDifference
    ks_curve: KsCurve
    columns: tuple[HeldColumns, ...]
    alignment: Alignment
    coefficients: tuple[Coefficient, ...] = ()
    points: tuple[PointsColumn, ...] = ()
    base_points: float | None = None
    reasons: tuple[Reason, ...] = ()
    gains: tuple[Gain, ...] = ()
    party_gains: tuple[Gain, ...] = ()
    credit: Credit | None = None
    learned: tuple[Learned, ...] = ()
    left: tuple[LeftOrganisation, ...] = ()
    sent: tuple[Sent, ...] = ()
    steps: tuple[Step, ...] = ()
    cpu: tuple[CpuTime, ...] = ()
    versions: tuple[Version, ...] = ()
    pooled: Evaluation | None = None
    smallest: SmallestFirms | None = None
    calibration: Calibration | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields by name, nested, ready for JSON."""
        return asdict(self)

    def check(self) -> None:
        """Raise `UsageError` where a number is not finite: a report never shows NaN."""
        check_finite(self.as_dict())


def check_finite(report: dict[str, Any]) -> None:
    """Raise `UsageError`, naming the field, where a number in the report's nested fields is not finite."""
    for path, number in _numbers(report, "report"):
        if not math.isfinite(number):
            raise UsageError(
                "a figure of the report is not a finite number",
                field=path,
                advice="Leave the part out, or compute it from more rows.",
            )


def _numbers(value: object, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _numbers(each, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from _numbers(each, f"{path}[{place}]")
    elif isinstance(value, float):
        yield path, value
