"""A manifest as a data contract of the Open Data Contract Standard 3.1 (Bitol, Linux Foundation).

Whoever catalogues data reads from it what columns there are, how they are graded, how many rows stand behind
every figure, how long the data is kept and who holds which right. It promises no access: the data is used
where it is, under grants. The owner's reasons for a grade, and the titles of documents, stay out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from federation.governance.manifest import FieldFacts, FieldType, Manifest, Right
from federation.governance.terms import Personal, Use
from federation.ledger.exports.names import identifier

Json: TypeAlias = dict[str, Any]

API_VERSION = "v3.1.0"
_TYPES: Mapping[FieldType, str] = {
    "number": "number",
    "flag": "boolean",
    "category": "string",
    "text": "string",
    "date": "date",
}
_USES: Mapping[Use, str] = {
    Use.KEY: "Identifies a record; only blinded tokens of it are compared.",
    Use.FEATURE: "Goes into a model.",
    Use.LABEL: "The outcome that a model learns.",
    Use.WEIGHT: "How much a record counts.",
    Use.STRATUM: "Parts the records into groups.",
    Use.NEVER: "Stays in the table; no part of it leaves in any form.",
}
#: What JSON leaves in a text as it is, and YAML would refuse or take for the end of a line.
_NOT_PRINTED = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_RIGHTS = {
    "holding": "Holds the data.",
    "processing": "May process the data.",
    "operating": "May offer products made from the data.",
}


def contract(manifest: Manifest) -> Json:
    """The contract. Its id stays with the dataset, its version is the manifest's."""
    party, dataset = manifest.party, manifest.dataset
    return {
        "kind": "DataContract",
        "apiVersion": API_VERSION,
        "id": identifier("contract", party.id, dataset.id),
        "name": dataset.title or f"{dataset.id} of {party.id}",
        "version": dataset.version,
        "status": "active",
        "tenant": party.id,
        "domain": party.kind.value,
        "dataProduct": dataset.id,
        "description": {
            "purpose": "Data that its owner lets others compute with in a federation, where it is.",
            "usage": "Only under a grant that the owner signed, for the purpose that it names.",
            "limitations": "No row leaves its owner. In what forms something of a column may: mayLeaveAs.",
        },
        "schema": [_table(manifest)],
        "slaProperties": _service(manifest),
        "roles": [_role(name, getattr(dataset.rights, name), told) for name, told in _RIGHTS.items()],
        "customProperties": _custom(
            manifestSha256=manifest.digest,
            owner=party.legal_name,
            jurisdiction=party.jurisdiction,
            collectedIn=list(dataset.collected_in),
            storedIn=list(dataset.residency.store),
            processedIn=list(dataset.residency.process),
            keysIn=list(dataset.residency.keys),
            subjects=[kind.value for kind in dataset.subjects.kinds],
            notifiedImportant=dataset.notified_important,
            **_grades(manifest),
        ),
    }


def yaml(document: Json) -> str:
    """The document as YAML 1.2 in block style; texts are written as in JSON, which YAML reads as they are."""
    return "".join(f"{line}\n" for line in _block(document, 0))


def _table(manifest: Manifest) -> Json:
    """The table; its key first, then its columns by name: a manifest's digest knows no other order."""
    facts = manifest.table
    columns = sorted(manifest.fields.items(), key=lambda each: (each[0] != facts.key, each[0]))
    return {
        "name": manifest.dataset.id,
        "logicalType": "object",
        "physicalType": "table",
        "properties": [_column(name, field, name == facts.key) for name, field in columns],
        "quality": [
            {
                "name": "rows",
                "type": "library",
                "metric": "rowCount",
                "mustBe": facts.rows,
                "unit": "rows",
                "dimension": "completeness",
                "description": "The rows of this version.",
            },
            {
                "name": "min_cohort",
                "type": "text",
                "description": f"Every aggregate that leaves covers at least {facts.min_cohort} rows.",
                "businessImpact": "regulatory",
                "customProperties": _custom(minCohort=facts.min_cohort),
            },
        ],
    }


def _column(name: str, field: FieldFacts, is_key: bool) -> Json:
    found: Json = {
        "name": name,
        "logicalType": _TYPES[field.type],
        "description": _USES[field.use],
        "classification": field.grades.strictest.value,
    }
    if is_key:
        found |= {"primaryKey": True, "primaryKeyPosition": 1, "required": True, "unique": True}
    facts: Json = {"use": field.use.value, "personal": field.personal.value}
    facts |= field.grades.model_dump(mode="json", exclude_none=True)
    facts["mayLeaveAs"] = [form.value for form in field.egress]
    facts |= {key: value for key, value in (("unit", field.unit), ("category", field.category)) if value}
    if field.derived_from:
        facts["derivedFrom"] = list(field.derived_from)
    if field.personal is not Personal.NONE:
        found["tags"] = ["personal-data"]
    found["customProperties"] = _custom(**facts)
    return found


def _service(manifest: Manifest) -> list[Json]:
    kept = manifest.dataset.retention
    return [
        {
            "property": "endOfLife",
            "value": kept.data_until.isoformat(),
            "element": manifest.dataset.id,
            "driver": "regulatory",
            "description": "The data is kept until this day.",
        },
        {
            "property": "retention",
            "value": kept.evidence_days,
            "unit": "d",
            "driver": "regulatory",
            "description": "What runs left of evidence is kept for so many days.",
        },
    ]


def _role(name: str, right: Right, told: str) -> Json:
    facts: Json = {"holder": right.holder, "basis": right.basis.value}
    if right.until is not None:
        facts["until"] = right.until.isoformat()
    if right.certificate is not None:
        facts["certificateSha256"] = right.certificate.sha256
    return {"role": name, "access": "none", "description": told, "customProperties": _custom(**facts)}


def _grades(manifest: Manifest) -> Json:
    """The grade of the dataset as a whole: of each system the highest of its columns."""
    grades = manifest.grades.model_dump(mode="json", exclude_none=True)
    return {f"highest{system.capitalize()}": grade for system, grade in grades.items()}


def _custom(**facts: object) -> list[Json]:
    return [{"property": name, "value": value} for name, value in facts.items()]


def _block(value: Mapping[str, Any] | Sequence[Any], depth: int) -> Iterator[str]:
    """The lines of a mapping or a list; an empty one is written by the line that it belongs to."""
    margin = "  " * depth
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _entry(f"{margin}{name}:", inner, depth + 1)
        return
    for inner in value:
        if isinstance(inner, Mapping) and inner:
            lines = list(_block(inner, depth + 1))
            yield f"{margin}- {lines[0].lstrip()}"
            yield from lines[1:]
        else:
            yield f"{margin}- {_scalar(inner)}"


def _entry(head: str, value: object, depth: int) -> Iterator[str]:
    if isinstance(value, Mapping | list) and value:
        yield head
        yield from _block(value, depth)
    else:
        yield f"{head} {_scalar(value)}"


def _scalar(value: object) -> str:
    return _NOT_PRINTED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))
