"""What is known of a plan, as the facts that rules are asked about: from its papers, before anything is sent.

Nothing is decided here. What no paper says stays unsaid: "unknown", or not there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from crypto.codes import Code
from federation.compliance.facts import (
    Basis,
    Case,
    Cumulated,
    Data,
    Paper,
    Party,
    RightFacts,
    Seat,
    Statement,
)
from federation.compliance.flowing import flows, key_holders
from federation.compliance.observing import observed
from federation.errors import UsageError
from federation.governance.grant import Grant
from federation.governance.manifest import FieldFacts, Institution, Manifest
from federation.governance.terms import National, Nfra, PartyKind, Personal, Use
from federation.ids import AGGREGATOR, PartyId
from federation.message import Role
from federation.plan import Plan

__all__ = ["bases_of", "data_of", "observed", "papers_of", "party_of", "planned", "seats"]

_SEATS: Mapping[Role, Seat] = {
    Role.LABEL: "label",
    Role.HELPER: "feature",
    Role.FEATURE: "feature",
    Role.MEMBER: "member",
    Role.AGGREGATOR: "aggregator",
}
_SENSITIVE = (Nfra.SENSITIVE_GENERAL, Nfra.IMPORTANT, Nfra.CORE)


def planned(
    plan: Plan,
    manifests: Mapping[PartyId, Manifest],
    grants: Iterable[Grant],
    *,
    date: dt.date,
    parties: Mapping[str, Party] | None = None,
    statements: Iterable[Statement] = (),
    abroad: Mapping[str, Cumulated] | None = None,
) -> Case:
    """The case of a plan before it runs.

    manifests: of each data party. grants: the owners'; their transfers are the papers, their grounds the
    bases. parties: those of whom no manifest speaks (the aggregator, witnesses), and others to be taken as
    said here instead of as their manifest has them. abroad: counted since 1 January, this run included.
    Raises `UsageError` naming the party of whom it is not known where it is.
    """
    given, held = dict(parties or {}), list(grants)
    holders = key_holders(plan)
    seated = {
        str(name): given[name] if name in given else _seated(name, role, manifests, held, name in holders)
        for name, role in plan.roles().items()
    }
    brought = {
        str(name): data_of(manifests[name]) for name in map(PartyId, plan.parties) if name in manifests
    }
    return Case(
        name=plan.name,
        stage="plan",
        date=date,
        purpose=plan.purpose,
        shape=plan.shape,
        parties={**given, **seated},
        data=brought,
        flows=flows(plan, manifests),
        papers=tuple(paper for grant in held for paper in papers_of(grant)),
        bases=tuple(basis for grant in held for basis in bases_of(grant)),
        statements=tuple(statements),
        abroad=dict(abroad or {}),
    )


def seats(plan: Plan) -> dict[str, Seat]:
    """Who does what in a plan, by name."""
    return {str(name): _SEATS[role] for name, role in plan.roles().items()}


def _seated(
    name: PartyId, role: Role, manifests: Mapping[PartyId, Manifest], grants: Iterable[Grant], opens: bool
) -> Party:
    """A seat, from the party's own manifest, or from where the others' grants say that it is."""
    if name in manifests:
        return party_of(manifests[name].party, _SEATS[role], opens)
    places = sorted({grant.places[name] for grant in grants if name in grant.places})
    if len(places) != 1:
        told = f"grants have it in {', '.join(places)}" if places else "no manifest or grant says"
        raise UsageError(
            f"it is not known where {name} is: {told}",
            party=name,
            field="jurisdiction",
            advice=f"Give the manifest of {name}, or say where it is beside the plan.",
            code=Code.PLACE_UNKNOWN,
        )
    kind = PartyKind.AGGREGATOR if name == AGGREGATOR else PartyKind.SUPPLIER
    return Party(seat=_SEATS[role], jurisdiction=places[0], kind=kind, opens=opens)


def party_of(said: Institution, seat: Seat, opens: bool = False) -> Party:
    """An institution as its manifest describes it."""
    return Party(
        seat=seat,
        jurisdiction=said.jurisdiction,
        place=said.place,
        kind=said.kind,
        ciio=said.ciio,
        us_covered_person=said.us_covered_person,
        dpf_certified=said.dpf_certified,
        opens=opens,
    )


def data_of(manifest: Manifest) -> Data:
    """What a party brings: its dataset, and the strictest of its columns that are ever used."""
    dataset, bank = manifest.dataset, manifest.party.kind is PartyKind.BANK
    used = {name: facts for name, facts in manifest.fields.items() if facts.use is not Use.NEVER}
    rights = {name: getattr(dataset.rights, name) for name in ("holding", "processing", "operating")}
    return Data.model_validate(
        {
            "collected_in": dataset.collected_in,
            "store": dataset.residency.store,
            "process": dataset.residency.process,
            "keys": dataset.residency.keys,
            "kinds": dataset.subjects.kinds,
            "persons": dataset.subjects.persons,
            "personal": max(
                (facts.personal for facts in used.values()), key=list(Personal).index, default=Personal.NONE
            ),
            "strictest": max(
                (facts.grades.strictest for facts in used.values()),
                key=list(National).index,
                default=National.GENERAL,
            ),
            "ungraded": tuple(
                sorted(name for name, facts in used.items() if _ungraded(facts, manifest.party))
            ),
            "bank_sensitive": bank and any(facts.grades.nfra in _SENSITIVE for facts in used.values()),
            "notified_important": dataset.notified_important,
            "credit": any(
                (bank and facts.use is Use.LABEL) or facts.category.startswith("finance/credit")
                for facts in used.values()
            ),
            "financial": bank or any(facts.category.startswith("finance") for facts in used.values()),
            "rights": {
                name: RightFacts(
                    basis=right.basis,
                    certificate=right.certificate.sha256 if right.certificate else None,
                    until=right.until,
                )
                for name, right in rights.items()
            },
            "data_until": dataset.retention.data_until,
            "evidence_days": dataset.retention.evidence_days,
            "min_cohort": manifest.table.min_cohort,
        }
    )


def _ungraded(facts: FieldFacts, party: Institution) -> bool:
    """Whether a column lacks a grade that its holder must give: a bank in China NFRA's and JR/T 0197's."""
    if party.jurisdiction != "CN" or party.kind is not PartyKind.BANK:
        return False
    return facts.grades.nfra is None or facts.grades.jrt0197 is None


def papers_of(grant: Grant) -> list[Paper]:
    """The grant's mechanisms, one paper for each border."""
    return [
        Paper(
            owner=grant.owner,
            origin=each.origin,
            destination=each.destination,
            mechanism=each.mechanism,
            document=each.evidence.sha256,
            begins=each.begins or grant.valid_from.date(),
            valid_until=each.valid_until,
            filed=each.filed,
            names=each.names or (),
        )
        for each in grant.transfers
    ]


def bases_of(grant: Grant) -> list[Basis]:
    """The grant's grounds. One that speaks of consent rests on it."""
    return [
        Basis(
            owner=grant.owner,
            regime=each.regime.value,
            basis=each.basis,
            consent="consent" in each.basis.lower() or "同意" in each.basis,
            separate_consent=each.separate_consent,
            document=each.evidence.sha256,
        )
        for each in grant.legal_basis
    ]
