"""A plan is charged what its run releases."""

from __future__ import annotations

import dataclasses

import pytest

from crypto.accounting import DiscreteGaussian, Gaussian, SampledGaussian
from federation.errors import PlanRefused
from federation.plan import Plan
from parties.privacy.events import Grid, Noised, Release, charge, check_plan, plan_events, uncounted

RECORD = Noised("record", 1.1, 1e-5, 8.0, rounds=10, local_epochs=2, batch_size=100)
PARTY = dataclasses.replace(RECORD, unit="party", noise_multiplier=4.0, rounds=20)


def plan(**tables: object) -> Plan:
    return Plan.model_validate(
        {
            "name": "p",
            "purpose": "credit",
            "shape": "horizontal",
            "parties": {"spain": {}, "france": {}, "italy": {}},
            **tables,
        }
    )


def test_every_local_step_of_every_round_counts_at_the_rate_of_a_batch() -> None:
    assert plan_events(RECORD, 5000) == (SampledGaussian(0.02, 1.1, 10 * 2 * 50),)
    assert plan_events(RECORD, 5001) == (SampledGaussian(100 / 5001, 1.1, 10 * 2 * 51),)


def test_a_batch_of_all_rows_is_no_sample() -> None:
    assert plan_events(RECORD, 100) == plan_events(RECORD, 60) == (Gaussian(1.1, 20),)


def test_every_round_of_a_party_counts_in_full_whatever_it_samples() -> None:
    assert plan_events(PARTY, 5000) == (Gaussian(4.0, 20),)
    assert check_plan(PARTY, plan_events(PARTY, 1), "spain") == pytest.approx(4.98, abs=0.01)


def test_what_rounding_adds_to_a_partys_update_counts() -> None:
    (event,) = plan_events(PARTY, 5000, grid=Grid(levels=1000, coordinates=10_000, sigma=4000.0))
    assert event == DiscreteGaussian(4000.0, 1100.0, 20)
    assert event.noise_multiplier < 4


@pytest.mark.parametrize("noised", [RECORD, PARTY])
def test_statistics_are_part_of_the_run(noised: Noised) -> None:
    releases = [Release(5.0, 20.0), Release(3.0, 20.0)]
    events = plan_events(noised, 5000, releases)
    assert {DiscreteGaussian(20.0, 5.0), DiscreteGaussian(20.0, 3.0)} < set(events)
    assert set(plan_events(noised.after(0), 5000, releases)) == set(events[:2])


def test_fewer_rounds_are_fewer_events() -> None:
    assert plan_events(RECORD.after(3), 5000) == (SampledGaussian(0.02, 1.1, 300),)
    assert plan_events(PARTY.after(0), 5000) == ()


def test_a_plan_without_noise_has_no_event_and_no_bound() -> None:
    none = dataclasses.replace(RECORD, unit="none")
    assert plan_events(none, 5000, [Release(1.0, 20.0)]) == ()
    assert "everything" in uncounted(none)[0]


def test_early_stopping_is_named_as_not_counted() -> None:
    assert not any("stopping" in sentence for sentence in uncounted(RECORD))
    stopped = dataclasses.replace(RECORD, patience=3, validation_share=0.1)
    assert any("stopping" in sentence for sentence in uncounted(stopped))


def test_a_run_that_costs_more_than_its_plan_allows_is_refused() -> None:
    with pytest.raises(PlanRefused, match=r"epsilon 4\.98 .* allows 4") as refused:
        check_plan(dataclasses.replace(PARTY, epsilon=4.0), plan_events(PARTY, 1), "spain")
    assert (refused.value.party, refused.value.field) == ("spain", "privacy.epsilon")
    assert "noise_multiplier" in refused.value.advice


def test_a_plan_is_read_as_it_was_written() -> None:
    noised = plan(
        privacy={"unit": "record", "noise_multiplier": 1.1},
        training={"rounds": 10, "batch_size": 100, "local_epochs": 2},
    )
    assert Noised.of(noised) == dataclasses.replace(RECORD, validation_share=0.1)
    made = charge(noised, "run-1", "loans", plan_events(Noised.of(noised), 5000))
    assert (made.protects, made.purpose, made.plan) == ("record", "credit", noised.digest.hex())
