"""The same case, rules and day come to the same bytes; what nobody knows is never passed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from federation.compliance.catalogue import Catalogue, catalogue, read
from federation.compliance.facts import Case
from federation.compliance.judging import judge
from federation.compliance.verdicts import Judgement
from tests.federation.compliance.asking import case, rulings

_ATTACK = {"baseline": 0.5, "n": 1000, "seed": 1, "positive": True, "negative": True}
_AUC = {**_ATTACK, "unit": "auc", "value": 0.5, "upper": 0.51}
_RATE = {**_ATTACK, "unit": "rate", "value": 0.0, "upper": 0.01, "baseline": 0.0}
_TPR = {**_ATTACK, "unit": "tpr", "value": 0.01, "upper": 0.015, "baseline": 0.01}
#: All that a claim of R2 needs, but the officer's word.
SHOWN: dict[str, Any] = {
    "checks": {
        "T-KEY-LOC": "pass",
        "T-KEY-THRESH": "pass",
        "T-COHORT": "pass",
        "T-LEAK-SCORE": "not-applicable",
    },
    "attacks": {
        "T-LEAK-LABEL": {"a": {**_AUC, "view": "feature"}, "b": {**_AUC, "view": "aggregator"}},
        "T-LEAK-RECON": {"a": {**_RATE, "view": "feature"}, "b": {**_RATE, "view": "aggregator"}},
        "T-LEAK-MIA": {"a": {**_TPR, "view": "label"}, "b": {**_AUC, "view": "label"}},
    },
    "data__bank__kinds": ["sole-trader"],
    "abroad": {"CN": {"personal": 100_000, "sensitive": 0}},
    "papers": [
        {"owner": "bank", "origin": "CN", "destination": "SG", "mechanism": "cn-exempt-under-100k"},
    ],
}
SIGNED = {
    "control": "EU-PERSONAL",
    "party": "bank",
    "office": "dpo",
    "dated": "2026-11-01",
    "valid_until": "2027-11-01",
    "document": "0" * 64,
}
_OFFICER = """
pack = "made-up"
title = { en = "Nowhere", zh = "无处" }
as_of = 2026-11-23
reviewed_by = ""
[[controls]]
id = "EU-PERSONAL"
group = "made-up"
title = { en = "a", zh = "b" }
text = { en = "a", zh = "b" }
source = "GDPR art. 4(1)"
dated = 2018-05-25
kind = "attest-only"
evidence = "statement"
seen = "C"
check = "attested"
with = { offices = ["dpo"], each = "run" }
allow = { base = "reference", verdict = "needs-attestation" }
refuse = { base = "reference", verdict = "needs-attestation" }
"""


def rules() -> Catalogue:
    """The shipped rules for every run and for China, and an officer's word."""
    shipped = catalogue()
    kept = tuple(pack for pack in shipped.packs if pack.pack in ("neutral", "cn"))
    return Catalogue((*kept, read("made-up.toml", _OFFICER.encode(), shipped.bases)), shipped.bases)


def judged(**facts: Any) -> Judgement:
    return judge(case("reference", **{**SHOWN, "statements": [SIGNED], **facts}), rules())


def test_the_same_case_comes_to_the_same_bytes() -> None:
    again = Case.model_validate_json(case("reference", **SHOWN).canonical())
    assert judge(again).canonical() == judge(case("reference", **SHOWN)).canonical()
    assert judge(case("reference", **SHOWN)).digest != judge(case("gba")).digest


def test_another_reading_is_claimed_where_everything_is_shown_and_an_officer_signed() -> None:
    found = judged()
    assert found.r2_claimable and found.flips  # Two fail under one reading alone.
    assert found.of("CN-VOL", "R1").value == found.of("CN-MECH", "R1").value == "fail"
    assert found.of("CN-VOL", "R2").value == found.of("CN-MECH", "R2").value == "not-applicable"
    assert all(each.lifted for each in found.rulings["R2"] if each.control == "CN-VOL")
    assert found.of("CN-CREDIT", "R2").value == found.of("CN-CREDIT", "R1").value == "pass"


def test_placement_of_credit_information_and_important_data_is_asked_under_both_readings() -> None:
    found = judged(parties__aggregator__jurisdiction="SG", data__bank__strictest="important")
    assert found.r2_claimable
    assert {"CN-CREDIT", "CN-IMPORTANT"} <= {*found.failed("R2")}


@pytest.mark.parametrize(
    "missing",
    [
        {"statements": []},
        {"statements": [{**SIGNED, "office": "credit"}]},
        {"statements": [{**SIGNED, "sound": False}]},
        {"statements": [{**SIGNED, "valid_until": "2026-11-22"}]},
        {"checks__T-KEY-THRESH": "unknown"},
        {"checks__T-COHORT": "fail"},
        {"checks__T-LEAK-SCORE": "missing"},
        {"attacks__T-LEAK-MIA": {}},
        {"attacks__T-LEAK-LABEL__a__value": 0.6},
        {"attacks__T-LEAK-RECON__b__positive": False},
        {"parties__aggregator__jurisdiction": "SG", "parties__aggregator__opens": True},
    ],
    ids=str,
)
def test_another_reading_is_not_claimed_where_one_thing_is_missing(missing: dict[str, Any]) -> None:
    found = judged(**missing)
    assert not found.r2_claimable
    assert [each.to_json() for each in found.rulings["R1"]] == [
        each.to_json() for each in found.rulings["R2"]
    ]


def test_a_rule_past_its_date_decides_nothing() -> None:
    shipped = rules()
    pack = shipped.packs[-1]
    ended = pack.controls[0].model_copy(update={"valid_until": dt.date(2026, 11, 22)})
    past = Catalogue((*shipped.packs[:-1], pack.model_copy(update={"controls": (ended,)})), shipped.bases)
    asked = case("reference", **SHOWN, statements=[SIGNED])
    assert judge(asked, past).of("EU-PERSONAL").value == "unknown"
    assert not judge(asked, past).r2_claimable
    until = pack.controls[0].model_copy(update={"valid_until": dt.date(2026, 11, 23)})
    still = Catalogue((*shipped.packs[:-1], pack.model_copy(update={"controls": (until,)})), shipped.bases)
    assert judge(asked, still).of("EU-PERSONAL").value == "pass"


def test_what_was_written_from_memory_is_shown_as_such() -> None:
    asked = case()
    assert {each.from_memory for each in rulings("G-GRANT", asked)} == {True}
    assert {each.from_memory for each in rulings("T-EGRESS-TYPE", asked)} == {False}
    told = judge(asked).to_json()["rulings"]["R1"]
    assert all("from_memory" in each for each in told)


def test_a_pack_of_another_place_is_no_question() -> None:
    abroad = {name: {"jurisdiction": "SG"} for name in ("bank", "platform", "aggregator")}
    facts = {f"parties__{name}__jurisdiction": "SG" for name in abroad}
    facts |= {f"data__{name}__collected_in": ["SG"] for name in ("bank", "platform")}
    found = judge(case("reference", **facts))
    assert {each.verdict.value for each in found.rulings["R1"] if each.pack == "cn"} == {"not-applicable"}
