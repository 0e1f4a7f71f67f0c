"""Persons count once over all runs of a year, and the duty changes at the thresholds and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.border import volumes
from benchmarks.border.borders import clean_case
from benchmarks.border.results import Volume


@pytest.fixture(scope="module")
def table() -> list[Volume]:
    return list(volumes.table(clean_case("S11")))


def test_the_rules_ask_at_every_threshold_for_what_the_provisions_say(table: list[Volume]) -> None:
    assert [each for each in table if each.found != each.duty] == []
    assert {each.duty for each in table} == {"exempt", "contract", "assessment"}


def test_splitting_a_run_in_four_does_not_lower_its_duty(table: list[Volume]) -> None:
    by_runs: dict[int, list[tuple[int, int, str]]] = {1: [], volumes.RUNS: []}
    for each in table:
        by_runs[each.runs].append((each.personal, each.sensitive, each.found))
    assert by_runs[1] == by_runs[volumes.RUNS]


def test_a_person_in_two_runs_counts_once() -> None:
    assert volumes.cumulated([np.arange(5), np.arange(3, 8)]) == 8
    assert volumes.cumulated([np.arange(0)]) == 0
