"""An agreement says what the grant says: to whom, what for, until when, how often; and no more."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from federation.governance.grant import Grant, GrantLimits
from federation.governance.terms import Operation
from federation.ledger.exports import odrl
from tests.federation.ledger.exports import samples

SHA256 = "12" * 32
#: The left operands and operators of ODRL 2.2 that are used; any other must be the project's own.
ODRL_WORDS = {"purpose", "spatial", "dateTime", "count", "eq", "neq", "gteq", "lteq", "lt", "isA", "isAnyOf"}


def made(**changed: Any) -> dict[str, Any]:
    return odrl.agreement(samples.grant(**changed), SHA256)


def permission(document: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in document["permission"] if each["assignee"]["rdfs:label"] == name)
    return dict(found)


def constraints(rule: dict[str, Any], left: str) -> list[tuple[str, Any]]:
    """Operator and value of each constraint on one left operand."""
    return [
        (each["operator"], each["rightOperand"].get("@value", each["rightOperand"].get("@id")))
        for each in rule["constraint"]
        if each["leftOperand"] == left
    ]


def test_each_recipient_has_a_permission_for_its_own_place() -> None:
    document = made()
    places = {name: constraints(permission(document, name), "spatial") for name in ("registry", "aggregator")}
    assert places == {"registry": [("eq", "loc:SG")], "aggregator": [("eq", "loc:CN")]}
    assert len(document["permission"]) == 2


def test_times_and_limits_are_constraints() -> None:
    rule = permission(made(), "registry")
    assert constraints(rule, "dateTime") == [
        ("gteq", "2026-07-01T00:00:00Z"),
        ("lt", "2027-01-01T00:00:00Z"),
        ("lteq", "2026-11-30"),
    ]
    assert constraints(rule, "count") == [("lteq", "3")]
    assert constraints(rule, "isthmus:rounds") == [("lteq", "40")]
    assert constraints(rule, "isthmus:epsilon") == [("lteq", "1.5")]
    assert constraints(rule, "isthmus:egressBytes") == [("lteq", "50000000")]


def test_a_small_limit_is_written_in_full() -> None:
    rule = permission(made(limits=GrantLimits(max_epsilon=1e-9)), "registry")
    assert constraints(rule, "isthmus:epsilon") == [("lteq", "0.000000001")]


def test_what_has_no_limit_has_no_constraint() -> None:
    rule = permission(made(limits=GrantLimits()), "registry")
    assert {each["leftOperand"] for each in rule["constraint"]} == {
        "purpose",
        "spatial",
        "dateTime",
        "isthmus:parties",
    }


def test_every_limit_of_a_grant_is_exported() -> None:
    assert set(odrl._LIMITS) == set(GrantLimits.model_fields)


def test_another_mechanism_does_not_bind_those_who_do_not_need_it() -> None:
    assert len(constraints(permission(made(), "aggregator"), "dateTime")) == 2


def test_a_revoked_grant_permits_nothing_after_that() -> None:
    at = dt.datetime(2026, 8, 1, 12, tzinfo=dt.UTC)
    document = odrl.agreement(samples.grant(), SHA256, at)
    for rule in document["permission"]:
        assert ("lt", "2026-08-01T12:00:00Z") in constraints(rule, "dateTime")
    assert document["isthmus:revokedAt"]["@value"] == "2026-08-01T12:00:00Z"


def test_other_purposes_and_rows_are_prohibited() -> None:
    purpose, rows = made()["prohibition"]
    assert constraints(purpose, "purpose") == [("neq", "dpv:CreditChecking")]
    assert rows["action"] == "isthmus:takeOutRow"


def test_only_the_granted_columns_are_its_target() -> None:
    (refinement,) = made()["target"]["refinement"]
    assert refinement["rightOperand"] == ["uscc", "balance"]


def test_every_operation_has_a_processing_of_the_dpv_and_a_meaning() -> None:
    document = made(operations=tuple(Operation))
    assert set(odrl.PROCESSING) == set(Operation)
    explained = {each["@id"]: each for each in document["isthmus:glossary"]}
    for operation in Operation:
        assert explained[f"isthmus:{operation.value}"]["skos:broader"]["@id"].startswith("dpv:")


def test_every_word_of_our_own_is_explained_and_every_other_is_odrl_s() -> None:
    document = odrl.agreement(
        samples.grant(operations=tuple(Operation), limits=_all_limits()),
        SHA256,
        dt.datetime(2026, 8, 1, tzinfo=dt.UTC),
    )
    own = {text for text in samples.texts(document) if text.startswith("isthmus:")}
    assert own - {"isthmus:glossary"} == {each["@id"] for each in document["isthmus:glossary"]}
    rules = [*document["permission"], *document["prohibition"]]
    words = {
        word
        for rule in rules
        for each in rule.get("constraint", [])
        for word in (each["leftOperand"], each["operator"])
        if not word.startswith("isthmus:")
    }
    assert words <= ODRL_WORDS


def test_a_purpose_that_the_dpv_does_not_have_is_named_as_the_grant_names_it() -> None:
    document = made(purpose="crop-insurance")
    assert document["dpv:hasPurpose"] == {
        "@id": "isthmus:purpose-crop-insurance",
        "@type": "dpv:Purpose",
        "rdfs:label": "crop-insurance",
    }


def test_a_border_s_mechanism_is_there_with_its_document_s_digest_and_nothing_else_of_it() -> None:
    document = made()
    (border,) = (
        each for each in document["dpv:hasLegalBasis"] if each["@type"] == "dpv:DataTransferLegalBasis"
    )
    assert border["isthmus:mechanism"] == "cn-standard-contract"
    assert border["isthmus:evidenceSha256"] == "ef" * 32
    assert not [text for text in samples.texts(document) if "Mei Lin" in text]


@pytest.mark.parametrize("changed", [{"id": "g-2026-08-credit"}, {"owner": "platform"}])
def test_two_grants_share_no_identifier_of_rule(changed: dict[str, str]) -> None:
    first, second = made(), made(**changed)
    assert not _rule_ids(first) & _rule_ids(second)
    assert first["uid"] != second["uid"]


def test_the_same_grant_gives_the_same_bytes_and_json_keeps_all_of_it() -> None:
    assert samples.same_bytes(made(), made())
    assert json.loads(json.dumps(made())) == made()


def test_a_grant_that_was_written_and_read_gives_the_same_agreement() -> None:
    grant = samples.grant()
    again = Grant.model_validate_json(grant.canonical())
    assert samples.same_bytes(odrl.agreement(grant, SHA256), odrl.agreement(again, SHA256))


def _rule_ids(document: dict[str, Any]) -> set[str]:
    kinds = ("permission", "prohibition", "obligation")
    return {rule["uid"] for kind in kinds for rule in document[kind]}


def _all_limits() -> GrantLimits:
    return GrantLimits(
        max_runs=1,
        max_rounds=1,
        max_epsilon=1,
        max_equations_per_row=0.02,
        max_egress_bytes=1,
        max_psi_runs=1,
    )
