"""`isthmus bench robustness` at a tiny size: rates for each kind of bad party, the same for the same seed."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner

from benchmarks.robustness.measuring import measure
from benchmarks.robustness.simulation import BAD
from cli.main import isthmus

COMMAND = ["bench", "robustness", "--rounds", "1", "--repeat", "1", "--format", "json"]


def test_every_kind_of_bad_party_has_its_rates() -> None:
    done = CliRunner().invoke(isthmus, COMMAND)
    assert done.exit_code == 0, done.output
    figures: dict[str, Any] = json.loads(done.stdout)
    assert figures["none"].keys() == {"false_alarms", "named_itself", "auc_median", "auc_mean"}
    for kind in BAD:
        assert figures[kind].keys() == {
            "detected",
            "others_named",
            "detected_itself",
            "auc_median",
            "auc_mean",
        }
        assert all(0 <= figure <= 1 for figure in figures[kind].values())
    again = measure(rounds=1, repeat=1, kinds=["sign"])
    assert again["sign"] == figures["sign"]
