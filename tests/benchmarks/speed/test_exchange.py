from __future__ import annotations

import math
import multiprocessing

from benchmarks.speed.exchange import measure


def test_the_measurement_runs_between_processes_and_leaves_none_behind() -> None:
    figures = measure(repetitions=20)
    assert figures["n"] == 20
    assert 0 < figures["p50_ms"] <= figures["p95_ms"]
    assert all(math.isfinite(value) and value > 0 for value in figures.values())
    assert multiprocessing.active_children() == []
