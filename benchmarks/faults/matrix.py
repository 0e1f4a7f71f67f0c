"""Playing many cells: a few at a time, since most of their time is waiting."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.faults import processes
from benchmarks.faults.cells import CELLS, Cell
from benchmarks.faults.playing import Outcome, Verdict, played, prepared
from benchmarks.progress import Say, silent
from crypto.errors import UsageError

#: Cells at a time on each core.
_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Matrix:
    """What became of all cells that were played, in the matrix's order."""

    verdicts: tuple[Verdict, ...]

    def count(self, outcome: Outcome) -> int:
        """How many cells had that outcome."""
        return Counter(verdict.outcome for verdict in self.verdicts)[outcome]

    @property
    def counts(self) -> str:
        """The counts in a sentence."""
        resumed, ended, failed = self.count("resumed"), self.count("ended_cleanly"), self.count("failed")
        return f"{len(self.verdicts)} cells: {resumed} resumed, {ended} ended cleanly, {failed} failed"

    def to_json(self) -> dict[str, Any]:
        """The counts, and each cell."""
        return {
            "cells": len(self.verdicts),
            "resumed": self.count("resumed"),
            "ended_cleanly": self.count("ended_cleanly"),
            "failed": self.count("failed"),
            "verdicts": [
                {
                    "cell": verdict.cell.id,
                    **asdict(verdict.cell),
                    "outcome": verdict.outcome,
                    "cause": verdict.cause,
                    "attempts": verdict.attempts,
                    "seconds": round(verdict.seconds, 1),
                }
                for verdict in self.verdicts
            ],
        }


def chosen(names: Sequence[str]) -> tuple[Cell, ...]:
    """The cells with one of `names` in theirs; all where none is given. `UsageError` for a stray name."""
    for name in names:
        if not any(name in cell.id for cell in CELLS):
            raise UsageError(
                "no cell's name has that in it",
                field="--cells",
                advice="`isthmus bench faults --list` names them.",
            )
    return tuple(cell for cell in CELLS if not names or any(name in cell.id for name in names))


def run(cells: Sequence[Cell], folder: Path, say: Say = silent) -> Matrix:
    """Play `cells` below `folder`."""
    simulated = [cell for cell in cells if cell.how == "simulated"]
    real = [cell for cell in cells if cell.how == "processes"]
    found: dict[Cell, Verdict] = {}
    lock = threading.Lock()

    def heard(verdict: Verdict) -> None:
        with lock:
            found[verdict.cell] = verdict
            failed = sum(each.outcome == "failed" for each in found.values())
            say(f"{len(found)} of {len(cells)}, {failed} failed; last {verdict.cell.id}: {verdict.outcome}")

    def one(cell: Cell) -> None:
        heard(played(cell, grounds[cell.shape], folder / "cells" / cell.id.replace("/", "_")))

    say("playing the rounds that nothing disturbs")
    grounds = {
        shape: prepared(shape, folder / shape) for shape in dict.fromkeys(cell.shape for cell in simulated)
    }
    at_once = _AT_ONCE * (os.cpu_count() or 1)
    with ThreadPoolExecutor(at_once) as pool, ThreadPoolExecutor(2) as two:
        whole = [
            two.submit(
                processes.played,
                shape,
                [c for c in real if c.shape == shape],
                folder / f"{shape}-real",
                heard,
            )
            for shape in dict.fromkeys(cell.shape for cell in real)
        ]
        # The long ones first: they wait while the others work.
        for future in [pool.submit(one, cell) for cell in sorted(simulated, key=_is_short)] + whole:
            future.result()
    return Matrix(tuple(found[cell] for cell in cells))


def _is_short(cell: Cell) -> bool:
    return cell.fault not in ("cut-300", "freeze", "loss")
