"""What is asked of every run: evidence, keys, attacks, grades and rights, and never a guessed pass."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from federation.compliance.facts import Attack
from tests.federation.compliance.asking import case, rulings, verdict


@pytest.mark.parametrize("state", ["pass", "fail", "unknown", "not-applicable"])
def test_a_control_ends_as_its_evidence_does(state: str) -> None:
    assert verdict("G-LEDGER", case("reference", **{"checks__G-LEDGER": state})) == state


def test_what_nobody_looked_at_is_unknown_and_a_plan_says_that_the_run_decides() -> None:
    assert verdict("G-LEDGER", case()) == verdict("G-LEDGER", case("reference", stage="plan")) == "unknown"
    (run,), (plan,) = rulings("G-LEDGER", case()), rulings("G-LEDGER", case("reference", stage="plan"))
    assert "missing" in run.told.en and "The run itself decides it" in plan.told.en


WITNESS = {"seat": "witness", "jurisdiction": "SG", "kind": "auditor"}
KEYS = {"checks__T-KEY-LOC": "pass", "checks__T-KEY-THRESH": "pass"}


@pytest.mark.parametrize(
    ("facts", "kept", "alone"),
    [
        ({}, "pass", "pass"),
        ({"parties__registry__opens": True}, "pass", "pass"),  # Its own key at home; masks are shown.
        ({"parties__registry__opens": True, "data__registry__keys": ["DE"]}, "fail", "pass"),
        ({"parties__aggregator__opens": True}, "pass", "pass"),
        ({"parties__aggregator__opens": True, "parties__aggregator__jurisdiction": "SG"}, "fail", "fail"),
        ({"flows__0__opened": True, "flows__0__receiver": "w", "parties__w": WITNESS}, "pass", "fail"),
        ({"data__bank__keys": ["SG"]}, "fail", "pass"),
        ({"checks__T-KEY-LOC": "fail", "checks__T-KEY-THRESH": "missing"}, "fail", "unknown"),
    ],
    ids=str,
)
def test_keys_are_where_manifests_say_and_nobody_abroad_opens_alone(
    facts: dict[str, Any], kept: str, alone: str
) -> None:
    asked = case("reference", **{**KEYS, **facts})
    assert (verdict("T-KEY-LOC", asked), verdict("T-KEY-THRESH", asked)) == (kept, alone)


def test_national_algorithms_are_asked_between_parties_in_china_alone() -> None:
    assert verdict("T-CRYPTO-CN", case("reference", parties__platform__national_algorithms=False)) == "fail"
    assert verdict("T-CRYPTO-CN", case("reference", parties__platform__jurisdiction="SG")) == "not-applicable"


LABEL = "attacks__T-LEAK-LABEL"
FIGURE = {
    "unit": "auc",
    "value": 0.51,
    "upper": 0.52,
    "baseline": 0.5,
    "n": 500,
    "seed": 3,
    "positive": True,
    "negative": True,
}


@pytest.mark.parametrize(
    ("changed", "came"),
    [
        ({}, "pass"),
        ({"value": 0.5201}, "fail"),
        ({"value": 0.1}, "pass"),
        ({"positive": False}, "unknown"),
        ({"negative": False}, "unknown"),
        ({"value": 0.99, "positive": False}, "unknown"),
        ({"unit": "cosine"}, "unknown"),
        ({"upper": 0.5201}, "unknown"),  # Too few rows to tell.
        ({"n": 0}, "unknown"),  # Tried on nothing.
        ({"view": "label"}, "unknown"),  # What the feature parties could learn was not tried.
        ({"view": "registry: its gradients"}, "unknown"),  # And two more of that seat.
        ({"view": "platform, registry and supplier: gradients"}, "pass"),
        ({"view": "aggregator: of what a feature party sends"}, "unknown"),
    ],
    ids=str,
)
def test_an_attack_counts_with_both_controls_against_its_bound_from_every_view(
    changed: dict[str, Any], came: str
) -> None:
    attacks = {"a": {**FIGURE, "view": "feature", **changed}, "b": {**FIGURE, "view": "aggregator"}}
    assert verdict("T-LEAK-LABEL", case("reference", **{LABEL: attacks})) == came


@pytest.mark.parametrize("figure", [{"baseline": 5.0}, {"baseline": float("inf")}, {"value": -0.1}], ids=str)
def test_a_figure_that_no_attack_can_find_is_no_fact(figure: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Attack.model_validate({**FIGURE, "view": "feature", **figure})


@pytest.mark.parametrize(
    ("figure", "rows"),
    [
        ({"unit": "auc", "value": 0.5, "upper": 0.54, "n": 100}, 400),
        (
            {"unit": "auc", "value": 0.52, "upper": 0.53, "n": 100},
            None,
        ),  # At the bound no number of rows does.
    ],
    ids=str,
)
def test_where_rows_are_too_few_it_is_said_how_many_would_do(
    figure: dict[str, Any], rows: int | None
) -> None:
    attacks = {"a": {**FIGURE, "view": "feature", **figure}}
    (told,) = [each.told.en for each in rulings("T-LEAK-LABEL", case("reference", **{LABEL: attacks}))]
    assert told.endswith(
        "too few rows to tell." if rows is None else f"too few rows to tell; about {rows} would."
    )


def test_no_hit_among_few_rows_does_not_show_that_few_are_hit() -> None:
    figure = {**FIGURE, "unit": "rate", "value": 0.0, "upper": 0.056, "baseline": 0.0, "n": 64}
    attacks = {"a": {**figure, "view": "aggregator"}}
    (told,) = rulings("T-LEAK-RECON", case("reference", **{"attacks__T-LEAK-RECON": attacks}))
    assert told.verdict.value == "unknown" and "about 359 would" in told.told.en


def test_without_an_attack_nothing_is_known_whatever_else_was_looked_at() -> None:
    assert verdict("T-LEAK-LABEL", case("reference", **{"checks__T-LEAK-LABEL": "pass"})) == "unknown"
    nothing = {"checks__T-LEAK-SCORE": "not-applicable"}
    assert verdict("T-LEAK-SCORE", case("reference", **nothing)) == "not-applicable"


@pytest.mark.parametrize(
    ("tpr", "upper", "auc", "came"),
    [
        (0.02, 0.02, 0.55, "pass"),
        (0.0201, 0.03, 0.5, "fail"),
        (0.0, 0.0201, 0.5, "unknown"),  # Too few rows to tell.
        (0.01, 0.01, 0.551, "fail"),
        (0.01, 0.01, None, "unknown"),
    ],
)
def test_membership_is_judged_by_the_upper_bound_and_by_the_area(
    tpr: float, upper: float, auc: float | None, came: str
) -> None:
    attacks = {"tpr": {**FIGURE, "view": "label", "unit": "tpr", "value": tpr, "upper": upper}}
    attacks |= {} if auc is None else {"auc": {**FIGURE, "view": "label", "value": auc}}
    assert verdict("T-LEAK-MIA", case("reference", **{"attacks__T-LEAK-MIA": attacks})) == came


REGISTERED = {"data__bank__rights__holding": {"basis": "registration"}}
SIGNED = {
    "control": "G-RIGHTS",
    "party": "bank",
    "office": "legal",
    "dated": "2026-06-20",
    "valid_until": "2027-06-20",
    "document": "0" * 64,
}


@pytest.mark.parametrize(
    ("control", "facts", "came"),
    [
        ("G-GRADE", {"data__bank__strictest": "core"}, "fail"),
        ("G-GRADE", {"data__registry__ungraded": ["age"]}, "fail"),
        ("T-COHORT", {"data__bank__min_cohort": 0}, "fail"),
        ("G-RIGHTS", {"data__bank__rights__holding__until": "2026-11-22"}, "fail"),
        ("G-RIGHTS", {"data__bank__rights__holding__until": "2026-11-23"}, "pass"),
        ("G-RIGHTS", {"data__bank__rights": {}}, "fail"),
        ("G-RIGHTS", {"data__bank__rights__holding": {"basis": "registration"}}, "needs-attestation"),
        ("G-RIGHTS", {**REGISTERED, "statements": [SIGNED]}, "pass"),
        ("G-RIGHTS", {**REGISTERED, "statements": [{**SIGNED, "office": "credit"}]}, "fail"),
        ("G-RETAIN", {}, "needs-attestation"),
        ("G-RETAIN", {"data__bank__data_until": "2026-11-22"}, "fail"),
        ("G-RETAIN", {"data__bank__data_until": None}, "fail"),
        ("G-RETAIN", {"data__bank__rights__holding": {"basis": "registration"}}, "fail"),  # 30 years then.
    ],
    ids=str,
)
def test_grades_groups_rights_and_retention(control: str, facts: dict[str, Any], came: str) -> None:
    shown = {"checks__G-GRADE": "pass", "checks__T-COHORT": "pass"}
    assert verdict(control, case("reference", **shown, **facts)) == came
