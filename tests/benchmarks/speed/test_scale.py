"""What the measurement at scale rests on: sizes, growth, and memory of processes that a role started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.speed.footprint import Footprint
from benchmarks.speed.scale import features, growth, sizes_of
from crypto.errors import UsageError
from federation.ids import PartyId
from parties.connectors import read_table
from parties.four_flows import Settings
from parties.sandbox.founding import generated

_HOLDS = "import sys; held = bytearray(60_000_000); print(len(held), flush=True); sys.stdin.read()"
#: A shell that starts Python, as a role's service starts what computes.
_STARTS = '"$0" -c "$1"; true'


def test_sizes_come_in_order_and_once() -> None:
    assert sizes_of("100000, 30000,30000") == [30_000, 100_000]
    for wrong in ("", "30k", "10", "-4000", "4000,,5000"):
        with pytest.raises(UsageError, match="whole numbers from 3,000 up"):
            sizes_of(wrong)


def test_growth_is_one_where_cost_is_in_proportion() -> None:
    def cost(seconds: float, size: int) -> dict[str, dict[str, float]]:
        return {"cpu_s": {"bank": seconds, "platform": seconds}, "bytes": {"bank": size}}

    found = growth({"1000": cost(1, 10), "4000": cost(4, 160)}, [4000, 1000])
    assert found == {"1000 to 4000": {"cpu_s": pytest.approx(1.0), "bytes": pytest.approx(2.0)}}


def test_a_report_counts_the_features_of_every_table(tmp_path: Path) -> None:
    datasets, _ = generated(tmp_path, Settings(firms=300))
    found = features(datasets)
    assert found["all"] == found["bank"] + found["platform"] + found["public"] >= 50
    bank = read_table(datasets[PartyId("bank")].file)
    assert found["bank"] == len(bank.drop(columns=["uscc", "default_12m"]).columns)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads proc(5)")
def test_memory_of_what_a_role_started_is_the_roles(tmp_path: Path) -> None:
    arguments = ["sh", "-c", _STARTS, sys.executable, _HOLDS, "--home", str(tmp_path)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None and shell.stdin is not None
        shell.stdout.readline()
        seen = Footprint({"bank": tmp_path, "platform": tmp_path / "other"})
        seen.look()
        shell.stdin.close()
        shell.wait(120)
    assert seen.peaks.keys() == {"bank"}
    assert 60e6 < seen.peaks["bank"] < 200e6
