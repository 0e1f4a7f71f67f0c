"""Every violation of the corpus is refused or found by its rule, and clean rounds raise no alarm.

A part of the clean rounds is played here; `isthmus bench governance` plays all two hundred.
"""

from __future__ import annotations

import pytest

from benchmarks.border.corpus import EVERYTHING, Counts, run_corpus
from benchmarks.border.egress import ENCODINGS
from benchmarks.border.firms import KINDS
from benchmarks.border.mutations import Found, Mutation, World

#: Each kind of plan.
CLEAN = len(KINDS)


@pytest.fixture(scope="module")
def counts() -> Counts:
    return run_corpus(0)


def test_every_violation_is_refused_or_found_by_its_own_rule(counts: Counts) -> None:
    missed = [each for each in counts.mutations if each.outcome == "missed"]
    assert missed == [] and counts.missed == 0
    assert counts.seeded == len(EVERYTHING) == counts.detected + counts.declared_limits


def test_low_bits_of_an_update_are_run_and_told_as_a_limit(counts: Counts) -> None:
    limits = [each for each in counts.mutations if each.outcome == "declared limit"]
    assert [each.name for each in limits] == ["row in the low bits of an update's mantissas"]
    assert limits[0].told == "nothing was refused or found"  # The round went to its end with it.


def test_the_corpus_has_what_the_compliance_research_lists() -> None:
    names = {group: [each.name for each in EVERYTHING if each.group == group] for group in _GROUPS}
    assert {group: len(found) for group, found in names.items()} == {"egress": 23, "rights": 16, "audit": 12}
    assert len({name for found in names.values() for name in found}) == 51
    listed = {"in gzip", "in hexadecimal", "in UTF-16", "as float32", "as big-endian decimals"}
    assert listed <= set(ENCODINGS)


_GROUPS = ("egress", "rights", "audit")


def test_clean_rounds_of_every_kind_of_plan_raise_no_alarm() -> None:
    counts = run_corpus(CLEAN, ())
    assert (counts.clean_runs, counts.false_alarms, counts.alarms) == (CLEAN, 0, ())


def test_a_violation_that_another_rule_finds_counts_as_missed() -> None:
    def nothing(world: World) -> Found:
        return Found((), "nothing")

    def another(world: World) -> Found:
        return Found(("T-EGRESS-SIZE",), "another rule")

    seeded = [
        Mutation("none", "egress", "T-EGRESS-TYPE", nothing),
        Mutation("another", "egress", "T-EGRESS-TYPE", another),
        Mutation("limit", "egress", "T-EGRESS-TYPE", nothing, limit=True),
    ]
    counts = run_corpus(0, seeded)
    assert (counts.seeded, counts.detected, counts.missed, counts.declared_limits) == (3, 0, 2, 1)
