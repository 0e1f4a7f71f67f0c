"""Violations of borders: one fact of a scenario's clean case is another, and one control must fail for it.

Judged on the case alone: what a plan's papers say, before anything is sent. A control that says `unknown` has
not found anything; another one that fails beside those named is a miss too, since it would hide the reason.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.border.mutations import Found, Group, Mutation, World
from benchmarks.border.papers import DATE, case
from benchmarks.border.scenarios import SETTINGS
from federation.compliance.facts import Case, Cumulated
from federation.compliance.judging import judge
from federation.compliance.verdicts import Verdict
from federation.governance.manifest import Persons
from federation.governance.terms import Mechanism, National

Change = Callable[[Case], Case]
_SEED = 7
_YESTERDAY = DATE - dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Seeded:
    """One fact changed in the case of a scenario. also: controls that fail for the same reason.

    before: what is changed first, so that the case is clean up to the violation.
    """

    name: str
    scenario: str
    rule: str
    change: Change
    also: tuple[str, ...] = ()
    before: Change = lambda found: found
    group: Group = "borders"

    def found(self) -> Found:
        """The controls that fail now and did not before."""
        clean = self.before(clean_case(self.scenario))
        was, now = judge(clean), judge(self.change(clean))
        new = tuple(control for control in now.failed() if control not in was.failed())
        stray = sorted({*new} - {self.rule, *self.also})
        failing = (each for each in now.rulings["R1"] if each.verdict is Verdict.FAIL and each.control in new)
        told = next((each.told.en for each in failing), "no control fails")
        if stray:
            return Found((), f"{', '.join(stray)} fail beside it: {told}")
        return Found(new, told)


@cache
def clean_case(scenario: str) -> Case:
    """A scenario's case as its parties would have it."""
    with tempfile.TemporaryDirectory(prefix="isthmus-border-") as folder:
        return case(SETTINGS[scenario], _SEED, Path(folder))[0]


def _abroad(personal: int, sensitive: int = 0) -> Change:
    counted = {"CN": Cumulated(personal=personal, sensitive=sensitive)}
    return lambda found: found.model_copy(update={"abroad": counted})


def _party(name: str, **changed: Any) -> Change:
    return lambda found: found.model_copy(
        update={"parties": {**found.parties, name: found.parties[name].model_copy(update=changed)}}
    )


def _data(name: str, **changed: Any) -> Change:
    return lambda found: found.model_copy(
        update={"data": {**found.data, name: found.data[name].model_copy(update=changed)}}
    )


def _paper(way: tuple[str, str], **changed: Any) -> Change:
    """The papers of one way, otherwise."""
    return lambda found: found.model_copy(
        update={
            "papers": tuple(
                each.model_copy(update=changed) if (each.origin, each.destination) == way else each
                for each in found.papers
            )
        }
    )


def _without(way: tuple[str, str]) -> Change:
    return lambda found: found.model_copy(
        update={"papers": tuple(each for each in found.papers if (each.origin, each.destination) != way)}
    )


def _statement(control: str, **changed: Any) -> Change:
    return lambda found: found.model_copy(
        update={
            "statements": tuple(
                each.model_copy(update=changed) if each.control == control else each
                for each in found.statements
            )
        }
    )


def _consent(found: Case) -> Case:
    bases = (each.model_copy(update={"separate_consent": False}) for each in found.bases)
    return found.model_copy(update={"bases": tuple(bases)})


def _us_persons(count: int) -> Change:
    return _data("lender", persons={"US": Persons(personal=count, sensitive=0)})


_CN_SG = ("CN", "SG")
_VOLUME = ("CN-VOL",)

SEEDED: tuple[Seeded, ...] = (
    Seeded("100,000th person without a mechanism", "S11", "CN-MECH", _abroad(100_000), _VOLUME),
    Seeded("1,000,000th person under a contract", "S2", "CN-MECH", _abroad(1_000_000), _VOLUME),
    Seeded("first sensitive person without a mechanism", "S11", "CN-MECH", _abroad(99_999, 1), _VOLUME),
    Seeded("10,000th sensitive person under a contract", "S2", "CN-MECH", _abroad(99_999, 10_000), _VOLUME),
    Seeded("contract for another destination", "S2", "CN-MECH", _paper(_CN_SG, destination="HK"), _VOLUME),
    Seeded("contract that has ended", "S2", "CN-MECH", _paper(_CN_SG, valid_until=_YESTERDAY)),
    Seeded(
        "operator of critical infrastructure under a contract", "S2", "CN-CIIO", _party("bank", ciio="yes")
    ),
    Seeded(
        "aggregator abroad for credit information",
        "S2",
        "CN-CREDIT",
        _party("aggregator", jurisdiction="SG", place=""),
    ),
    Seeded(
        "important data without an assessment",
        "S2",
        "CN-IMPORTANT",
        _data("platform", notified_important="yes"),
    ),
    Seeded(
        "core data across a border",
        "S2",
        "CN-IMPORTANT",
        _data("platform", strictest=National.CORE),
        ("G-GRADE",),
    ),
    Seeded("consent that is not separate", "S2", "CN-CONSENT", _consent),
    Seeded("party outside the nine cities", "S3", "GBA-SC", _party("bank", place="CN-SH")),
    Seeded(
        "contract of the Greater Bay Area filed too late",
        "S3",
        "GBA-SC",
        _paper(("CN", "HK"), filed=dt.date(2026, 5, 1)),
    ),
    Seeded(
        "no flag of the Data Privacy Framework", "S5", "EU-TRANSFER", _party("platform", dpf_certified="no")
    ),
    Seeded("way out of the European Union without a tool", "S4", "EU-TRANSFER", _without(("DE", "GB"))),
    Seeded("way out of the United Kingdom without a tool", "S4", "UK-DPT", _without(("GB", "DE"))),
    Seeded("contract that does not name the country", "S6", "SG-TLO", _paper(("SG", "MY"), names=())),
    Seeded(
        "assessment older than three years",
        "S6",
        "MY-S129",
        _paper(("MY", "SG"), begins=dt.date(2023, 11, 1)),
    ),
    Seeded(
        "way out of Brazil by clauses of another law",
        "S7",
        "BR-TRANSFER",
        _paper(("BR", "DE"), mechanism=Mechanism.SG_CONTRACT),
    ),
    Seeded(
        "10,001st person of the United States",
        "S8",
        "US-DSP",
        _us_persons(10_001),
        before=_us_persons(10_000),
    ),
    Seeded("key created in another country", "S4", "T-KEY-LOC", _data("bank", keys=("US",))),
    Seeded(
        "aggregator abroad with a key that opens updates",
        "S4",
        "T-KEY-THRESH",
        _party("aggregator", opens=True),
        ("T-KEY-LOC",),
        before=_party("aggregator", jurisdiction="GB"),
    ),
    Seeded("smallest group of one row", "S4", "T-COHORT", _data("bank", min_cohort=1), group="minimisation"),
    Seeded(
        "statement by the wrong office",
        "S2",
        "CN-PIPIA",
        _statement("CN-PIPIA", office="audit"),
        group="audit",
    ),
    Seeded(
        "statement whose signature does not verify",
        "S4",
        "EU-DPIA",
        _statement("EU-DPIA", sound=False),
        group="audit",
    ),
    Seeded(
        "statement dated after the run",
        "S10",
        "EU-PERSONAL",
        _statement("EU-PERSONAL", dated=DATE + dt.timedelta(days=1)),
        group="audit",
    ),
)

#: One below each threshold with the same papers: nothing may fail.
BELOW: tuple[tuple[str, str, Change], ...] = (
    ("99,999 persons without a mechanism", "S11", _abroad(99_999)),
    ("999,999 persons under a contract", "S2", _abroad(999_999)),
    ("9,999 sensitive persons under a contract", "S2", _abroad(99_999, 9_999)),
    ("10,000 persons of the United States", "S8", _us_persons(10_000)),
)


def false_alarms() -> list[str]:
    """What fails one below a threshold, and in the clean cases beside what is expected there."""
    alarms = []
    for name, scenario, change in BELOW:
        failed = {*judge(change(clean_case(scenario))).failed()} - {*_EXPECTED[scenario]}
        alarms += [f"{name} ({scenario}): {', '.join(sorted(failed))}"] if failed else []
    return alarms


#: What fails in a clean case all the same; of S8 nothing, once it is below the threshold.
_EXPECTED = {each.id: () if each.id == "S8" else each.expected for each in SETTINGS.values()}


def _mutation(seeded: Seeded) -> Mutation:
    def seed(world: World) -> Found:
        return seeded.found()

    return Mutation(seeded.name, seeded.group, seeded.rule, seed)


MUTATIONS: tuple[Mutation, ...] = tuple(map(_mutation, SEEDED))
