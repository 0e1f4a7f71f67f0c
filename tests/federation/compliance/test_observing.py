"""What evidence shows is a pass only where the packs show it: otherwise a failure, or unknown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from benchmarks.border.scenarios import SETTINGS
from benchmarks.border.staging import Prepared, Ran, prepared, ran, settled
from federation.compliance.facts import Case, Shown
from federation.compliance.gathering import observed
from federation.compliance.observing import worst
from federation.governance.terms import Form
from federation.ledger.findings import Finding, Happened, Report, failed, unknown
from federation.transport.capture import Reconciled

AGREES, MORE = Reconciled(5, 5, (), ()), Reconciled(5, 6, (), ())


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepared, Ran]:
    folder = tmp_path_factory.mktemp("run")
    plan = prepared(SETTINGS["S4"], 7, folder / "papers")
    return plan, ran(plan, settled(plan, folder / "federation"))


def seen(
    played: tuple[Prepared, Ran],
    report: Report | None = None,
    captured: Mapping[str, Reconciled] | None = None,
    channel: Shown = "unknown",
    **changed: object,
) -> Case:
    plan, run = played
    case = plan.case.model_copy(update=changed)
    return observed(case, report or run.report, run.readings, reconciled=captured, channel=channel)


def ended(report: Report, check: str, *, fails: bool) -> Report:
    """The report with every check of that id ended otherwise."""
    told = failed(Finding(Happened.CHANGED, "changed")) if fails else unknown("cannot be decided")
    checks = (replace(each, outcome=told) if each.id == check else each for each in report.checks)
    return replace(report, checks=tuple(checks))


@pytest.mark.parametrize(
    ("check", "control"),
    [
        ("verdicts", "T-EGRESS-TYPE"),
        ("canaries", "T-EGRESS-CANARY"),
        ("cosigned", "G-LEDGER"),
        ("plan", "G-PURPOSE"),
    ],
)
def test_a_check_of_the_packs_decides_its_controls(
    played: tuple[Prepared, Ran], check: str, control: str
) -> None:
    assert seen(played).checks[control] == "pass"
    assert seen(played, ended(played[1].report, check, fails=True)).checks[control] == "fail"
    assert seen(played, ended(played[1].report, check, fails=False)).checks[control] == "unknown"


def test_bytes_reconcile_only_where_every_sender_was_captured(played: tuple[Prepared, Ran]) -> None:
    names = [reading.pack.party for reading in played[1].readings]
    control = "T-EGRESS-RECONCILE"
    assert seen(played).checks[control] == "unknown"
    assert seen(played, captured=dict.fromkeys(names, AGREES)).checks[control] == "pass"
    assert seen(played, captured=dict.fromkeys(names[1:], AGREES)).checks[control] == "unknown"
    assert seen(played, captured={**dict.fromkeys(names, AGREES), "bank": MORE}).checks[control] == "fail"


def test_no_pack_shows_the_channel(played: tuple[Prepared, Ran]) -> None:
    assert seen(played).checks["T-CRYPTO-STRENGTH"] == "unknown"
    assert seen(played, channel="pass").checks["T-CRYPTO-STRENGTH"] == "pass"
    assert seen(played, channel="fail").checks["T-CRYPTO-STRENGTH"] == "fail"


def test_a_key_elsewhere_and_a_larger_smallest_group_fail(played: tuple[Prepared, Ran]) -> None:
    case = played[0].case
    bank = case.data["bank"].model_copy(update={"keys": ("US",), "min_cohort": 5_000})
    checks = seen(played, data={**case.data, "bank": bank}).checks
    assert (checks["T-KEY-LOC"], checks["T-COHORT"]) == ("fail", "fail")
    assert seen(played).checks["T-KEY-LOC"] == seen(played).checks["T-COHORT"] == "pass"


def test_what_a_plan_of_this_kind_does_not_have_is_not_applicable(played: tuple[Prepared, Ran]) -> None:
    checks = seen(played).checks
    assert checks["T-DP"] == checks["T-CKKS-RELEASE"] == "not-applicable"
    assert checks["T-PSI-RUNS"] == checks["T-EQUATIONS"] == "pass"
    assert not any(control.startswith("T-LEAK-") for control in checks)


def test_what_went_is_what_the_guard_logs_have(played: tuple[Prepared, Ran]) -> None:
    found = seen(played)
    logged = sum(frame.size for reading in played[1].readings for frame in reading.frames)
    assert found.stage == "run" and sum(flow.bytes for flow in found.flows) == logged
    planned_ways = {(flow.sender, flow.receiver) for flow in played[0].case.flows}
    assert {(flow.sender, flow.receiver) for flow in found.flows} <= planned_ways
    assert all((flow.of == ()) == (flow.forms == (Form.CONTROL,)) for flow in found.flows)


def test_the_worst_state_stands_for_all() -> None:
    assert worst(["pass", "missing", "not-applicable"]) == "missing"
    assert worst(["pass", "unknown", "fail"]) == "fail"
    assert worst([]) == "not-applicable"
