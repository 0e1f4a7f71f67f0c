from __future__ import annotations

from dataclasses import replace

import pytest

from crypto.errors import UsageError
from parties.evaluation.delong import PairedDifference
from parties.report.federated import PartyVerdict, RoundPoint
from tests.parties.report.sample_federated import difference, sample, unjudged

_TINY = 1e-300


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (difference(0.01, 0.05), "helps"),
        (difference(_TINY, 0.05), "helps"),
        (difference(0.0, 0.05), "no evident difference"),
        (difference(-0.01, 0.05), "no evident difference"),
        (difference(0.0, 0.0), "no evident difference"),
        (difference(-0.05, 0.0), "no evident difference"),
        (difference(-0.05, -_TINY), "hurts"),
        (difference(-0.05, -0.01), "hurts"),
        (None, "too few test rows"),
    ],
)
def test_a_verdict_is_given_only_where_the_whole_interval_lies_on_one_side_of_zero(
    found: PairedDifference | None, expected: PartyVerdict
) -> None:
    assert replace(unjudged("bank-a"), difference=found).verdict == expected


def test_every_party_has_one_verdict() -> None:
    report = sample()
    verdicts: tuple[PartyVerdict, ...] = ("helps", "no evident difference", "hurts", "too few test rows")
    groups = [report.judged(verdict) for verdict in verdicts]
    assert [[each.party for each in group] for group in groups] == [
        ["bank-a"],
        ["bank-b"],
        ["bank-c"],
        ["bank-d"],
    ]


def test_a_difference_taken_the_wrong_way_round_is_refused() -> None:
    report = sample()
    helped = report.parties[0]
    assert helped.difference is not None
    turned = replace(
        helped.difference,
        difference=-helped.difference.difference,
        low=-helped.difference.high,
        high=-helped.difference.low,
    )
    with pytest.raises(UsageError, match="not the federated AUC less the local one") as refused:
        replace(report, parties=(replace(helped, difference=turned),)).check()
    assert refused.value.party == "bank-a"
    report.check()


def test_a_difference_without_its_two_models_is_refused() -> None:
    report = sample()
    with pytest.raises(UsageError, match="without both") as refused:
        replace(report, parties=(replace(report.parties[0], local=None),)).check()
    assert refused.value.party == "bank-a"


def test_a_training_that_diverged_is_not_reported_as_a_number() -> None:
    diverged = replace(sample(), rounds=(RoundPoint(1, float("inf"), 1.0),))
    with pytest.raises(UsageError, match="not a finite number") as refused:
        diverged.check()
    assert refused.value.field == "report.rounds[0].loss"


def test_a_report_of_nobody_is_refused() -> None:
    with pytest.raises(UsageError, match="no party"):
        replace(sample(), parties=()).check()
