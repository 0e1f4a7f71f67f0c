"""What a look at one thing found, and what all of them come to by area."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from crypto.codes import Code
from federation.errors import IsthmusError

Severity: TypeAlias = Literal["ok", "warn", "fail"]
#: In the order in which people mend them: what stands later often fails for what stands before it.
AREAS = (
    "folder",
    "certificates",
    "machine",
    "network",
    "clock",
    "versions",
    "data",
    "partners",
    "grants",
    "plan",
)
_WORTH: dict[Severity, float] = {"ok": 1.0, "warn": 0.5, "fail": 0.0}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `advice`: the next step, for anything but ok."""

    area: str
    severity: Severity
    what: str
    advice: str = ""
    code: Code | None = None  # of an error that a round would end with

    def to_json(self) -> dict[str, str | None]:
        """For machines."""
        told = {"area": self.area, "severity": self.severity, "what": self.what, "advice": self.advice}
        return {**told, "code": self.code}


#: A look at something. What it raises is a finding too.
Look: TypeAlias = Callable[[], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Readiness:
    """All findings of one role."""

    role: str
    findings: tuple[Finding, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing failed."""
        return all(finding.severity != "fail" for finding in self.findings)

    def score(self, area: str | None = None) -> int | None:
        """0 to 100: the share of looks that found nothing, half for a warning. None where nobody looked."""
        worth = [_WORTH[each.severity] for each in self.findings if area in (None, each.area)]
        return round(100 * sum(worth) / len(worth)) if worth else None

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        scores = {area: self.score(area) for area in AREAS}
        return {
            "role": self.role,
            "ready": self.ready,
            "score": self.score(),
            "scores": {area: score for area, score in scores.items() if score is not None},
            "findings": [finding.to_json() for finding in self.findings],
        }


def look(area: str, looks: Iterable[Look]) -> Iterator[Finding]:
    """What each look of an area finds; an error that it raises fails the area with its text and next step."""
    for each in looks:
        try:
            yield from each()
        except IsthmusError as error:
            yield Finding(area, "fail", str(error), error.advice, error.code)
