"""The matrix is whole, its third covers it, and the page shows it as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.faults import cells, matrix, table
from benchmarks.faults.cells import CELLS, FAULTS, STEPS, third
from benchmarks.faults.playing import Verdict
from crypto.errors import UsageError

PAGE = Path(__file__).parents[3] / "docs" / "faults.md"


def parts(chosen: tuple[cells.Cell, ...]) -> dict[str, set[str]]:
    return {
        "roles": {f"{cell.shape} {cell.role}" for cell in chosen},
        "steps": {cell.step for cell in chosen},
        "faults": {cell.fault for cell in chosen},
    }


def test_the_matrix_has_sixty_cells_or_more_and_no_cell_twice() -> None:
    assert len({cell.id for cell in CELLS}) == len(CELLS) >= 60
    assert parts(CELLS)["steps"] == {*STEPS}
    assert parts(CELLS)["faults"] == {*FAULTS}
    for cell in CELLS:
        assert cell.moment.count > 0


def test_every_role_meets_a_fault_at_every_step() -> None:
    met = {(cell.shape, cell.role, cell.step) for cell in CELLS if cell.how == "simulated"}
    roles = {(cell.shape, cell.role) for cell in CELLS}
    assert met == {(*role, step) for role in roles for step in STEPS}


def test_the_third_has_each_role_step_and_fault() -> None:
    """Of those cells that need no Flower; with it a system test kills roles."""
    played = tuple(cell for cell in CELLS if cell.how == "simulated")
    chosen = third()
    assert parts(chosen) == parts(played)
    assert len(chosen) >= len(CELLS) / 3


def test_the_page_has_the_cells_of_this_matrix_and_none_failed() -> None:
    text = PAGE.read_text()
    shown = text.partition(table.BEGIN)[2].partition(table.END)[0]
    rows = [[part.strip() for part in line.split("|")[1:-1]] for line in shown.splitlines() if "|" in line][
        2:
    ]
    assert [row[:5] for row in rows] == [
        [
            cell.shape,
            cell.role,
            cell.step,
            FAULTS[cell.fault],
            "real" if cell.how == "processes" else "played",
        ]
        for cell in CELLS
    ]
    assert {row[5] for row in rows} <= {"resumed", "ended cleanly"}
    assert re.search(rf"^{len(CELLS)} cells: \d+ resumed, \d+ ended cleanly, 0 failed\.$", shown, re.M)


def test_a_page_without_marks_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    found = matrix.Matrix((Verdict(CELLS[0], "resumed"),))
    page = tmp_path / "page.md"
    page.write_text("no marks")
    with pytest.raises(UsageError, match="no marks"):
        table.write(found, page)
    assert page.read_text() == "no marks"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    table.write(found, page)
    assert "| resumed | 1 |" in page.read_text() and "old" not in page.read_text()


def test_a_name_that_no_cell_has_is_refused() -> None:
    with pytest.raises(UsageError, match="no cell"):
        matrix.chosen(("no-such-cell",))
