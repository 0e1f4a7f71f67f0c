"""A third of the matrix: each role, step and fault, by real processes."""

from __future__ import annotations

from pathlib import Path

from benchmarks.faults import matrix
from benchmarks.faults.cells import third


def test_no_cell_of_the_third_fails(tmp_path: Path) -> None:
    found = matrix.run(third(), tmp_path)
    assert {each.cell.id: each.cause for each in found.verdicts if each.outcome == "failed"} == {}
    assert found.count("resumed") > 0 and found.count("ended_cleanly") > 0
