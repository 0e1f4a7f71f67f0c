"""A manifest as an owner would have written it, to be changed by tests."""

from __future__ import annotations

import copy
import json
from typing import Any

from federation.governance.manifest import Manifest

_TABLE: dict[str, Any] = {
    "manifest": "isthmus.manifest/v1",
    "party": {
        "id": "bank",
        "legal_name": "Lakeside Commercial Bank",
        "jurisdiction": "CN",
        "kind": "bank",
        "place": "CN-GD",
        "ciio": "yes",
    },
    "dataset": {
        "id": "loans",
        "version": "2026-06-30",
        "collected_in": ["CN"],
        "residency": {"store": ["CN"], "process": ["CN"], "keys": ["CN"]},
        "subjects": {
            "kinds": ["legal-person", "sole-trader"],
            "persons": {"CN": {"personal": 812, "sensitive": 812}},
        },
        "rights": {
            "holding": {"holder": "bank", "basis": "own-collection"},
            "processing": {"holder": "bank", "basis": "contract", "until": "2027-06-30"},
            "operating": {
                "holder": "bank",
                "basis": "registration",
                "certificate": {"title": "entry 7", "sha256": "0" * 64},
            },
        },
        "retention": {"data_until": "2027-06-30"},
    },
    "table": {"key": "uscc", "rows": 18240, "min_cohort": 50},
    "fields": {
        "uscc": {
            "use": "key",
            "type": "text",
            "grades": {"gbt43697": "general", "jrt0197": 2, "nfra": "other-general"},
            "personal": "none",
            "egress": ["psi-token"],
        },
        "balance": {
            "use": "feature",
            "type": "number",
            "unit": "CNY",
            "grades": {"gbt43697": "general", "jrt0197": 3, "nfra": "sensitive-general"},
            "personal": "none",
            "egress": ["encrypted-update", "aggregate"],
        },
        "owner_id_no": {
            "use": "never",
            "type": "text",
            "grades": {"gbt43697": "general", "jrt0197": 4, "nfra": "sensitive-general"},
            "personal": "sensitive",
            "egress": [],
        },
    },
}


def table(**changed: object) -> dict[str, Any]:
    """The manifest as JSON has it. `changed`: a path ("table__rows") to its value, None to drop it."""
    made = copy.deepcopy(_TABLE)
    for path, value in changed.items():
        *above, last = path.split("__")
        inner = made
        for part in above:
            inner = inner[part]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    return made


def manifest(**changed: object) -> Manifest:
    """The same as a manifest."""
    return Manifest.model_validate_json(json.dumps(table(**changed)), strict=True)
