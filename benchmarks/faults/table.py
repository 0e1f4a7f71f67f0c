"""The matrix for people: on a terminal, and in docs/faults.md between its marks."""

from __future__ import annotations

from pathlib import Path

from benchmarks.faults.cells import FAULTS
from benchmarks.faults.matrix import Matrix
from crypto.errors import UsageError
from federation import files

BEGIN, END = "<!-- faults: made by `isthmus bench faults --docs docs/faults.md` -->", "<!-- end of faults -->"
_OUTCOMES = {"resumed": "resumed", "ended_cleanly": "ended cleanly", "failed": "FAILED"}


def told(matrix: Matrix) -> str:
    """The counts, then each cell that failed and why."""
    lines = [matrix.counts]
    lines += [f"  {each.cell.id}: {each.cause}" for each in matrix.verdicts if each.outcome == "failed"]
    return "\n".join(lines)


def markdown(matrix: Matrix) -> str:
    """One row a cell."""
    lines = [
        f"{matrix.counts}.",
        "",
        "| plan | role | step | fault | Flower | what became of the round | attempts |",
        "|---|---|---|---|---|---|---|",
    ]
    for verdict in matrix.verdicts:
        cell = verdict.cell
        lines.append(
            f"| {cell.shape} | {cell.role} | {cell.step} | {FAULTS[cell.fault]} | "
            f"{'played' if cell.how == 'simulated' else 'real'} | "
            f"{_OUTCOMES[verdict.outcome]} | {verdict.attempts} |"
        )
    return "\n".join(lines)


def write(matrix: Matrix, page: Path) -> None:
    """Put the table between the page's marks; `UsageError` where it has none."""
    text = files.read(page).decode()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UsageError(
            "this page has no marks for the table",
            file=str(page),
            advice=f"Put the lines `{BEGIN}` and `{END}` where it belongs.",
        )
    files.write(page, f"{before}{BEGIN}\n{markdown(matrix)}\n{END}{after}".encode())
