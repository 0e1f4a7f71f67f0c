from __future__ import annotations

from dataclasses import replace

import pytest

from parties.evaluation.delong import PairedDifference
from parties.report import words
from parties.report.data import ReportData, Sent
from parties.report.words import Traffic, Verdict


def _difference(low: float, high: float, p: float = 0.02) -> PairedDifference:
    return PairedDifference((low + high) / 2, low, high, p, 1500, 200)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.01, 0.05, Verdict.HELPS),
        (0.0, 0.05, Verdict.UNDECIDED),
        (-0.01, 0.05, Verdict.UNDECIDED),
        (0.0, 0.0, Verdict.UNDECIDED),
        (-0.05, 0.0, Verdict.UNDECIDED),
        (-0.05, -0.01, Verdict.HARMS),
    ],
)
def test_a_gain_is_claimed_only_where_the_whole_interval_is_above_zero(
    low: float, high: float, expected: Verdict
) -> None:
    assert Verdict.of(_difference(low, high)) is expected


def test_an_interval_around_zero_is_admitted_in_the_first_sentence(report: ReportData) -> None:
    undecided = replace(report, difference=_difference(-0.01, 0.02))
    assert "bank-a alone, a difference that may be chance" in words.headline(undecided)
    assert "includes zero" in words.verdict(undecided.difference, "bank-a")
    assert "improve" not in words.verdict(undecided.difference, "bank-a")


def test_harm_is_called_harm(report: ReportData) -> None:
    worse = replace(report, difference=_difference(-0.05, -0.01))
    assert "which is worse" in words.headline(worse)
    assert "Do not use it" in words.verdict(worse.difference, "bank-a")


def test_the_headline_is_judged_for_small_firms_on_their_own(report: ReportData) -> None:
    assert report.smallest is not None
    doubtful = replace(report.smallest, difference=_difference(-0.1, 0.1))
    text = words.headline(replace(report, smallest=doubtful))
    assert text.endswith("a difference that may be chance.")
    assert text.count("chance") == 1
    assert "smallest" not in words.headline(replace(report, smallest=None))


def test_few_defaults_and_worthless_probabilities_are_cautioned_about(report: ReportData) -> None:
    assert report.calibration is not None
    few = replace(report.fused, figures=replace(report.fused.figures, bad=12, auc=0.4))
    told = " ".join(
        words.cautions(replace(report, fused=few, calibration=replace(report.calibration, brier=0.9)))
    )
    for expected in ("generated data", "Only 12 of", "ranks backwards", "recalibrate"):
        assert expected in told
    assert words.cautions(replace(report, run=replace(report.run, generated=False))) == ()


def test_numbers_round_without_a_negative_zero_and_carry_their_units() -> None:
    assert words.score(-0.0001) == "0.000"
    assert words.signed(-0.0004) == "0.000"
    assert words.signed(-0.25) == "\N{MINUS SIGN}0.250"
    assert words.p_value(0.0004) == "p < 0.001"
    assert [words.size(each) for each in (0, 999, 1000, 999_949, 999_950, 1_500_000, 2_000_000_000_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "999.9 kB",
        "1.0 MB",
        "1.5 MB",
        "2,000.0 GB",
    ]
    assert [words.seconds(each) for each in (0.0004, 0.9999, 59.94, 99.96, 119.7, 3599.6, 7261)] == [
        "0 ms",
        "1.0 s",
        "59.9 s",
        "1 min 40 s",
        "2 min 00 s",
        "1 h 00 min",
        "2 h 01 min",
    ]
    assert (words.rows(8192, True), words.rows(8192, False)) == ("8,192", "about 8,192")
    assert (words.part(150.0), words.part(150.3)) == ("150", "150.3")


def test_traffic_adds_up_by_party_and_by_type() -> None:
    table = Traffic.of(
        (Sent("b", "x", 1, 5), Sent("a", "y", 2, 7), Sent("b", "y", 3, 1), Sent("b", "x", 1, 10))
    )
    assert table.parties == ("b", "a")
    assert table.messages == ("x", "y")
    assert (table.by_party("b"), table.by_message("y"), table.cell("a", "x"), table.total()) == (16, 8, 0, 23)
    assert (table.count("b"), table.count()) == (5, 7)
