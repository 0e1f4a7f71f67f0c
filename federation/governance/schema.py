"""The JSON Schema of a manifest (2020-12): for editors, and for programs that are not ours.

The file beside this one is shipped and versioned; a test holds it against the models. It describes the JSON
form, in which a date is a text. What a schema cannot say, only `federation.governance.manifest` checks: that
`table.key` names a field of use "key".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from federation import files
from federation.governance.manifest import Manifest

SCHEMA_FILE = Path(__file__).with_name("manifest.v1.schema.json")

_NOTHING_LEAVES = {"properties": {"egress": {"maxItems": 0}}}


def schema() -> dict[str, Any]:
    """The schema, from the models and the rules between their fields."""
    made = Manifest.model_json_schema()
    made["$defs"]["Subjects"]["properties"]["persons"]["additionalProperties"] = False
    field = made["$defs"]["FieldFacts"]
    forms = field["properties"]["egress"]
    forms["uniqueItems"] = True
    forms["items"] = {"allOf": [forms["items"], {"not": {"const": "control"}}]}
    field["allOf"] = [
        {"if": condition, "then": _NOTHING_LEAVES}
        for condition in (
            _says("use", "never"),
            _graded("gbt43697", "core"),
            _graded("miit", "core"),
            _graded("nfra", "core"),
            _graded("jrt0197", 5),
        )
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:isthmus:manifest:v1",
        **made,
        "title": "Manifest of one dataset, version 1",
    }


def text() -> bytes:
    """The schema as the shipped file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False).encode() + b"\n"


def write() -> None:
    """Write the shipped file anew, after a change of the models."""
    files.write(SCHEMA_FILE, text())


def _says(name: str, value: object) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"const": value}}}


def _graded(system: str, value: object) -> dict[str, Any]:
    return {"required": ["grades"], "properties": {"grades": _says(system, value)}}
