"""A data contract says what a manifest says of columns, rows, time and rights: no cell, no reason."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from federation.governance.manifest import Manifest
from federation.governance.terms import Use
from federation.ledger.exports import odcs
from tests.federation.governance.samples import manifest

_TEXT = {"type": "string", "minLength": 1}
_CUSTOM = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"property": {"type": "string", "pattern": "^[a-z][A-Za-z0-9]*$"}, "value": {}},
        "required": ["property", "value"],
        "additionalProperties": False,
    },
}
_COLUMN = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "logicalType": {"enum": ["string", "date", "number", "boolean"]},
        "description": _TEXT,
        "classification": _TEXT,
        "primaryKey": {"type": "boolean"},
        "primaryKeyPosition": {"type": "integer"},
        "required": {"type": "boolean"},
        "unique": {"type": "boolean"},
        "tags": {"type": "array", "items": _TEXT},
        "customProperties": _CUSTOM,
    },
    "required": ["name"],
    "additionalProperties": False,
}
_QUALITY = {
    "type": "object",
    "properties": {
        "name": _TEXT,
        "type": {"enum": ["text", "library"]},
        "metric": {"enum": ["rowCount"]},
        "mustBe": {"type": "integer"},
        "unit": _TEXT,
        "dimension": {"enum": ["completeness"]},
        "description": _TEXT,
        "businessImpact": _TEXT,
        "customProperties": _CUSTOM,
    },
    "additionalProperties": False,
    "if": {"properties": {"type": {"const": "library"}}},
    "then": {"required": ["metric", "mustBe"]},
}
#: Of ODCS 3.1 the parts that a manifest fills, closed: whatever the standard has no place for is refused.
STRUCTURE = {
    "type": "object",
    "properties": {
        "kind": {"const": "DataContract"},
        "apiVersion": {"const": "v3.1.0"},
        **dict.fromkeys(("id", "name", "version", "status", "tenant", "domain", "dataProduct"), _TEXT),
        "description": {
            "type": "object",
            "properties": dict.fromkeys(("purpose", "usage", "limitations"), _TEXT),
            "additionalProperties": False,
        },
        "schema": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": _TEXT,
                    "logicalType": {"const": "object"},
                    "physicalType": _TEXT,
                    "properties": {"type": "array", "items": _COLUMN},
                    "quality": {"type": "array", "items": _QUALITY},
                },
                "required": ["name"],
                "additionalProperties": False,
            },
        },
        "slaProperties": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    **dict.fromkeys(("property", "unit", "element", "driver", "description"), _TEXT),
                    "value": {"type": ["string", "integer"]},
                },
                "required": ["property", "value"],
                "additionalProperties": False,
            },
        },
        "roles": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    **dict.fromkeys(("role", "access", "description"), _TEXT),
                    "customProperties": _CUSTOM,
                },
                "required": ["role"],
                "additionalProperties": False,
            },
        },
        "customProperties": _CUSTOM,
    },
    "required": ["version", "apiVersion", "kind", "id"],
    "additionalProperties": False,
}


def column(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in document["schema"][0]["properties"] if each["name"] == name)
    return dict(found)


def facts(part: dict[str, Any]) -> dict[str, Any]:
    return {each["property"]: each["value"] for each in part["customProperties"]}


def test_it_has_the_structure_of_the_standard() -> None:
    full = manifest(
        fields__balance__derived_from=["uscc"],
        fields__balance__category="finance/account",
        dataset__title="Loans",
        table__rows=0,
    )
    for each in (manifest(), full):
        Draft202012Validator(STRUCTURE).validate(odcs.contract(each))


def test_every_column_is_there_with_its_grades_and_the_forms_in_which_it_may_leave() -> None:
    document = odcs.contract(manifest())
    assert [each["name"] for each in document["schema"][0]["properties"]] == [
        "uscc",
        "balance",
        "owner_id_no",
    ]
    assert facts(column(document, "balance"))["mayLeaveAs"] == ["encrypted-update", "aggregate"]
    assert facts(column(document, "balance"))["jrt0197"] == 3
    assert column(document, "uscc")["primaryKey"] is True
    person = column(document, "owner_id_no")
    assert facts(person)["mayLeaveAs"] == []
    assert person["tags"] == ["personal-data"]


def test_a_column_s_classification_is_the_strictest_of_its_grades() -> None:
    graded = {"gbt43697": "general", "nfra": "important"}
    document = odcs.contract(manifest(fields__balance__grades=graded))
    assert column(document, "balance")["classification"] == "important"
    assert facts(document)["highestNfra"] == "important"


def test_rows_cohort_and_retention_are_those_of_the_manifest() -> None:
    document = odcs.contract(manifest())
    rows, cohort = document["schema"][0]["quality"]
    assert rows["mustBe"] == 18240
    assert "at least 50 rows" in cohort["description"]
    service = {each["property"]: each["value"] for each in document["slaProperties"]}
    assert service == {"endOfLife": "2027-06-30", "retention": 1095}


def test_each_of_the_three_rights_has_its_holder_and_ground() -> None:
    rights = {each["role"]: facts(each) for each in odcs.contract(manifest())["roles"]}
    assert rights["processing"] == {"holder": "bank", "basis": "contract", "until": "2027-06-30"}
    assert rights["operating"]["certificateSha256"] == "0" * 64


def test_neither_reasons_nor_titles_nor_numbers_of_persons_are_in_it() -> None:
    told = ["94 % of values are ids of persons, such as Mei Lin"]
    text = json.dumps(odcs.contract(manifest(fields__owner_id_no__reasons=told)))
    assert "Mei Lin" not in text
    assert "entry 7" not in text
    assert "812" not in text


def test_the_id_stays_when_the_version_changes() -> None:
    first, second = odcs.contract(manifest()), odcs.contract(manifest(dataset__version="2026-09-30"))
    assert first["id"] == second["id"]
    assert (first["version"], second["version"]) == ("2026-06-30", "2026-09-30")
    assert facts(first)["manifestSha256"] != facts(second)["manifestSha256"]


def test_a_manifest_that_was_written_and_read_gives_the_same_contract() -> None:
    again = Manifest.model_validate_json(manifest().canonical())
    assert odcs.contract(again) == odcs.contract(manifest())
    assert odcs.yaml(odcs.contract(again)) == odcs.yaml(odcs.contract(again))


def test_yaml_reads_back_as_what_was_written() -> None:
    document = odcs.contract(manifest(dataset__title="贷款: no, 1_000, ~ # \x85\u2028 'x' \U0001f600"))
    assert yaml.safe_load(odcs.yaml(document)) == document


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.from_regex(r"[a-z]{2,8}x", fullmatch=True), inner),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z]{2,8}x", fullmatch=True), _ANY, min_size=1))
def test_any_text_survives_yaml(document: dict[str, Any]) -> None:
    assert yaml.safe_load(odcs.yaml(document)) == document


@pytest.mark.parametrize("use", list(Use))
def test_every_use_is_told_in_words(use: Use) -> None:
    assert odcs._USES[use].endswith(".")


def test_a_date_is_written_as_a_text_and_not_as_a_date_of_yaml() -> None:
    read = yaml.safe_load(odcs.yaml(odcs.contract(manifest())))
    assert not isinstance(read["slaProperties"][0]["value"], dt.date)
