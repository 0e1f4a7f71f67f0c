"""A grant as an ODRL 2.2 agreement (W3C Recommendation, 15 February 2018) in JSON-LD, with W3C DPV 2.1 terms.

Each recipient has a permission of its own, so that its place and the mechanism of its border are its own too.
ODRL does not forbid what it does not permit, as a grant does; two prohibitions say so. What ODRL and the Data
Privacy Vocabulary have no word for is in the project's vocabulary, each word with its meaning in `glossary`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from federation.governance.grant import Grant, LegalBasis, Transfer
from federation.governance.terms import Operation, Regime
from federation.ids import AGGREGATOR
from federation.ledger.exports.names import NAMESPACE, urn

Json: TypeAlias = dict[str, Any]

CONTEXT: list[str | dict[str, str]] = [
    "http://www.w3.org/ns/odrl.jsonld",
    {
        "dcterms": "http://purl.org/dc/terms/",
        "dpv": "https://w3id.org/dpv#",
        "isthmus": NAMESPACE,
        "loc": "https://w3id.org/dpv/loc#",
        "odrl": "http://www.w3.org/ns/odrl/2/",
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    },
]
#: Which processing of the DPV each operation is (narrower than it).
PROCESSING: Mapping[Operation, str] = {
    Operation.PSI: "dpv:Match",
    Operation.TRAIN_VERTICAL: "dpv:Analyse",
    Operation.TRAIN_HORIZONTAL: "dpv:Analyse",
    Operation.EVALUATE: "dpv:Assess",
    Operation.SCORE: "dpv:Infer",
    Operation.EXPORT: "dpv:Export",
    Operation.VALUE: "dpv:Assess",
    Operation.CONFIRM: "dpv:Query",
    Operation.AUDIT: "dpv:Consult",
}
#: Purposes that the DPV has a term for; any other is a `dpv:Purpose` of the grant's own name.
PURPOSES: Mapping[str, str] = {
    "credit-scoring": "dpv:CreditChecking",
    "fraud-detection": "dpv:FraudPreventionAndDetection",
}
_MEANINGS: Mapping[str, str] = {
    "isthmus:psi": "Find which records two parties have in common; neither learns the others.",
    "isthmus:train-vertical": "Train a model over common records, each party with its own columns.",
    "isthmus:train-horizontal": "Train one model, each party on its own rows.",
    "isthmus:evaluate": "Measure how good a model is.",
    "isthmus:score": "Compute joint scores, opened to the party that holds the outcomes.",
    "isthmus:export": "Hold this party's points of a scorecard and use them without it.",
    "isthmus:value": "Measure what each party's data is worth to a model.",
    "isthmus:confirm": "Ask whether a fact about a record is true.",
    "isthmus:audit": "Examine how a model was made.",
    "isthmus:field": "A column of the dataset; * stands for each that the manifest lets out in some form.",
    "isthmus:rounds": "Attempts and training rounds, summed over all runs.",
    "isthmus:psiRuns": "Alignments of records, over all runs.",
    "isthmus:epsilon": "Differential privacy spent, summed over all runs.",
    "isthmus:equationsPerRow": "Equations about one row that others come to hold, summed over all runs.",
    "isthmus:egressBytes": "Bytes that leave the owner, over all runs.",
    "isthmus:parties": "Parties in a run, the owner included.",
    "isthmus:takeOutRow": "Let a row of the data leave its owner, in clear or in any other form.",
    "isthmus:keepCosignedLedger": "Log each run in a ledger whose checkpoints the other members co-sign.",
    "isthmus:stopWhenRevoked": "Send nothing more under the grant once its owner has taken it back.",
    "isthmus:fingerprint": "What the recipient's identity key is known by, whatever its name.",
    "isthmus:federation": "The federation in which the grant holds, and in no other.",
    "isthmus:grantSha256": "SHA-256 of the signed grant, which alone is binding.",
    "isthmus:manifestSha256": "SHA-256 of the dataset's manifest; the grant lapses when that is changed.",
    "isthmus:evidenceSha256": "SHA-256 of the document that shows it; the owner holds the document.",
    "isthmus:purpose": "What the owner allows it for, in the grant's own word.",
    "isthmus:law": "The law under which the ground is given, as the grant names it.",
    "isthmus:separateConsent": "Whether each person agreed to this in particular.",
    "isthmus:mechanism": "What makes the way across a border lawful, as the grant names it.",
    "isthmus:origin": "The place that data leaves.",
    "isthmus:destination": "The place that it goes to.",
    "isthmus:validUntil": "The last day of it.",
    "isthmus:revokedAt": "When the owner took the grant back.",
    "isthmus:relay": "Pass on sealed messages between the members; hold no key that opens them.",
}
#: Limit -> left operand, operator.
_LIMITS: Mapping[str, tuple[str, str]] = {
    "min_parties": ("isthmus:parties", "gteq"),
    "max_runs": ("count", "lteq"),
    "max_rounds": ("isthmus:rounds", "lteq"),
    "max_psi_runs": ("isthmus:psiRuns", "lteq"),
    "max_epsilon": ("isthmus:epsilon", "lteq"),
    "max_equations_per_row": ("isthmus:equationsPerRow", "lteq"),
    "max_egress_bytes": ("isthmus:egressBytes", "lteq"),
}


def agreement(grant: Grant, envelope_sha256: str, revoked_at: dt.datetime | None = None) -> Json:
    """The grant. `envelope_sha256`: of the signed file; `revoked_at`: when its owner took it back, if so.

    Titles and holders of documents stay out; their digests are in. The reason of a revocation stays out.
    """
    uid = urn("grant", grant.owner, grant.id, envelope_sha256)
    document: Json = {
        "@context": CONTEXT,
        "@type": "Agreement",
        "uid": uid,
        "profile": NAMESPACE,
        "conflict": "prohibit",
        "rdfs:label": f"Grant {grant.id}: what {grant.owner} allows with its dataset {grant.dataset}",
        "isthmus:grantSha256": envelope_sha256,
        "isthmus:federation": grant.federation,
        "assigner": _party(grant.owner),
        "target": _target(grant),
        "isthmus:purpose": grant.purpose,
        "dpv:hasPurpose": _purpose(grant),
        "dpv:hasProcessing": [
            {"@id": term} for term in sorted({PROCESSING[each] for each in grant.operations})
        ],
        "dpv:hasLegalBasis": [
            *(_ground(basis) for basis in grant.legal_basis),
            *(_border(transfer) for transfer in grant.transfers),
        ],
        "permission": [_permission(grant, name, revoked_at) for name in sorted(grant.to)],
        "prohibition": _prohibitions(grant),
        "obligation": _obligations(grant),
    }
    if revoked_at is not None:
        document["isthmus:revokedAt"] = _moment(revoked_at)
    document["isthmus:glossary"] = list(_glossary(document))
    return document


def _permission(grant: Grant, name: str, revoked_at: dt.datetime | None) -> Json:
    """What one recipient may do. Where several mechanisms serve its border, the latest of them counts."""
    recipient = grant.to[name]
    place = recipient.place
    constraints = [
        _constraint("purpose", "isA", {"@id": _purpose_id(grant)}),
        _constraint("spatial", "eq", {"@id": f"loc:{place}"}),
        _constraint("dateTime", "gteq", _moment(grant.valid_from)),
        _constraint("dateTime", "lt", _moment(grant.valid_until)),
    ]
    if revoked_at is not None:
        constraints.append(_constraint("dateTime", "lt", _moment(revoked_at)))
    days = [each.valid_until for each in grant.transfers if each.destination == place]
    if days:
        constraints.append(
            _constraint("dateTime", "lteq", {"@type": "xsd:date", "@value": max(days).isoformat()})
        )
    constraints += _limits(grant)
    relayed = ["isthmus:relay"] if name == AGGREGATOR else []
    return {
        "uid": urn("permission", grant.owner, grant.id, name),
        "assignee": {
            **_party(name),
            "isthmus:fingerprint": recipient.fingerprint,
            "partOf": urn("recipients", grant.owner, grant.id),
        },
        "action": [*relayed, *(f"isthmus:{each.value}" for each in grant.operations)],
        "constraint": constraints,
    }


def _limits(grant: Grant) -> Iterator[Json]:
    for limit, amount in grant.limits.model_dump(exclude_none=True).items():
        left, operator = _LIMITS[limit]
        kind = "xsd:integer" if isinstance(amount, int) else "xsd:decimal"
        value = str(amount) if isinstance(amount, int) else format(Decimal(repr(amount)), "f")
        yield _constraint(left, operator, {"@type": kind, "@value": value})


def _prohibitions(grant: Grant) -> list[Json]:
    return [
        {
            "uid": urn("prohibition", grant.owner, grant.id, "purpose"),
            "assignee": _recipients(grant),
            "action": "use",
            "constraint": [_constraint("purpose", "neq", {"@id": _purpose_id(grant)})],
            "rdfs:label": "For no other purpose",
        },
        {
            "uid": urn("prohibition", grant.owner, grant.id, "rows"),
            "assignee": _recipients(grant),
            "action": "isthmus:takeOutRow",
            "rdfs:label": "No row leaves its owner",
        },
    ]


def _obligations(grant: Grant) -> list[Json]:
    return [
        {
            "uid": urn("obligation", grant.owner, grant.id, action),
            "assignee": _recipients(grant),
            "action": f"isthmus:{action}",
            "rdfs:label": label,
        }
        for action, label in (
            ("keepCosignedLedger", "Every run stands in a ledger that the others co-sign"),
            ("stopWhenRevoked", "Nothing more leaves once the grant is taken back"),
        )
    ]


def _target(grant: Grant) -> Json:
    return {
        "@type": "AssetCollection",
        "source": urn("dataset", grant.owner, grant.dataset),
        "rdfs:label": f"Dataset {grant.dataset} of {grant.owner}",
        "isthmus:manifestSha256": grant.manifest_sha256,
        "refinement": [_constraint("isthmus:field", "isAnyOf", list(grant.fields))],
    }


def _party(name: str) -> Json:
    return {"@type": "Party", "uid": urn("party", name), "rdfs:label": name}


def _recipients(grant: Grant) -> Json:
    return {
        "@type": "PartyCollection",
        "uid": urn("recipients", grant.owner, grant.id),
        "rdfs:label": f"All to whom grant {grant.id} is",
    }


def _purpose_id(grant: Grant) -> str:
    return PURPOSES.get(grant.purpose, f"isthmus:purpose-{grant.purpose}")


def _purpose(grant: Grant) -> Json:
    if grant.purpose in PURPOSES:
        return {"@id": _purpose_id(grant)}
    return {"@id": _purpose_id(grant), "@type": "dpv:Purpose", "rdfs:label": grant.purpose}


def _ground(basis: LegalBasis) -> Json:
    """A legal basis, named as the grant names it; which of the DPV's grounds it is, a lawyer says."""
    found: Json = {
        "@type": "dpv:LegalBasis",
        "isthmus:law": basis.regime.value,
        "dcterms:description": basis.basis,
        "isthmus:separateConsent": basis.separate_consent,
        "isthmus:evidenceSha256": basis.evidence.sha256,
    }
    if basis.regime is Regime.NOT_PERSONAL:
        found["dpv:hasData"] = {"@id": "dpv:NonPersonalData"}
    return found


def _border(transfer: Transfer) -> Json:
    return {
        "@type": "dpv:DataTransferLegalBasis",
        "isthmus:mechanism": transfer.mechanism.value,
        "isthmus:origin": {"@id": f"loc:{transfer.origin}"},
        "isthmus:destination": {"@id": f"loc:{transfer.destination}"},
        "isthmus:validUntil": {"@type": "xsd:date", "@value": transfer.valid_until.isoformat()},
        "isthmus:evidenceSha256": transfer.evidence.sha256,
    }


def _constraint(left: str, operator: str, right: object) -> Json:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _moment(at: dt.datetime) -> Json:
    return {"@type": "xsd:dateTime", "@value": f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"}


def _glossary(document: Json) -> Iterator[Json]:
    """The meaning of each word of this project's that the document uses, the DPV's broader term beside it."""
    used = set(_texts(document))
    broader = {f"isthmus:{each.value}": term for each, term in PROCESSING.items()}
    for word in sorted(used & set(_MEANINGS)):
        entry: Json = {"@id": word, "skos:definition": _MEANINGS[word]}
        if word in broader:
            entry["@type"] = "Action"
            entry["odrl:includedIn"] = {"@id": "odrl:use"}
            entry["skos:broader"] = {"@id": broader[word]}
        yield entry


def _texts(value: object) -> Iterator[str]:
    """Every name and every text in the document."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value
