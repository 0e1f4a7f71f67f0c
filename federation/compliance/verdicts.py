"""How each rule is answered for one case: five verdicts, never a score.

A run with any `UNKNOWN` or `NEEDS_ATTESTATION` is not green. R1 and R2 are two readings of the law: under R1
every update is personal data and giving it abroad; under R2 it is not personal data for its recipient, which
may be claimed only where every leakage, key and cohort control passes and a data protection officer signed.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from federation import files

Language = Literal["en", "zh"]
Reading = Literal["R1", "R2"]


class Verdict(enum.Enum):
    """How a control ended."""

    PASS = "pass"  # noqa: S105 - a verdict, not a secret
    FAIL = "fail"
    NOT_APPLICABLE = "not-applicable"
    NEEDS_ATTESTATION = "needs-attestation"
    UNKNOWN = "unknown"


#: Of several answers the one that stands for all: the worst first.
WORST_FIRST = (
    Verdict.FAIL,
    Verdict.UNKNOWN,
    Verdict.NEEDS_ATTESTATION,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence in each language."""

    en: str
    zh: str

    def to_json(self) -> dict[str, str]:
        """By language."""
        return {"en": self.en, "zh": self.zh}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check says of a case: the verdict, why, and whose data and which border it is about."""

    verdict: Verdict
    told: Told
    border: str = ""
    party: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """One control's answer under one reading. `lifted`: the reading R2 made it a question no more."""

    control: str
    pack: str
    kind: str
    border: str
    party: str
    verdict: Verdict
    told: Told
    from_memory: bool = False
    lifted: bool = False

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {
            "control": self.control,
            "pack": self.pack,
            "kind": self.kind,
            "border": self.border,
            "party": self.party,
            "verdict": self.verdict.value,
            "told": self.told.to_json(),
            "from_memory": self.from_memory,
            "lifted": self.lifted,
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """All rulings on a case, under both readings, and by which rules (pack -> SHA-256 of its file)."""

    case: str
    case_sha256: str
    date: str
    packs: Mapping[str, str]
    rulings: Mapping[Reading, tuple[Ruling, ...]]
    r2_claimable: bool
    r2_why: Told

    def verdict(self, reading: Reading = "R1") -> Verdict:
        """The worst of all rulings under a reading."""
        return worst(ruling.verdict for ruling in self.rulings[reading])

    def of(self, control: str, reading: Reading = "R1") -> Verdict:
        """The worst verdict of one control; not applicable where it was not asked."""
        return worst(ruling.verdict for ruling in self.rulings[reading] if ruling.control == control)

    def failed(self, reading: Reading = "R1") -> tuple[str, ...]:
        """The controls that fail, in the catalogue's order."""
        return tuple(
            dict.fromkeys(each.control for each in self.rulings[reading] if each.verdict is Verdict.FAIL)
        )

    @property
    def flips(self) -> bool:
        """Whether it depends on the reading how the run is judged."""
        return self.verdict("R1") is not self.verdict("R2")

    def to_json(self) -> dict[str, Any]:
        """The judgement as one object; its canonical form is what a pack keeps."""
        return {
            "judgement": "isthmus.judgement/v1",
            "case": self.case,
            "case_sha256": self.case_sha256,
            "date": self.date,
            "packs": dict(self.packs),
            "verdicts": {reading: self.verdict(reading).value for reading in sorted(self.rulings)},
            "flips": self.flips,
            "r2": {"claimable": self.r2_claimable, "why": self.r2_why.to_json()},
            "rulings": {
                reading: [ruling.to_json() for ruling in rulings]
                for reading, rulings in sorted(self.rulings.items())
            },
        }

    def canonical(self) -> bytes:
        """The same bytes for the same case, rules and date."""
        return files.canonical_json(self.to_json())

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical form, hexadecimal."""
        return hashlib.sha256(self.canonical()).hexdigest()


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of some verdicts; not applicable where there is none."""
    found = set(verdicts)
    return next((verdict for verdict in WORST_FIRST if verdict in found), Verdict.NOT_APPLICABLE)
