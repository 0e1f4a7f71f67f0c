"""Every violation of the corpus is refused or found by its rule, and clean rounds raise no alarm.

A part of the clean rounds is played here; `isthmus bench border` plays all two hundred.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.border.corpus import EVERYTHING, Judged, false_alarm, judged
from benchmarks.border.egress import ENCODINGS
from benchmarks.border.firms import KINDS
from benchmarks.border.mutations import Found, Mutation, World

#: Each kind of plan.
CLEAN = len(KINDS)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[Judged]:
    return judged(EVERYTHING, tmp_path_factory.mktemp("corpus"))


def test_every_violation_is_refused_or_found_by_its_own_rule(found: list[Judged]) -> None:
    assert [each for each in found if each.outcome == "missed"] == []
    assert [each.name for each in found] == [each.name for each in EVERYTHING]


def test_low_bits_of_an_update_are_run_and_told_as_a_limit(found: list[Judged]) -> None:
    limits = [each for each in found if each.outcome == "declared limit"]
    assert [each.name for each in limits] == ["row in the low bits of an update's mantissas"]
    assert limits[0].told == "nothing was refused or found"  # The round went to its end with it.


def test_the_corpus_has_what_the_compliance_research_lists() -> None:
    names = {group: [each.name for each in EVERYTHING if each.group == group] for group in _GROUPS}
    assert {group: len(each) for group, each in names.items()} == {
        "egress": 23,
        "minimisation": 9,
        "rights": 16,
        "borders": 22,
        "audit": 15,
    }
    assert len({name for each in names.values() for name in each}) == len(EVERYTHING)
    listed = {"in gzip", "in hexadecimal", "in UTF-16", "as float32", "as big-endian decimals"}
    assert listed <= set(ENCODINGS)


_GROUPS = ("egress", "minimisation", "rights", "borders", "audit")


@pytest.mark.parametrize("number", range(CLEAN))
def test_clean_rounds_of_every_kind_of_plan_raise_no_alarm(number: int, tmp_path: Path) -> None:
    assert false_alarm(number, tmp_path) is None


def test_a_violation_that_another_rule_finds_counts_as_missed(tmp_path: Path) -> None:
    def nothing(world: World) -> Found:
        return Found((), "nothing")

    def another(world: World) -> Found:
        return Found(("T-EGRESS-SIZE",), "another rule")

    seeded = [
        Mutation("none", "egress", "T-EGRESS-TYPE", nothing),
        Mutation("another", "egress", "T-EGRESS-TYPE", another),
        Mutation("limit", "egress", "T-EGRESS-TYPE", nothing, limit=True),
    ]
    assert [each.outcome for each in judged(seeded, tmp_path)] == ["missed", "missed", "declared limit"]
