"""`isthmus bench border --plan FILE`: somebody's own plan, judged before it runs. Nothing is sent or read.

For each border: which controls pass, fail, wait for a person, or cannot be told yet; which documents a person
must still supply; and where the placement planner would have aggregator and keys sit.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.border.papering import Papers, Places, known, papers
from federation.compliance.catalogue import Control, catalogue
from federation.compliance.facts import Case
from federation.compliance.gathering import planned
from federation.compliance.judging import judge
from federation.compliance.observing import SHOWN_BY
from federation.compliance.offices import named
from federation.compliance.placement import Placements, place
from federation.compliance.verdicts import Judgement, Language, Ruling, Verdict
from federation.errors import UsageError
from federation.plan import load

#: What a person can still do something about, the gravest first.
_OPEN = (Verdict.FAIL, Verdict.UNKNOWN, Verdict.NEEDS_ATTESTATION)
_WORDS: Mapping[Language, Mapping[str, str]] = {
    "en": {
        "all": "whatever border",
        "documents": "Documents and signatures that people must still supply:",
        "none": "No document is missing.",
        "placement": "Where aggregator and keys may sit:",
        "advice": "This is not legal advice.",
        "evidence": "shown by the evidence of the run, once it ran",
    },
    "zh": {
        "all": "不论跨境",
        "documents": "仍须由人员提供的文件与签署：",
        "none": "不缺文件。",
        "placement": "聚合方与密钥可置于何处：",
        "advice": "本结果不构成法律意见。",
        "evidence": "须待运行后由证据显示",
    },
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person must supply: for which control, on which border, of whom, by what office."""

    control: str
    border: str
    party: str
    what: Mapping[str, str]
    office: Mapping[str, str]
    source: str

    def to_json(self) -> dict[str, Any]:
        """The fields by name."""
        return {
            "control": self.control,
            "border": self.border,
            "party": self.party,
            "what": dict(self.what),
            "office": dict(self.office),
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a plan comes to before it runs."""

    case: Case
    plan_sha256: str
    judgement: Judgement
    placements: Placements
    found: Papers

    @property
    def refused(self) -> tuple[str, ...]:
        """The controls that fail."""
        return self.judgement.failed()

    def by_border(self) -> dict[str, list[Ruling]]:
        """Each border of the plan ("" for what is about none) with its rulings that apply."""
        borders: dict[str, list[Ruling]] = {str(border): [] for border in self.case.borders}
        for ruling in self.judgement.rulings["R1"]:
            if ruling.verdict is not Verdict.NOT_APPLICABLE:
                borders.setdefault(ruling.border, []).append(ruling)
        return dict(sorted(borders.items()))

    def wanted(self) -> Iterator[Wanted]:
        """Documents and signatures that are missing. What the run itself will show is none of them."""
        rules = catalogue()
        for ruling in self.judgement.rulings["R1"]:
            control = rules.control(ruling.control)
            waits = ruling.verdict is Verdict.NEEDS_ATTESTATION
            if waits or (ruling.verdict in _OPEN and control.kind == "hybrid" and not _later(ruling)):
                offices = named(control.parameters.get("offices", ())).to_json() if waits else {}
                yield Wanted(
                    ruling.control,
                    ruling.border,
                    ruling.party,
                    ruling.told.to_json(),
                    offices,
                    control.source,
                )

    def to_json(self) -> dict[str, Any]:
        """All of it as one object."""
        return {
            "preflight": "isthmus.preflight/v1",
            "plan": self.case.name,
            "plan_sha256": self.plan_sha256,
            "date": self.case.date.isoformat(),
            "verdicts": {
                reading: self.judgement.verdict(reading).value for reading in self.judgement.rulings
            },
            "refused_by": list(self.refused),
            "borders": {
                border: [ruling.to_json() for ruling in rulings]
                for border, rulings in self.by_border().items()
            },
            "wanted": [each.to_json() for each in self.wanted()],
            "placements": self.placements.to_json(),
            "papers": {name: list(each) for name, each in known(self.found).items()},
            "notes": list(self.found.notes),
            "rules": dict(self.judgement.packs),
            "not_legal_advice": True,
        }

    def lines(self, language: Language = "en") -> list[str]:
        """For people to read."""
        words, rules = _WORDS[language], catalogue()
        lines = [f"{self.case.name}: R1 {_verdict(self, 'R1')}, R2 {_verdict(self, 'R2')}"]
        lines += [f"  {note}" for note in self.found.notes]
        for border, rulings in self.by_border().items():
            counted = Counter(ruling.verdict.value for ruling in rulings)
            told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counted.items()))
            lines += ["", f"{border or words['all']}: {told}"]
            for verdict in (Verdict.FAIL, Verdict.UNKNOWN):
                for ruling in (each for each in rulings if each.verdict is verdict and not _later(each)):
                    lines.append(_line(ruling, rules.control(ruling.control), language))
            later = [each.control for each in rulings if each.verdict is Verdict.UNKNOWN and _later(each)]
            if later:
                lines.append(f"  {words['evidence']}: {', '.join(dict.fromkeys(later))}")
        wanted = _grouped(self.wanted(), language)
        lines += ["", words["documents"] if wanted else words["none"], *wanted]
        lines += ["", words["placement"]]
        lines += [f"  {line}" if line else "" for line in self.placements.lines(language)]
        return [*lines, "", words["advice"]]


def preflight(plan_file: Path, places: Places, now: dt.datetime) -> Preflight:
    """Judge a plan by its papers, as of `now`.

    Raises `UsageError` where it is not known where somebody in it is, and for papers that are none.
    """
    plan = load(plan_file)
    found = papers(plan, plan_file, places, now)
    try:
        case = planned(plan, found.manifests, found.grants, date=now.date(), statements=found.statements)
    except UsageError as error:
        error.file = error.file or str(plan_file)
        error.advice = (
            "Give the parties' folders with --home, once for each; or their manifests with --manifests "
            "FOLDER and the grants with --grants, which say where the aggregator is."
        )
        raise
    return Preflight(case, plan.digest.hex(), judge(case), place(case), found)


def _later(ruling: Ruling) -> bool:
    """Whether the run's own evidence decides it: no paper can."""
    of_evidence = ruling.control.startswith("T-") or ruling.control in SHOWN_BY
    return of_evidence and ruling.verdict is Verdict.UNKNOWN


def _grouped(wanted: Iterator[Wanted], language: Language) -> list[str]:
    """What is missing, one line for each control and border, with everybody of whom it is."""
    owners: dict[tuple[str, str, str, str], list[str]] = {}
    for each in wanted:
        what = each.office[language] if each.office else each.what[language]
        owners.setdefault((each.control, each.border, what, each.source), []).append(each.party)
    lines = []
    for (control, border, what, source), names in owners.items():
        of = ", ".join(name for name in (border, *names) if name)
        lines.append(f"  {control}{f' ({of})' if of else ''}: {what}; {source}")
    return lines


def _verdict(found: Preflight, reading: Any) -> str:
    return found.judgement.verdict(reading).value


def _line(ruling: Ruling, control: Control, language: Language) -> str:
    party = f" {ruling.party}" if ruling.party else ""
    memory = " (M)" if ruling.from_memory else ""
    return f"  {ruling.verdict.value:18} {control.id}{memory}{party}: {ruling.told.to_json()[language]}"
