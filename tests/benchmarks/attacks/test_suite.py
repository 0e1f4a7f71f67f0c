"""Every attack succeeds where it must and finds nothing where nothing is: else its figures would comfort."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.attacks import suite
from benchmarks.attacks.command import _NAMES
from benchmarks.attacks.figures import Control, Estimate, Found, at_chance, rate
from benchmarks.attacks.setting import QUICK
from cli.main import isthmus
from federation.compliance.facts import Attack
from federation.errors import UsageError


@pytest.fixture(scope="module")
def results() -> list[Found]:
    return suite.run(size=QUICK)


def of(results: list[Found], attack: str, name: str) -> list[Found]:
    found = [each for each in results if each.attack == attack and name in each.name]
    assert found, f"no {name} among the results of {attack}"
    return found


def test_every_positive_control_succeeds_and_every_negative_one_stays_at_chance(results: list[Found]) -> None:
    bad = [(each.name, each.positive, each.negative) for each in results if not each.controls_ok]
    assert not bad


@pytest.mark.parametrize(
    ("attack", "name", "least"),
    [
        ("labels", "residual sign", 1.0),
        ("labels", "gradients", 0.99),
        ("reconstruction", "rows from an update", 1.0),
        ("membership", "loss", 0.9),
        ("membership", "likelihood ratio", 0.9),
        ("scores", "columns from opened scores", 1.0),
        ("sums", "sum less one's own", 0.9999),
        ("sums", "aggregator and all members but two", 0.999),
        ("matching", "register against tokens", 1.0),
        ("matching", "again", 1.0),
        ("keys", "secret key for a public one", 1.0),
        ("keys", "secret key from opened sums", 1.0),
    ],
)
def test_what_must_succeed_does(results: list[Found], attack: str, name: str, least: float) -> None:
    assert all(each.positive.value >= least for each in of(results, attack, name))


def test_the_product_stays_within_the_bounds_but_for_what_is_known_not_to(results: list[Found]) -> None:
    failed = {(each.attack, each.name) for each in results if each.verdict == "fail"}
    known = {
        ("labels", "gradients"),  # Twenty columns over a thousand rows of which one in 15 is bad.
        ("poisoning", "a party that uploads the change of the round before"),  # docs/security.md says so.
    }
    assert failed <= known
    rebuilt = [each for each in results if each.attack == "reconstruction"]
    assert {each.found.value for each in rebuilt} == {0.0}
    assert {each.verdict for each in rebuilt} == {"unknown"}  # No row of 64 does not show at most one in 100.
    for attack in ("sums", "matching", "keys", "scores"):
        assert all(each.verdict == "pass" for each in results if each.attack == attack)
    (residual,) = of(results, "labels", "residual sign")
    assert at_chance(residual.found)


def test_the_textbooks_protocols_give_way() -> None:
    names = ["sums", "keys"]
    for each in suite.run(names, QUICK, weakened=True):
        assert each.weakened
        assert each.verdict == "fail", each.name
        assert each.found.value > 0.99


def test_the_same_seed_gives_the_same_figures(results: list[Found]) -> None:
    again = suite.run(["labels", "scores", "sums"], QUICK)
    told = [each.to_json() for each in results if each.attack in ("labels", "scores", "sums")]
    assert [each.to_json() for each in again] == told


def test_a_case_takes_the_figures_by_control(results: list[Found]) -> None:
    taken = suite.for_controls(results)
    assert {"T-LEAK-LABEL", "T-LEAK-RECON", "T-LEAK-MIA", "T-LEAK-SCORE", "T-POISON", "T-PSI-RUNS"} <= {
        *taken
    }
    assert {"T-KEY-LOC", "T-KEY-THRESH", "T-CKKS-RELEASE", "T-EGRESS-CANON"} <= {*taken}
    assert sum(map(len, taken.values())) == len(results)
    figures = [each for attacks in taken.values() for each in attacks.values()]
    assert all(isinstance(each, Attack) and each.positive and each.negative for each in figures)


def test_a_weakened_protocol_is_no_evidence() -> None:
    weak = suite.run(["keys"], QUICK, weakened=True)
    with pytest.raises(ValueError, match="no evidence"):
        suite.for_controls(weak)


def made(**changed: Any) -> Found:
    fields: dict[str, Any] = {
        "attack": "labels",
        "name": "made up",
        "control": "T-LEAK-LABEL",
        "view": "nobody",
        "unit": "auc",
        "found": Estimate(0.6, 0.59, 0.61, 9000),
        "baseline": 0.6,
        "bound": 0.62,
        "seed": 0,
        "positive": Control(1.0, True, ""),
        "negative": Control(0.5, True, ""),
        "told": "",
    }
    return Found(**{**fields, **changed})


def test_a_figure_without_its_controls_says_nothing() -> None:
    assert made().verdict == "pass"
    assert made(positive=Control(0.6, False, "")).verdict == "void"
    assert made(negative=Control(0.8, False, "")).verdict == "void"
    assert made(found=Estimate(0.7, 0.6, 0.8, 100)).verdict == "fail"


def test_an_interval_that_reaches_beyond_the_bound_shows_nothing_of_leakage() -> None:
    wide = Estimate(0.6, 0.5, 0.7, 100)
    assert made(found=wide).verdict == "unknown"
    assert made(found=wide, control="T-POISON").verdict == "pass"
    assert made(found=wide, control="T-POISON", by_upper=True).verdict == "unknown"


def test_intervals_are_exact() -> None:
    """Of Clopper and Pearson: none of ten, and all of ten."""
    assert rate(0, 10).upper == pytest.approx(0.3085, abs=1e-4)
    assert rate(10, 10).lower == pytest.approx(0.6915, abs=1e-4)
    assert rate(0, 0).upper == 1.0


def test_an_attack_that_nobody_wrote_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="telepathy"):
        suite.run(["telepathy"], QUICK)
    assert set(_NAMES) == set(suite.ATTACKS)


def test_the_command_tells_and_ends_by_its_controls() -> None:
    runner = CliRunner()
    done = runner.invoke(isthmus, ["bench", "attacks", "keys", "--quick"])
    assert done.exit_code == 0 and "this attack found rate 0.000" in done.output
    assert "private" not in done.output
    weak = ["bench", "attacks", "keys", "--quick", "--weakened", "--format", "json"]
    done = runner.invoke(isthmus, weak)
    assert done.exit_code == 0
    assert {each["verdict"] for each in json.loads(done.stdout)} == {"fail"}
    assert runner.invoke(isthmus, [*weak, "--strict"]).exit_code == 1
