"""The shipped JSON Schema is what the models say, and refuses what they refuse."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from federation.governance.schema import SCHEMA_FILE, schema, text
from tests.federation.governance.samples import manifest, table

VALIDATOR = Draft202012Validator(json.loads(SCHEMA_FILE.read_bytes()))


def test_the_shipped_file_is_what_the_models_say() -> None:
    assert SCHEMA_FILE.read_bytes() == text(), "run federation.governance.schema.write() after a change"
    Draft202012Validator.check_schema(schema())


def test_a_manifest_is_valid() -> None:
    VALIDATOR.validate(table())
    VALIDATOR.validate(json.loads(manifest().canonical()))


@pytest.mark.parametrize(
    "changed",
    [
        {"fields__balance__grades__gbt43697": "core"},
        {"fields__balance__grades__jrt0197": 5},
        {"fields__balance__grades__nfra": "core"},
        {"fields__balance__grades__miit": "core"},
        {"fields__balance__use": "never"},
        {"fields__balance__egress": ["control"]},
        {"fields__balance__egress": ["aggregate", "aggregate"]},
        {"fields__balance__egress": ["rows"]},
        {"dataset__retention__evidence_days": 1094},
        {"table__min_cohort": 1},
        {"table__notes": "x"},
        {"fields": {}},
        {"fields__balance__personal": None},
        {"dataset__residency__keys": None},
        {"dataset__subjects__persons": {"China": {"personal": 1, "sensitive": 0}}},
        {"manifest": "isthmus.manifest/v2"},
    ],
)
def test_a_rule_that_json_schema_can_say_it_says(changed: dict[str, object]) -> None:
    broken = table(**changed)
    assert not VALIDATOR.is_valid(broken)
    with pytest.raises(ValueError, match="validation error"):
        manifest(**changed)
