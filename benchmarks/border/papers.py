"""The papers of a scenario: who its parties are in law, their manifests and grants, and what persons signed.

All dates are held against `DATE`, the day on which every scenario is judged, so that a judgement is the same
whenever it is made. Grants that are really signed for a round have the same terms counted from today.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.border.firms import Case as Firms
from federation.compliance.catalogue import catalogue
from federation.compliance.facts import Case, Cumulated, Party, Statement
from federation.compliance.gathering import planned
from federation.compliance.judging import judge
from federation.compliance.verdicts import Ruling, Told, Verdict
from federation.governance.grant import VERSION, Grant, GrantLimits, LegalBasis, Recipient, Transfer
from federation.governance.manifest import (
    Evidence,
    Institution,
    Manifest,
    Persons,
    Residency,
    Retention,
    Subjects,
)
from federation.governance.needing import operations_of
from federation.governance.terms import (
    Mechanism,
    National,
    Operation,
    PartyKind,
    Regime,
    SubjectKind,
    Use,
)
from federation.ids import AGGREGATOR, PartyId
from parties.governance.inspect import draft
from parties.sandbox.granting import permitted

#: The day of every case, and from when to when its papers are in force.
DATE, SINCE, UNTIL = dt.date(2026, 11, 23), dt.date(2026, 3, 2), dt.date(2028, 3, 1)
#: Five working days after `SINCE`: a standard contract is filed within ten.
FILED = dt.date(2026, 3, 9)
_NOON = dt.datetime(DATE.year, DATE.month, DATE.day, 12, tzinfo=dt.UTC)
_REGIMES = {
    "CN": Regime.PIPL,
    "DE": Regime.GDPR,
    "GB": Regime.UK_GDPR,
    "SG": Regime.PDPA_SG,
    "HK": Regime.PDPO_HK,
    "MY": Regime.PDPA_MY,
    "BR": Regime.LGPD,
}


@dataclass(frozen=True, slots=True)
class Holder:
    """A data party in law. persons: by jurisdiction, those with personal and those with sensitive data."""

    jurisdiction: str
    kind: PartyKind
    place: str = ""
    dpf: str = "not-applicable"
    persons: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    kinds: tuple[SubjectKind, ...] = (SubjectKind.LEGAL_PERSON,)
    important: bool = False  # graded so, and notified by an authority
    us_covered: str = "no"

    def institution(self, name: str) -> Institution:
        """As a manifest has it."""
        return Institution.model_validate(
            {
                "id": name,
                "legal_name": name,
                "jurisdiction": self.jurisdiction,
                "kind": self.kind,
                "place": self.place,
                "ciio": "no",
                "us_covered_person": self.us_covered,
                "dpf_certified": self.dpf,
            }
        )


@dataclass(frozen=True, slots=True)
class Way:
    """What makes one border lawful."""

    mechanism: Mechanism
    until: dt.date = UNTIL
    filed: dt.date | None = None
    names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """A scenario before it is played.

    firms: the tables and the plan, from a seed. ways: border -> paper, of every owner whose place it leaves.
    others: witnesses. expected: the controls that must fail. unsigned: controls for which nobody signed.
    """

    id: str
    title: Told
    about: Told
    firms: Callable[[int], Firms]
    holders: Mapping[str, Holder]
    aggregator: Party
    ways: Mapping[tuple[str, str], Way] = field(default_factory=dict)
    others: Mapping[str, Party] = field(default_factory=dict)
    abroad: Mapping[str, Cumulated] = field(default_factory=dict)
    expected: tuple[str, ...] = ()
    unsigned: tuple[str, ...] = ()


def manifests(setting: Setting, firms: Firms, folder: Path) -> dict[PartyId, Manifest]:
    """Each party's manifest: drafted from its table, and corrected by what its owner is in law."""
    datasets = firms.datasets(folder)
    drafted = {}
    for name, dataset in datasets.items():
        holder = setting.holders[name]
        drafted[name] = _corrected(draft(dataset, holder.institution(name), now=_NOON), holder)
    found, _ = permitted(drafted, datasets, firms.plan)
    return found


def _corrected(drafted: Manifest, holder: Holder) -> Manifest:
    here = (holder.jurisdiction,)
    persons = {place: Persons(personal=n, sensitive=s) for place, (n, s) in holder.persons.items()}
    dataset = drafted.dataset.model_copy(
        update={
            "residency": Residency(store=here, process=here, keys=here),
            "subjects": Subjects(kinds=holder.kinds, persons=persons),
            "retention": Retention(data_until=UNTIL),
            "notified_important": "yes" if holder.important else "no",
        }
    )
    fields = {
        name: facts.model_copy(
            update={"grades": facts.grades.model_copy(update={"gbt43697": National.IMPORTANT})}
        )
        if holder.important and facts.use is Use.FEATURE
        else facts
        for name, facts in drafted.fields.items()
    }
    return drafted.model_copy(update={"dataset": dataset, "fields": fields})


def grant(
    setting: Setting,
    firms: Firms,
    manifest: Manifest,
    fingerprints: Mapping[str, str],
    *,
    federation: str = "sandbox",
    later: dt.timedelta = dt.timedelta(0),
) -> Grant:
    """What the manifest's owner grants everybody in the plan. `later`: all its dates are so much later."""
    owner, origin, plan = manifest.party.id, manifest.party.jurisdiction, firms.plan
    where = {name: holder.jurisdiction for name, holder in setting.holders.items()}
    where[AGGREGATOR] = setting.aggregator.jurisdiction
    noised = plan.privacy.unit != "none"
    return Grant(
        grant=VERSION,
        id="border",
        federation=federation,
        owner=owner,
        dataset=manifest.dataset.id,
        manifest_sha256=manifest.digest,
        to={
            name: Recipient(place=place, fingerprint=fingerprints[name])
            for name, place in sorted(where.items())
            if name != owner
        },
        purpose=plan.purpose,
        operations=tuple(each for each in Operation if each in operations_of(plan, shares_points=True)),
        fields=("*",),
        legal_basis=(_basis(setting.holders[owner]),),
        transfers=tuple(
            Transfer(
                origin=start,
                destination=end,
                mechanism=way.mechanism,
                evidence=_document(f"{setting.id} {start} {end}"),
                valid_until=way.until + later,
                begins=SINCE + later,
                filed=None if way.filed is None else way.filed + later,
                names=way.names,
            )
            for (start, end), way in sorted(setting.ways.items())
            if start == origin
        ),
        valid_from=_NOON - dt.timedelta(days=30) + later,
        valid_until=_NOON + dt.timedelta(days=330) + later,
        limits=GrantLimits(max_runs=100, max_psi_runs=100, max_epsilon=100.0 if noised else None),
    )


def _basis(holder: Holder) -> LegalBasis:
    regime = _REGIMES.get(holder.jurisdiction, Regime.NOT_PERSONAL) if holder.persons else Regime.NOT_PERSONAL
    ground = "company data" if regime is Regime.NOT_PERSONAL else "contract with the person, and consent"
    return LegalBasis(
        regime=regime,
        basis=ground,
        separate_consent=regime is Regime.PIPL,
        evidence=_document(f"ground {regime.value}"),
    )


def _document(title: str) -> Evidence:
    return Evidence(title=title, sha256=_sha256(title), held_by="the owner")


def case(setting: Setting, seed: int, folder: Path) -> tuple[Case, Firms, dict[PartyId, Manifest]]:
    """The scenario's plan as a case, with everything signed that anybody can sign, and what it came from."""
    firms = setting.firms(seed)
    said = manifests(setting, firms, folder)
    nobody = dict.fromkeys([*setting.holders, AGGREGATOR], "0" * 64)
    granted = [grant(setting, firms, each, nobody) for each in said.values()]
    found = planned(
        firms.plan,
        said,
        granted,
        date=DATE,
        parties={AGGREGATOR: setting.aggregator, **setting.others},
        abroad=setting.abroad,
    )
    return signed(found.model_copy(update={"name": setting.id}), setting.unsigned), firms, said


def signed(found: Case, unsigned: tuple[str, ...] = ()) -> Case:
    """The case with a statement for all that waits for one, by the office that the rule asks for."""
    waiting = [
        ruling
        for ruling in judge(found).rulings["R1"]
        if ruling.verdict is Verdict.NEEDS_ATTESTATION and ruling.control not in unsigned
    ]
    made = tuple(dict.fromkeys(_statement(found, ruling) for ruling in waiting))
    return found.model_copy(update={"statements": (*found.statements, *made)})


def _statement(found: Case, ruling: Ruling) -> Statement:
    offices = catalogue().control(ruling.control).parameters.get("offices", ("data-protection",))
    return Statement(
        control=ruling.control,
        party=ruling.party or _signer(found, ruling.border),
        office=offices[0],
        dated=SINCE,
        valid_until=UNTIL,
        document=_sha256(f"{ruling.control} {ruling.party} {ruling.border}"),
    )


def _signer(found: Case, border: str) -> str:
    """Who has data where the border begins; anybody's first where it is about none."""
    origin = border.partition(" ")[0]
    own = (name for name, data in found.data.items() if not origin or origin in data.collected_in)
    return next(own, next(iter(found.data)))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
