"""The record of processing activities of a run, from its case (GDPR article 30(1)).

It holds what the case holds: no name of a person and no row. Contact details, and names of representatives
and data protection officers, are for the controller to add to its own register.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from federation import files
from federation.compliance.facts import Case

#: Its name among the files of a case.
RECORD = "record-of-processing.json"


@dataclass(frozen=True, slots=True)
class Record:
    """The record, by the letters of article 30(1)."""

    fields: dict[str, Any]

    def canonical(self) -> bytes:
        """What the file holds."""
        return files.canonical_json(self.fields)

    @property
    def digest(self) -> str:
        """SHA-256 of the file, hexadecimal."""
        return hashlib.sha256(self.canonical()).hexdigest()


def record(case: Case) -> Record:
    """Controllers, purpose, whose and what data, recipients, transfers, periods and measures of a case."""
    return Record(
        {
            "record": "isthmus.record-of-processing/v1",
            "case": case.name,
            "controllers": {name: case.parties[name].jurisdiction for name in sorted(case.data)},
            "purpose": case.purpose,
            "data": {
                name: {
                    "subjects": sorted(kind.value for kind in data.kinds),
                    "personal": data.personal.value,
                    "persons": {place: each.model_dump() for place, each in sorted(data.persons.items())},
                    "collected_in": sorted(data.collected_in),
                    "erased_by": data.data_until.isoformat() if data.data_until else "not said",
                    "evidence_days": data.evidence_days,
                }
                for name, data in sorted(case.data.items())
            },
            "grounds": sorted([each.owner, each.regime, each.basis] for each in case.bases),
            "recipients": {
                owner: sorted({flow.receiver for flow in case.flows if owner in flow.of} - {owner})
                for owner in sorted(case.data)
            },
            "transfers": [
                {
                    "owner": paper.owner,
                    "from": paper.origin,
                    "to": paper.destination,
                    "mechanism": paper.mechanism.value,
                    "document": paper.document or "none",
                }
                for paper in sorted(case.papers, key=lambda each: each.model_dump_json())
            ],
            "measures": sorted({form.value for flow in case.flows for form in flow.forms}),
        }
    )


def with_record(case: Case) -> Case:
    """The case with the record among its files, as whoever gathers it makes it."""
    return case.model_copy(update={"files": {**case.files, RECORD: record(case).digest}})
