"""A case is gathered from the plan's own papers: seats, places, whose data goes where and in what form."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from federation.compliance.facts import Case, Party
from federation.compliance.gathering import planned
from federation.errors import UsageError
from federation.governance.grant import Grant
from federation.governance.manifest import Manifest
from federation.governance.terms import Form, Mechanism, National, PartyKind, Personal
from federation.ids import PartyId
from federation.plan import Plan
from tests.federation.governance.samples import manifest

DATE = dt.date(2026, 11, 23)
AGGREGATOR = Party(seat="aggregator", jurisdiction="CN", kind=PartyKind.AGGREGATOR)


def of(name: str, place: str = "CN", kind: str = "platform", **changed: Any) -> Manifest:
    said = {"party__id": name, "party__jurisdiction": place, "party__kind": kind, "dataset__id": "data"}
    return manifest(**{**said, **changed})


def plan(*names: str, **tables: Any) -> Plan:
    parties = {name: {"role": "label" if not place else "feature"} for place, name in enumerate(names)}
    if tables.get("shape") == "horizontal":
        parties = {name: {} for name in names}
    return Plan.model_validate({"name": "p", "purpose": "credit-scoring", "parties": parties, **tables})


def case(of_plan: Plan, *manifests: Manifest, **said: Any) -> Case:
    given = {PartyId(each.party.id): each for each in manifests}
    return planned(of_plan, given, said.pop("grants", ()), date=DATE, **said)


def test_seats_and_what_each_brings_come_from_plan_and_manifests() -> None:
    found = case(
        plan("bank", "registry"),
        of("bank", kind="bank"),
        of("registry", "SG"),
        parties={"aggregator": AGGREGATOR},
    )
    assert {name: (party.seat, party.jurisdiction) for name, party in found.parties.items()} == {
        "bank": ("label", "CN"),
        "registry": ("feature", "SG"),
        "aggregator": ("aggregator", "CN"),
    }
    bank = found.data["bank"]
    assert bank.persons["CN"].sensitive == 812
    assert (bank.personal, bank.strictest, bank.min_cohort) == (Personal.NONE, National.GENERAL, 50)
    assert (bank.bank_sensitive, bank.financial, bank.ungraded) == (True, True, ())


def test_the_strictest_column_that_is_used_grades_the_whole() -> None:
    grades = {"gbt43697": "general", "jrt0197": 3, "miit": "important"}
    found = case(
        plan("bank", "plant"),
        of("bank", kind="bank", fields__balance__grades={"gbt43697": "general"}),
        of("plant", fields__balance__grades=grades, fields__balance__personal="personal"),
        parties={"aggregator": AGGREGATOR},
    )
    assert (found.data["plant"].strictest, found.data["plant"].personal) == (
        National.IMPORTANT,
        Personal.PERSONAL,
    )
    assert found.data["bank"].ungraded == ("balance",)


def test_what_the_receiver_can_open_stands_apart_from_what_it_cannot() -> None:
    found = case(
        plan("bank", "registry"),
        of("bank", kind="bank"),
        of("registry", "SG"),
        parties={"aggregator": AGGREGATOR},
    )
    to_bank = {flow.opened: set(flow.forms) for flow in found.flows if flow.receiver == "bank" and flow.of}
    inward = {flow.opened for flow in found.flows if (flow.sender, flow.receiver) == ("registry", "bank")}
    assert inward == {True, False} and Form.MASKED_UPDATE in to_bank[False]
    tags = [flow for flow in found.flows if flow.receiver == "aggregator" and flow.of]
    assert {flow.sender: (flow.forms, flow.opened) for flow in tags} == {
        "bank": ((Form.PSI_TOKEN,), False),
        "registry": ((Form.PSI_TOKEN,), False),
    }
    assert all(flow.of or flow.forms == (Form.CONTROL,) for flow in found.flows)
    assert [str(border) for border in found.borders] == ["CN -> SG", "SG -> CN"]


@pytest.mark.parametrize(
    ("protection", "form"), [("he", Form.ENCRYPTED_UPDATE), ("mask", Form.MASKED_UPDATE)]
)
def test_a_sum_is_of_everybody_and_no_upload_is_opened(protection: str, form: Form) -> None:
    names = ("one", "two", "six")
    found = case(
        plan(*names, shape="horizontal", sum={"protection": protection}),
        *map(of, names),
        parties={"aggregator": AGGREGATOR},
    )
    uploads = [flow for flow in found.flows if flow.receiver == "aggregator" and flow.of]
    assert {(flow.sender, flow.forms, flow.opened) for flow in uploads} == {
        (name, (form,), False) for name in names
    }
    totals = [flow for flow in found.flows if flow.sender == "aggregator" and flow.of]
    assert {(flow.of, flow.opened) for flow in totals} == {(tuple(sorted(names)), True)}
    assert not any(party.opens for party in found.parties.values())


@pytest.mark.parametrize("model", ["logistic", "boosting"])
def test_the_label_party_alone_opens_what_others_answer(model: str) -> None:
    found = case(
        plan("bank", "registry", model={"kind": model}),
        of("bank", kind="bank"),
        of("registry", "SG"),
        parties={"aggregator": AGGREGATOR},
    )
    assert [name for name, party in found.parties.items() if party.opens] == ["bank"]


def test_grants_give_papers_and_grounds_and_where_the_aggregator_is() -> None:
    evidence = {"title": "contract", "sha256": "1" * 64}
    grant = Grant.model_validate_json(
        Grant.model_validate(
            {
                "grant": "isthmus.grant/v1",
                "id": "one",
                "federation": "sandbox",
                "owner": "bank",
                "dataset": "data",
                "manifest_sha256": "0" * 64,
                "to": {
                    "registry": {"place": "SG", "fingerprint": "2" * 64},
                    "aggregator": {"place": "SG", "fingerprint": "3" * 64},
                },
                "purpose": "credit-scoring",
                "operations": ["psi"],
                "fields": ["*"],
                "legal_basis": [
                    {
                        "regime": "PIPL",
                        "basis": "separate consent",
                        "separate_consent": True,
                        "evidence": evidence,
                    }
                ],
                "transfers": [
                    {
                        "origin": "CN",
                        "destination": "SG",
                        "mechanism": "cn-standard-contract",
                        "evidence": evidence,
                        "valid_until": "2027-01-01",
                        "filed": "2026-01-05",
                    }
                ],
                "valid_from": "2026-01-01T00:00:00Z",
                "valid_until": "2027-01-01T00:00:00Z",
            }
        ).model_dump_json(exclude_none=True)
    )
    found = case(plan("bank", "registry"), of("bank", kind="bank"), of("registry", "SG"), grants=[grant])
    (paper,) = found.papers
    assert (paper.mechanism, paper.begins, paper.filed) == (
        Mechanism.CN_CONTRACT,
        dt.date(2026, 1, 1),
        dt.date(2026, 1, 5),
    )
    assert found.bases[0].consent and found.bases[0].separate_consent
    assert found.parties["aggregator"].jurisdiction == "SG"


def test_nobody_is_put_where_no_paper_says() -> None:
    with pytest.raises(UsageError, match="not known where aggregator is"):
        case(plan("bank", "registry"), of("bank", kind="bank"), of("registry", "SG"))
