"""A scenario is refused before anything leaves, or played, verified and judged: twice the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.border import lapsing, staging
from benchmarks.border.papers import Setting
from benchmarks.border.results import Scenario
from benchmarks.border.scenarios import SETTINGS
from benchmarks.border.staging import staged
from parties.sandbox.founding import Sandbox


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    return staged(SETTINGS["S3"], 7, tmp_path_factory.mktemp("first"))


def test_a_lawful_plan_is_played_and_its_evidence_verifies(played: Scenario) -> None:
    assert played.as_expected, played.why
    assert played.verified and not played.refused
    assert set(played.packs) == {"bank", "partner", "aggregator"}
    checks = played.case.checks
    assert checks["T-EGRESS-RECONCILE"] == checks["G-LEDGER"] == checks["T-KEY-THRESH"] == "pass"
    assert checks["T-CRYPTO-STRENGTH"] == "unknown"  # No pack shows the sessions between machines.
    assert all(flow.bytes > 0 for flow in played.case.flows)


def test_the_same_seed_gives_the_same_result(played: Scenario, tmp_path: Path) -> None:
    again = staged(SETTINGS["S3"], 7, tmp_path / "played")
    assert again.to_json(measured=False) == played.to_json(measured=False)
    first, second = (staged(SETTINGS["S2b"], 7, tmp_path / name).to_json() for name in ("one", "two"))
    assert first == second


def test_a_plan_that_is_refused_sends_nothing(tmp_path: Path) -> None:
    def nobody(sandbox: Sandbox) -> staging.Played:
        raise AssertionError("it was played")

    found = staged(SETTINGS["S2b"], 7, tmp_path, nobody)
    assert found.as_expected and found.refused == "preflight: CN-CREDIT"
    assert found.verified is None and not found.packs


def test_another_refusal_than_the_expected_one_is_told(tmp_path: Path) -> None:
    setting: Setting = replace(SETTINGS["S2b"], expected=("CN-MECH",))
    found = staged(setting, 7, tmp_path)
    assert not found.as_expected and "expected CN-MECH" in found.why


def test_papers_that_lapse_stop_the_run_within_a_round(tmp_path: Path) -> None:
    found = lapsing.interrupted(SETTINGS["S12"], 7, tmp_path)
    assert found.as_expected, found.why
    assert found.refused == "registry: G-EXPIRED"
