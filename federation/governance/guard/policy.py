"""The Cedar policy of one run at one role, and the entities it is decided on.

The text is the same for every run: what differs stands in the entities. Default deny: one rule permits, and
each `forbid` carries the id of the rule in `rules.toml` that it enforces. No column's name is in text or
entities: a lineage is named after the uses of its fields ("feature", "label"), its columns are in the grants.

    Party::"bank"          who sends: which message types this plan has, for which purposes there are grants
    Lineage::"feature"     the fields of a use that the run reads: the forms that all of them may leave in,
                           the strictest of their grades, whether they are personal, and to whom a grant lets
                           something of all of them go for which operation
    context                what is sent now: type, form, operation, purpose, recipient, the border it crosses
                           and by which mechanism, and what was counted and looked at, each as yes or no

Source: Cedar 4 (docs.cedarpolicy.com); Cutler et al., OOPSLA 2024.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from federation import files
from federation.governance.authorisation import Authorisation
from federation.governance.grant import Grant
from federation.governance.manifest import FieldFacts
from federation.governance.terms import Form, Mechanism, National, Operation, Personal, Use
from federation.ids import PartyId

#: Every rule that the policy forbids by, in the order in which a refusal names them.
RULES = (
    "T-EGRESS-TYPE",
    "T-EGRESS-SIZE",
    "T-EGRESS-CANON",
    "T-EGRESS-CANARY",
    "G-EXPIRED",
    "G-GRANT",
    "G-PURPOSE",
    "G-GRADE",
    "CN-IMPORTANT",
    "G-TRANSFER",
    "G-LIMIT",
)

TEXT = """\
@id("allow")
permit(principal is Party, action == Action::"send", resource is Lineage);

@id("T-EGRESS-TYPE")
forbid(principal, action, resource)
unless { principal.types.contains(context.type) && context.expected };

@id("T-EGRESS-SIZE")
forbid(principal, action, resource)
unless { context.within_size };

@id("T-EGRESS-CANON")
forbid(principal, action, resource)
unless { context.canonical };

@id("T-EGRESS-CANARY")
forbid(principal, action, resource)
unless { context.no_canary };

@id("G-EXPIRED")
forbid(principal, action, resource)
unless { context.in_force };

@id("G-GRANT")
forbid(principal, action, resource)
unless { resource.granted.contains({to: context.to, operation: context.operation}) };

@id("G-PURPOSE")
forbid(principal, action, resource)
unless { principal.purposes.contains(context.purpose) };

@id("G-GRADE")
forbid(principal, action, resource)
unless { resource.forms.contains(context.form) && resource.grade != "core" };

@id("CN-IMPORTANT")
forbid(principal, action, resource)
when {
    resource.grade == "important" &&
    context.origin == "CN" &&
    context.destination != context.origin &&
    context.mechanism != "cn-security-assessment"
};

@id("G-TRANSFER")
forbid(principal, action, resource)
when { context.form != "control" && context.destination != context.origin && context.mechanism == "" };

@id("G-LIMIT")
forbid(principal, action, resource)
unless { context.within_bytes };
"""

#: In what forms something of the parties' data may leave the aggregator, which has none of its own.
AGGREGATOR_FORMS = (Form.CONTROL, Form.AGGREGATE, Form.PREDICATE)

#: The lineage of what carries nothing of any field.
NOTHING = "nothing"


def lineage_name(uses: Iterable[Use]) -> str:
    """What the lineage of fields of these uses is called in requests and entities."""
    return "+".join(sorted(use.value for use in uses)) or NOTHING


@dataclass(frozen=True, slots=True)
class Lineage:
    """The fields of some uses that a run reads. `digest` binds dataset, manifest and columns, unnamed."""

    columns: frozenset[str]
    forms: frozenset[Form]
    grade: National
    personal: Personal
    digest: bytes

    @staticmethod
    def of(authorisation: Authorisation, uses: Collection[Use]) -> Lineage:
        """Of the fields that the order reads. Without any: nothing is carried, in whatever form."""
        facts = authorisation.manifest.fields
        used = {name: facts[name] for name in sorted(authorisation.columns) if facts[name].use in uses}
        return Lineage(
            frozenset(used),
            _forms(used.values()),
            max((each.grades.strictest for each in used.values()), default=National.GENERAL, key=_rank),
            max((each.personal for each in used.values()), default=Personal.NONE, key=_rank),
            _lineage_digest(authorisation, list(used)),
        )


def entities_of(
    me: PartyId,
    authorisation: Authorisation,
    types: Collection[str],
    lineages: Mapping[str, Lineage],
) -> bytes:
    """The entities as canonical JSON, in Cedar's form."""
    purposes = sorted({grant.purpose for grant in authorisation.grants})
    found = [entity("Party", me, types=sorted(types), purposes=purposes)]
    for name, lineage in sorted(lineages.items()):
        granted = granted_to(authorisation, lineage.columns)
        found.append(
            entity(
                "Lineage",
                name,
                forms=sorted(form.value for form in lineage.forms),
                grade=lineage.grade.value,
                personal=lineage.personal.value,
                granted=[{"to": to, "operation": operation.value} for to, operation in granted],
            )
        )
    return files.canonical_json(found)


def granted_to(authorisation: Authorisation, columns: Collection[str]) -> list[tuple[str, Operation]]:
    """To whom, for which operation, all of `columns` may go, under one grant or several together.

    Of no column: whoever a grant names, for anything.
    """
    granted: dict[tuple[str, Operation], set[str]] = {}
    for grant in _for_the_purpose(authorisation):
        operations = grant.operations if columns else tuple(Operation)
        for to in grant.to:
            for operation in operations:
                granted.setdefault((to, operation), set()).update(_covered(grant, columns))
    found = (key for key, covered in granted.items() if covered >= set(columns))
    return sorted(found, key=lambda key: (key[0], key[1].value))


def grants_behind(
    authorisation: Authorisation, to: PartyId, operation: Operation, columns: Collection[str]
) -> tuple[str, ...]:
    """The ids of the grants under which something of `columns` goes to `to` for `operation`."""
    return tuple(
        sorted(
            grant.id
            for grant in _for_the_purpose(authorisation)
            if to in grant.to
            and (not columns or (operation in grant.operations and _covered(grant, columns)))
        )
    )


def mechanism_for(authorisation: Authorisation, to: PartyId, destination: str, today: dt.date) -> str:
    """By what a border is crossed today, as the grants to `to` say; "" when by nothing that is valid."""
    origin = authorisation.manifest.party.jurisdiction
    return mechanism_by(_for_the_purpose(authorisation), to, origin, destination, today)


def mechanism_by(grants: Iterable[Grant], to: str, origin: str, destination: str, today: dt.date) -> str:
    """By what the border from `origin` is crossed under these grants; as `mechanism_for`."""
    valid = {
        transfer.mechanism
        for grant in grants
        for transfer in grant.transfers
        if to in grant.to
        and (transfer.origin, transfer.destination) == (origin, destination)
        and transfer.valid_until >= today
    }
    if Mechanism.CN_ASSESSMENT in valid:  # Where there is one, nothing else says more.
        return Mechanism.CN_ASSESSMENT.value
    return min((mechanism.value for mechanism in valid), default="")


def sha256(data: bytes) -> str:
    """Hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _for_the_purpose(authorisation: Authorisation) -> list[Grant]:
    return [grant for grant in authorisation.grants if grant.purpose == authorisation.purpose]


def _covered(grant: Grant, columns: Collection[str]) -> set[str]:
    return set(columns) if "*" in grant.fields else set(columns) & set(grant.fields)


def _forms(facts: Iterable[FieldFacts]) -> frozenset[Form]:
    """The forms that every one of the fields may leave in; control messages say nothing of any."""
    permitted = [frozenset(each.egress) for each in facts]
    return frozenset(Form).intersection(*permitted) | {Form.CONTROL}


def _lineage_digest(authorisation: Authorisation, columns: list[str]) -> bytes:
    return lineage_digest(authorisation.manifest.dataset.id, authorisation.manifest.digest, columns)


def lineage_digest(dataset: str, manifest: str, columns: list[str]) -> bytes:
    """What binds a message to columns, in their order, of one version (SHA-256) of a dataset's manifest."""
    return hashlib.sha256(
        files.canonical_json({"dataset": dataset, "manifest": manifest, "columns": columns})
    ).digest()


def _rank(grade: National | Personal) -> int:
    return [*type(grade)].index(grade)


def entity(kind: str, name: str, **attributes: Any) -> dict[str, Any]:
    """One entity in the JSON form of Cedar, without parents."""
    return {"uid": {"type": kind, "id": name}, "attrs": attributes, "parents": []}
