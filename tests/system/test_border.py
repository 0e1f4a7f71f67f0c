"""A scenario across a border by real processes, and what somebody elsewhere makes of its file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.border.crossing import crossed
from benchmarks.border.links import Conditions
from benchmarks.border.scenarios import SETTINGS
from federation.compliance.packing import read
from tests.system.federation import ROOT


def test_a_round_across_a_border_ends_with_a_file_that_is_judged_the_same_elsewhere(tmp_path: Path) -> None:
    scenario, file = crossed(SETTINGS["S4"], 1, tmp_path / "run", (Conditions(100),))
    assert scenario.as_expected, scenario.why
    assert scenario.verified
    assert file is not None
    (link,) = scenario.links
    assert (link.latency_ms, link.by) == (100, "proxy")
    assert link.wall_seconds > 0.1  # More than one message crossed.

    # The capture saw what the guard logs of all roles have, to the byte.
    assert scenario.case.checks["T-EGRESS-RECONCILE"] == "pass"
    frames = read(file).frames
    assert frames is not None
    assert {*frames} == {*scenario.packs} == {"aggregator", "bank", "registry"}
    assert all(seen for seen in frames.values())
    assert sum(flow.bytes for flow in scenario.case.flows) == sum(
        frame.size for seen in frames.values() for frame in seen
    )

    elsewhere = subprocess.run(
        [sys.executable, "-P", "-m", "cli", "ledger", "verify", str(file), "--format", "json"],
        env={**os.environ, "HOME": str(tmp_path / "nobody"), "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert elsewhere.returncode == 0, elsewhere.stderr
    found = json.loads(elsewhere.stdout)
    assert (found["same"], found["differences"]) == (True, [])
    assert found["rules"] == dict(scenario.judgement.packs)
