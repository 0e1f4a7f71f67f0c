"""Cells of the matrix by real processes: a few in the suite, the third that covers all of it in .ci/run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.faults import matrix
from benchmarks.faults.cells import third

#: In the suite every ninth of them: one takes about four CPU seconds.
CELLS = third() if os.environ.get("ISTHMUS_FAULTS") == "third" else third()[::9]


def small_disk(folder: Path) -> bool:
    """Whether this user may mount one here."""
    if os.geteuid() != 0:
        return False
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        return False
    subprocess.run(["umount", str(folder)], check=True)
    return True


def test_no_cell_fails(tmp_path: Path) -> None:
    with_disk = small_disk(tmp_path / "disk")
    cells = [cell for cell in CELLS if with_disk or cell.fault != "disk"]
    found = matrix.run(cells, tmp_path)
    assert {each.cell.id: each.cause for each in found.verdicts if each.outcome == "failed"} == {}
    assert found.count("resumed") > 0 and found.count("ended_cleanly") > 0
    if not with_disk:
        pytest.skip("no small disk can be mounted here, so full disks were left out; the rest holds")
