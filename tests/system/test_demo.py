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

from crypto.errors import UsageError
from tests.system.federation import command
from tests.system.test_demo_horizontal import check_verdicts

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
        timeout=900,
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


@pytest.mark.long
def test_banks_with_the_same_columns_see_what_one_model_is_worth_to_each_of_them(tmp_path: Path) -> None:
    """The whole command, over processes; `test_demo_horizontal` looks closer at what it concludes."""
    out = tmp_path / "demo"
    arguments = ("--parties", "3", "--firms", "900", "--strategy", "personalised")
    facts = facts_of(demo(out, *arguments, job=("horizontal",)))
    banks = ["bank-a", "bank-b", "bank-c"]
    assert [*facts["auc"]] == [*facts["verdict"]] == [*facts["difference"]] == banks
    assert {*banks, "aggregator"} == facts["bytes_sent"].keys() == facts["cpu_seconds"].keys()
    assert (facts["strategy"], facts["protection"], facts["rounds"]) == ("personalised", "he", 10)
    assert facts["joint"]["rows"] == sum(facts["test_rows"].values())
    check_verdicts(facts)
    report = Path(facts["report"]).read_text("utf-8")
    assert all(text in report for text in (facts["run"], *banks, "Pooled (demo only)"))
    assert "http:" not in report and "https:" not in report
    assert processes_naming(out) == []


def two_tables(folder: Path, **headers: str) -> Path:
    folder.mkdir()
    for party, header in headers.items():
        (folder / f"{party}.csv").write_text(
            f"{header}\n" + "".join(f"f{row:03},{row % 2},{row}\n" for row in range(600))
        )
    return folder


def test_ambiguous_files_are_refused_with_the_next_step(tmp_path: Path) -> None:
    data = two_tables(tmp_path / "data", bank="id,label,x", platform="id,label,x")
    with pytest.raises(UsageError) as refused:
        command("demo", "--data", data, "--out", tmp_path / "demo")
    assert "--config" in refused.value.advice


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_demo_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    out = tmp_path / "demo"
    data = two_tables(tmp_path / "data", bank="id,default,x", platform="id,late,y")
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "demo", "--out", str(out), "--data", str(data)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as running:
        until = time.monotonic() + 180
        while not list(out.glob("parties/*/node.json")) and time.monotonic() < until:
            time.sleep(0.1)
        assert processes_naming(out)
        running.send_signal(number)
        assert running.wait(180) in (130, -number)
    until = time.monotonic() + 120
    while processes_naming(out) and time.monotonic() < until:
        time.sleep(0.2)
    assert processes_naming(out) == []
