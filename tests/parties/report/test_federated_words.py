from __future__ import annotations

from dataclasses import replace

from parties.report import federated_words as words
from parties.report.federated import FederatedReport, PartyResult, RoundPoint
from parties.report.words import edge
from tests.parties.report.sample_federated import difference, sample, unjudged


def _report(*parties: PartyResult, strategy: str = "fedavg", shape: str = "horizontal") -> FederatedReport:
    return replace(sample(), parties=parties, strategy=strategy, shape=shape)


def _judged(name: str, low: float, high: float) -> PartyResult:
    return replace(sample().parties[0], party=name, difference=difference(low, high))


_HELPED = _judged("north", 0.02, 0.07)
_EVEN = _judged("east", -0.01, 0.02)
_HURT = _judged("south", -0.06, -0.02)


def test_the_headline_names_every_party_under_its_own_verdict() -> None:
    told = words.sentences(_report(_HURT, unjudged("west"), _EVEN, _HELPED))
    assert told == (
        "Federation helps north (AUC higher by 0.020 to 0.070).",
        "No evident difference for east.",
        (
            'Federation hurts south (AUC lower by 0.020 to 0.060): try strategy = "scaffold" or '
            '"personalised", or let it leave the federation and keep its local model.'
        ),
        "Too few test rows, or one outcome only, to judge west.",
    )
    assert words.headline(_report(_HURT, unjudged("west"), _EVEN, _HELPED)) == " ".join(told)


def test_no_gain_is_claimed_where_none_is_shown() -> None:
    text = words.headline(_report(_EVEN, replace(_EVEN, party="west"), unjudged("north")))
    assert text.startswith(
        "Federation is not shown to help any party. No evident difference for east and west."
    )
    assert "helps" not in text
    assert words.headline(_report(unjudged("west"))).startswith("Whether federation helps cannot be judged.")


def test_what_was_tried_already_is_not_advised() -> None:
    for report in (_report(_HURT, strategy="personalised"), _report(_HURT, shape="hybrid")):
        text = words.headline(report)
        assert "try strategy" not in text
        assert "leave the federation" in text
    corrected = words.headline(_report(_HURT, strategy="scaffold"))
    assert 'try strategy = "personalised", or let it' in corrected
    both = words.headline(_report(_HURT, replace(_HURT, party="west"), _HELPED))
    assert "let them leave the federation and keep their local models" in both


def test_an_end_of_an_interval_beside_zero_is_not_written_as_zero() -> None:
    assert edge(0.00024) == "+0.0002"
    assert edge(-0.00024) == "\N{MINUS SIGN}0.0002"
    assert (edge(0.0), edge(0.25)) == ("0.000", "+0.250")
    assert "higher by 0.0002 to 0.070" in words.headline(_report(_judged("north", 0.00024, 0.07)))


def test_flags_few_rows_and_many_parties_are_cautioned_about() -> None:
    assert _HELPED.federated is not None
    assert _HELPED.difference is not None
    backwards = replace(
        _HELPED,
        federated=replace(_HELPED.federated, figures=replace(_HELPED.federated.figures, auc=0.4)),
        difference=replace(_HELPED.difference, bad=12),
    )
    flat = replace(_EVEN, difference=replace(difference(0.1, 0.1), n=1500, bad=1480))
    told = " ".join(words.cautions(_report(backwards, flat, _HURT, unjudged("west"))))
    for expected in (
        "Flagged during the run: in round 4",
        "generated data",
        "north: only 12 of the test rows defaulted",
        "north: the federated score ranks its firms backwards",
        "east: only 20 of the test rows did not default",
        "east: the interval has no width",
        "3 parties are judged at once",
    ):
        assert expected in told
    quiet = replace(_report(_HELPED, _HURT), flags=(), run=replace(sample().run, generated=False))
    assert words.cautions(quiet) == ()


def test_local_and_pooled_are_explained_as_this_round_has_them() -> None:
    report = sample()
    assert "on its own rows alone" in words.compared(report)
    assert "nobody may build" in words.compared(report)
    bare = replace(report, shape="hybrid", parties=(replace(_EVEN, pooled=None),))
    assert "consortium" in words.compared(bare)
    assert "Pooled" not in words.compared(bare)


def test_the_course_of_training_is_told_in_words_too() -> None:
    rounds = (RoundPoint(1, 0.6, None), RoundPoint(2, 0.4, None), RoundPoint(3, 0.5, None))
    report = replace(sample(), rounds=rounds)
    assert words.course(report).endswith("Lowest: 0.4000 in round 2, then 0.5000 in the last, round 3.")
    assert words.course(replace(report, rounds=rounds[:2])).endswith("0.4000 in round 2, the last.")
    assert words.course(replace(report, rounds=(RoundPoint(1, None, 2.0),))) == ""


def test_a_joint_figure_is_not_passed_off_as_a_gain() -> None:
    text = words.together(sample())
    assert "0.781" in text
    assert "neither an average of the figures above nor any party's gain" in text
    assert words.together(replace(sample(), joint=None)) == ""
