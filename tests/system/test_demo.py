"""The demo as a user runs it: processes of its own, real files, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("ISTHMUS_DATA", ROOT.parent / "shared" / "data"))
KEYS = {
    "auc": {"bank_only", "fused", "pooled"},
    "ks": {"fused"},
    "bytes_sent": {"bank", "platform", "public"},
    "cpu_seconds": {"bank", "platform", "public", "aggregator"},
}


def demo(out: Path, *arguments: str, job: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli", "demo", *job, "--out", str(out), "--format", "json", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def facts_of(ran: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert ran.returncode == 0, ran.stderr
    facts: dict[str, Any] = json.loads(ran.stdout)  # One object and nothing else.
    return facts


def processes_naming(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if str(folder) in line:
                found.append(line)
    return found


def check_promises(facts: dict[str, Any]) -> None:
    for key, names in KEYS.items():
        assert names <= facts[key].keys()
    assert facts["rows_aligned"] > 0
    assert facts["wall_seconds"] > 0
    assert abs(facts["auc"]["fused"] - facts["auc"]["pooled"]) <= 0.002
    assert facts["auc"]["bank_only"] < facts["auc"]["fused"]
    report = Path(facts["report"]).read_text("utf-8")
    assert facts["run"] in report
    assert "http:" not in report
    assert "https:" not in report


def test_banks_with_the_same_columns_see_what_one_model_is_worth_to_each_of_them(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    arguments = ("--parties", "3", "--firms", "2400", "--strategy", "personalised")
    facts = facts_of(demo(out, *arguments, job=("horizontal",)))
    banks = ["bank-a", "bank-b", "bank-c"]
    assert [*facts["auc"]] == [*facts["verdict"]] == [*facts["difference"]] == banks
    assert {*banks, "aggregator"} == facts["bytes_sent"].keys() == facts["cpu_seconds"].keys()
    assert (facts["strategy"], facts["protection"], facts["rounds"]) == ("personalised", "he", 10)
    assert facts["joint"]["rows"] == sum(facts["test_rows"].values())
    told = [json.loads(path.read_text()) for path in sorted(out.glob("parties/*/rounds/*/evaluation.json"))]
    for bank, figures in zip(banks, told, strict=True):
        assert facts["auc"][bank]["local"] == figures["local"]["auc"]
        assert facts["auc"][bank]["federated"] == figures["federated"]["auc"]
        assert abs(facts["auc"][bank]["federated"] - facts["auc"][bank]["pooled"]) < 0.1
    # The small bank has the most to gain: 200 firms are too few for its own model.
    assert facts["verdict"]["bank-c"] == "helps"
    report = Path(facts["report"]).read_text("utf-8")
    assert all(text in report for text in (facts["run"], *banks, "Pooled (demo only)"))
    assert "http:" not in report and "https:" not in report
    assert processes_naming(out) == []


def test_ambiguous_files_are_refused_with_the_next_step(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for party in ("bank", "platform"):
        (data / f"{party}.csv").write_text("id,label,x\n" + "".join(f"{i},{i % 2},{i}\n" for i in range(9)))
    ran = demo(tmp_path / "demo", "--data", str(data))
    assert ran.returncode == 2
    assert "--config" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_demo_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "demo"
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "demo", "--out", str(out), "--firms", "1000"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        until = time.monotonic() + 60
        while not list(out.glob("parties/*/node.json")) and time.monotonic() < until:
            time.sleep(0.1)
        assert processes_naming(out)
        running.send_signal(number)
        assert running.wait(60) in (130, -number)
    until = time.monotonic() + 30
    while processes_naming(out) and time.monotonic() < until:
        time.sleep(0.2)
    assert processes_naming(out) == []
