"""Strict mypy refuses each wrong program in `refused.py` for the reason beside it, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
WRONG = Path(__file__).with_name("refused.py")


def test_each_wrong_program_is_refused_for_its_reason_and_no_other_line(tmp_path: Path) -> None:
    expected = {
        (number, found[1])
        for number, line in enumerate(WRONG.read_text("utf-8").splitlines(), start=1)
        if (found := re.search(r"# refused: ([a-z-]+)$", line))
    }
    # The cache of `make lint`, where there is one, saves reading everything that the wrong programs import.
    cache = ROOT / ".mypy_cache"
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--strict"]
    outcome = subprocess.run(
        [*command, "--cache-dir", str(cache if cache.exists() else tmp_path), "--output", "json", str(WRONG)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    told = [json.loads(line) for line in outcome.stdout.splitlines() if line.startswith("{")]
    errors = [error for error in told if error["severity"] == "error"]
    assert [error for error in errors if Path(error["file"]).name != WRONG.name] == []
    assert {(error["line"], error["code"]) for error in errors} == expected
    assert len(expected) > 30


def test_the_ordinary_check_leaves_the_wrong_programs_out() -> None:
    assert r'exclude = ["tests/typing/refused\\.py"]' in (ROOT / "pyproject.toml").read_text("utf-8")
