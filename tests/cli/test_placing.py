"""Whoever plans a run asks where its aggregator may sit, from plan and manifests alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click.testing
import pytest

from cli.main import isthmus
from crypto.errors import Refusal, UsageError
from federation.coordinator.home import CoordinatorHome
from federation.coordinator.record import RoundStatus
from federation.governance.manifest import toml
from federation.ids import RunId
from federation.plan import Plan
from parties.sandbox.founding import plan_toml
from tests.federation.governance.samples import manifest

PLAN = Plan.model_validate(
    {"name": "p", "purpose": "credit-scoring", "parties": {"bank": {"role": "label"}, "registry": {}}}
)
Place = Callable[..., click.testing.Result]


@pytest.fixture
def ask(tmp_path: Path) -> Place:
    """The command on a bank in China and a registry in Singapore."""
    (tmp_path / "plan.toml").write_text(plan_toml(PLAN))
    for name, country, about in (("bank", "CN", "finance/credit/balance"), ("registry", "SG", "")):
        facts = {"party__id": name, "party__jurisdiction": country, "party__place": ""}
        facts["fields__balance__category"] = about
        said = manifest(**facts, dataset__id="data", dataset__collected_in=[country])
        (tmp_path / f"{name}.toml").write_text(toml(said))

    def run(
        *more: str,
        of: tuple[str, ...] = ("bank", "registry"),
        by: tuple[str, str] = ("policy", "place"),
    ) -> click.testing.Result:
        files = [word for name in of for word in ("--manifest", str(tmp_path / f"{name}.toml"))]
        words = [*by, str(tmp_path / "plan.toml"), *files, *more]
        ran = click.testing.CliRunner().invoke(isthmus, words, standalone_mode=False)
        if ran.exception is not None and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        return ran

    return run


def test_an_aggregator_abroad_is_refused_for_credit_data_and_the_nearest_place_named(ask: Place) -> None:
    ran = ask("--at", "aggregator=SG", "--format", "json")
    told: dict[str, Any] = json.loads(ran.output)
    assert ran.exit_code == Refusal.exit_code
    assert "CN-CREDIT" in {each["control"] for each in told["asked"]["refused"]}
    assert told["nearest"]["aggregator"][:2] == "CN" and told["not_legal_advice"]
    assert "CN-CREDIT" in ask("--at", "aggregator=SG", "--language", "zh").output


def test_an_aggregator_at_home_is_allowed(ask: Place) -> None:
    ran = ask("--at", "aggregator=CN-SH")
    assert ran.exit_code == 0
    assert "no rule about places refuses it" in ran.output and "not legal advice" in ran.output


LAUNCHES = (("round", "launch"), ("model", "train"))


@pytest.fixture
def launched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """What was launched at the coordinator's folder `federation`: a round that is over at once."""
    ran = click.testing.CliRunner().invoke(
        isthmus, ["federation", "init", "f", "--home", str(tmp_path / "federation")], standalone_mode=False
    )
    assert ran.exception is None, ran.output
    plans: list[Plan] = []

    def over(opened: CoordinatorHome, plan: Plan, output: str) -> RoundStatus:
        plans.append(plan)
        return RoundStatus(RunId("20260301-120000-abcdef"), "p", "ab" * 32)

    monkeypatch.setattr("cli.commands.round.launched", over)
    return plans


@pytest.mark.parametrize("by", LAUNCHES, ids=" ".join)
def test_a_plan_that_a_rule_about_places_refuses_is_not_launched(
    ask: Place, tmp_path: Path, launched: list[Plan], by: tuple[str, str]
) -> None:
    home = ("--home", str(tmp_path / "federation"))
    with pytest.raises(Refusal, match="CN-CREDIT") as refused:
        ask("--at", "aggregator=SG", *home, by=by)
    assert "aggregator in CN" in refused.value.advice
    with pytest.raises(UsageError, match="no manifest of registry"):
        ask("--at", "aggregator=CN-SH", *home, of=("bank",), by=by)
    assert launched == []


@pytest.mark.parametrize("by", LAUNCHES, ids=" ".join)
def test_a_plan_that_no_rule_about_places_refuses_is_launched(
    ask: Place, tmp_path: Path, launched: list[Plan], by: tuple[str, str]
) -> None:
    ran = ask("--at", "aggregator=CN-SH", "--home", str(tmp_path / "federation"), by=by)
    assert "No rule about places refuses the plan" in ran.stderr
    assert len(launched) == 1


@pytest.mark.parametrize("by", LAUNCHES, ids=" ".join)
def test_a_launch_without_countries_says_that_nothing_was_judged(
    ask: Place, tmp_path: Path, launched: list[Plan], by: tuple[str, str]
) -> None:
    ran = ask("--format", "json", "--home", str(tmp_path / "federation"), of=(), by=by)
    assert "No rule about places was asked" in ran.stderr
    assert json.loads(ran.stdout)["run"] == "20260301-120000-abcdef"
    assert len(launched) == 1


@pytest.mark.parametrize(
    ("more", "of", "field"),
    [
        ((), ("bank", "registry"), "--at"),
        (("--at", "aggregator=Singapore"), ("bank", "registry"), "--at"),
        (("--at", "bank=CN"), ("bank", "registry"), "--at"),
        (("--at", "aggregator=CN", "--at", "aggregator=SG"), ("bank", "registry"), "--at"),
        (("--at", "aggregator=CN"), ("bank",), "--manifest"),
        (("--at", "aggregator=CN"), ("bank", "bank", "registry"), "--manifest"),
    ],
)
def test_what_is_missing_or_written_wrongly_is_named(
    ask: Place, more: tuple[str, ...], of: tuple[str, ...], field: str
) -> None:
    with pytest.raises(UsageError) as refused:
        ask(*more, of=of)
    assert refused.value.field == field
