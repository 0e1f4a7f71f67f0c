"""A new version of a manifest says what it would newly allow; no rule is loosened in silence."""

from __future__ import annotations

import pytest

from federation.governance.change import Change, Effect, changes
from federation.governance.manifest import Manifest
from tests.federation.governance.samples import manifest

#: A change that allows more -> the place that must be named.
LOOSER: list[tuple[dict[str, object], str]] = [
    ({"fields__balance__egress": ["encrypted-update", "aggregate", "predicate"]}, "fields.balance"),
    ({"fields__balance__grades__jrt0197": 2}, "fields.balance"),
    ({"fields__balance__grades__nfra": "other-general"}, "fields.balance"),
    ({"fields__balance__grades__nfra": None}, "fields.balance"),
    ({"fields__owner_id_no__personal": "none"}, "fields.owner_id_no.personal"),
    ({"fields__owner_id_no__personal": "personal"}, "fields.owner_id_no.personal"),
    ({"fields__owner_id_no__use": "feature"}, "fields.owner_id_no.use"),
    ({"dataset__residency__store": ["CN", "SG"]}, "dataset.residency.store"),
    ({"dataset__residency__process": ["CN", "SG"]}, "dataset.residency.process"),
    ({"dataset__residency__keys": ["SG", "CN"]}, "dataset.residency.keys"),
    ({"dataset__subjects__kinds": ["legal-person"]}, "dataset.subjects.kinds"),
    ({"dataset__subjects__persons__CN__sensitive": 0}, "dataset.subjects.persons.CN.sensitive"),
    ({"dataset__subjects__persons": {}}, "dataset.subjects.persons.CN.personal"),
    ({"dataset__retention__data_until": "2030-01-01"}, "dataset.retention.data_until"),
    ({"dataset__rights__processing__until": None}, "dataset.rights.processing.until"),
    ({"dataset__rights__processing__until": "2029-01-01"}, "dataset.rights.processing.until"),
    ({"table__min_cohort": 10}, "table.min_cohort"),
    ({"party__jurisdiction": "HK"}, "party.jurisdiction"),
    ({"party__ciio": "unknown"}, "party.ciio"),
    ({"party__ciio": "no"}, "party.ciio"),
    ({"party__dpf_certified": "yes"}, "party.dpf_certified"),
    ({"dataset__notified_important": "no"}, "dataset.notified_important"),
]
LEFT_ALONE: list[dict[str, object]] = [
    {"dataset__version": "2026-12-31"},
    {"dataset__title": "Loans"},
    {"table__rows": 20000},
    {"fields__balance__unit": "10k-CNY"},
    {"fields__balance__category": "finance/account"},
    {"dataset__rights__holding__basis": "statute"},
    {"dataset__rights__operating__certificate__sha256": "1" * 64},
    {"party__legal_name": "Lakeside Bank"},
]


def allowed(found: tuple[Change, ...]) -> list[str]:
    return [each.place for each in found if each.effect is Effect.ALLOWS]


def test_the_same_manifest_changes_nothing() -> None:
    assert changes(manifest(), manifest()) == ()


@pytest.mark.parametrize(("changed", "place"), LOOSER)
def test_a_looser_rule_is_named_and_comes_first(changed: dict[str, object], place: str) -> None:
    found = changes(manifest(), manifest(dataset__version="2", **changed))
    assert place in allowed(found)
    assert found[0].effect is Effect.ALLOWS


@pytest.mark.parametrize(("changed", "place"), LOOSER)
def test_the_way_back_forbids(changed: dict[str, object], place: str) -> None:
    if place == "party.jurisdiction":  # Either way other borders are crossed.
        return
    found = changes(manifest(**changed), manifest())
    assert not allowed(found)
    assert place in [each.place for each in found if each.effect is Effect.FORBIDS]


@pytest.mark.parametrize("changed", LEFT_ALONE)
def test_what_is_neither_is_told_and_no_more(changed: dict[str, object]) -> None:
    found = changes(manifest(), manifest(**changed))
    assert [each.effect for each in found] == [Effect.SAYS]


@pytest.mark.parametrize(
    "changed",
    [
        {"fields__balance__grades__jrt0197": 2},
        {"fields__balance__grades__nfra": None},
        {"fields__owner_id_no__personal": "none"},
        {"dataset__subjects__kinds": ["legal-person"]},
    ],
)
def test_lowering_a_grade_or_a_protection_is_always_a_warning(changed: dict[str, object]) -> None:
    assert any(each.warns for each in changes(manifest(), manifest(**changed)))


def test_a_field_that_comes_or_goes_is_told() -> None:
    with_more, without = manifest(), manifest(fields__balance=None)
    assert allowed(changes(without, with_more)) == ["fields.balance"]
    (gone,) = changes(with_more, without)
    assert (gone.place, gone.effect) == ("fields.balance", Effect.FORBIDS)


def test_no_difference_passes_in_silence() -> None:
    before = manifest()
    for change, _ in LOOSER:
        after: Manifest = manifest(**change)
        assert (before.digest == after.digest) == (changes(before, after) == ())
    for change in LEFT_ALONE:
        after = manifest(**change)
        assert (before.digest == after.digest) == (changes(before, after) == ())
