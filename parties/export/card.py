"""A scorecard as other programs can run it: for each column, which values get how many points.

Points are whole numbers of 10^-`decimals`, so that sums are exact in every program.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, TypeAlias, cast, get_args

from federation.ids import PartyId
from parties.binning.book import BinningTable
from parties.features.saved import finite, flag, position, text, texts

Kind: TypeAlias = Literal["numbers", "codes", "levels"]

#: The most points a bin may have, either way, in units; sums of a thousand columns stay far below 2^53.
_MOST = 10**12


@dataclass(frozen=True, slots=True)
class Case:
    """A condition that puts a value into bin number `bin`; the first one that holds decides.

    One of: `missing`; equal to one of `codes` (numbers) or `levels` (texts); in [low, high), where None is
    no bound; `rest`, which holds always.
    """

    bin: int
    missing: bool = False
    codes: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    rest: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; only what is said."""
        said: dict[str, Any] = {"bin": self.bin}
        if self.missing or self.rest:
            said["missing" if self.missing else "rest"] = True
        for name in ("codes", "levels"):
            if values := getattr(self, name):
                said[name] = list(values)
        for name in ("low", "high"):
            if (bound := getattr(self, name)) is not None:
                said[name] = bound
        return said

    @staticmethod
    def from_dict(saved: Mapping[str, Any], bins: int) -> Case:
        """What `to_dict` wrote; `KeyError`, `TypeError` or `ValueError` for anything else."""
        low, high = (finite(saved[name]) if name in saved else None for name in ("low", "high"))
        found = Case(
            position(saved["bin"], bins),
            flag(saved.get("missing", False)),
            tuple(finite(code) for code in saved.get("codes", ())),
            texts(saved.get("levels", [])),
            low,
            high,
            flag(saved.get("rest", False)),
        )
        bounded = low is not None or high is not None
        said = [found.missing, bool(found.codes), bool(found.levels), bounded, found.rest]
        if sum(said) != 1:
            raise ValueError("not one condition")
        return found


@dataclass(frozen=True, slots=True, repr=False)
class Characteristic:
    """A column of `party`: its bins by name, the points of each, and the cases that tell a value's bin.

    `kind` of its cells: "numbers" in intervals, numbers that are "codes", or texts that are "levels". `code`
    stands for it in reasons; `reason` is language -> text. `repr` shows nothing of it.
    """

    party: PartyId
    column: str
    code: str
    kind: Kind
    bins: tuple[str, ...]
    points: tuple[int, ...]
    cases: tuple[Case, ...]
    reason: Mapping[str, str] = field(default_factory=dict)

    @property
    def best(self) -> int:
        """The most points that a value gets here."""
        return max(self.points)

    @staticmethod
    def of(
        party: PartyId, code: str, table: BinningTable, points: Sequence[int], reason: Mapping[str, str]
    ) -> Characteristic:
        """A binned column whose bins have `points`, in the order of the table's bins."""
        cuts = table.cuts
        cases = _of_numbers(table) if cuts.numeric else _of_levels(table)
        return Characteristic(
            party,
            table.column,
            code,
            "numbers" if cuts.numeric else "codes" if cuts.numbers else "levels",
            table.names(),
            tuple(points),
            tuple(cases),
            dict(reason),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "party": self.party,
            "column": self.column,
            "code": self.code,
            "kind": self.kind,
            "reason": dict(self.reason),
            "bins": [{"bin": name, "points": at} for name, at in zip(self.bins, self.points, strict=True)],
            "cases": [case.to_dict() for case in self.cases],
        }

    @staticmethod
    def from_dict(saved: Mapping[str, Any]) -> Characteristic:
        """What `to_dict` wrote; `KeyError`, `TypeError` or `ValueError` for anything else."""
        bins = saved["bins"]
        points = tuple(_units(each["points"]) for each in bins)
        cases = tuple(Case.from_dict(each, len(bins)) for each in saved["cases"])
        reason = {text(language): text(told) for language, told in saved["reason"].items()}
        if not points or not cases:
            raise ValueError("a column without bins")
        return Characteristic(
            PartyId(text(saved["party"])),
            text(saved["column"]),
            text(saved["code"]),
            _kind(saved["kind"]),
            tuple(text(each["bin"]) for each in bins),
            points,
            cases,
            reason,
        )

    def __repr__(self) -> str:
        return f"Characteristic({len(self.bins)} bins)"


@dataclass(frozen=True, slots=True, repr=False)
class PointsCard:
    """A whole scorecard. The score is `base` and the points of each characteristic, over 10^`decimals`.

    `scale` says what points mean: `base_score` at `base_odds` (good to bad), doubled by every `pdo` points.
    """

    run: str
    model_hash: str
    decimals: int
    base: int
    scale: Mapping[str, float]
    characteristics: tuple[Characteristic, ...]

    def names(self) -> tuple[str, ...]:
        """A name for each characteristic: its column, with its party before it where two have that name."""
        columns = [each.column for each in self.characteristics]
        return tuple(
            f"{each.party}.{each.column}" if columns.count(each.column) > 1 else each.column
            for each in self.characteristics
        )

    def decimal(self, points: int) -> str:
        """Points as a decimal number: exact, whatever the decimals."""
        if not self.decimals:
            return str(points)
        whole, part = divmod(abs(points), 10**self.decimals)
        return f"{'-' if points < 0 else ''}{whole}.{part:0{self.decimals}}"

    def __repr__(self) -> str:
        return f"PointsCard({len(self.characteristics)} characteristics)"


def _of_numbers(table: BinningTable) -> list[Case]:
    """Missing, then codes, then intervals: a code may lie within one."""
    cuts, of = table.cuts, table.bin_of
    bounds = [None, *cuts.edges, None]
    codes = [Case(of[len(cuts.edges) + 1 + at], codes=(code,)) for at, code in enumerate(cuts.special)]
    inside = [
        Case(of[at], low=low, high=high, rest=low is None and high is None)
        for at, (low, high) in enumerate(pairwise(bounds))
    ]
    return [Case(of[cuts.missing], missing=True), *codes, *inside]


def _of_levels(table: BinningTable) -> list[Case]:
    """Missing, then the levels of each bin, then all others; without a bin of theirs they are missing."""
    cuts, of = table.cuts, table.bin_of
    found = [Case(of[cuts.missing], missing=True)]
    by_bin: dict[int, list[str]] = {}
    for level, at in zip(cuts.levels, of, strict=False):
        by_bin.setdefault(at, []).append(level)
    for at, named in sorted(by_bin.items()):
        levels = tuple(named)
        found.append(Case(at, codes=tuple(map(float, levels))) if cuts.numbers else Case(at, levels=levels))
    return [*found, Case(of[len(cuts.levels)] if cuts.other else of[cuts.missing], rest=True)]


def _kind(value: object) -> Kind:
    if value not in get_args(Kind):
        raise ValueError("not a kind of cells")
    return cast(Kind, value)


def _units(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MOST:
        raise TypeError("not points")
    return value
