"""A tree's histograms are measured in both forms, and wrong sums give no figures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.errors import Mismeasured
from benchmarks.speed import histogram
from cli.main import isthmus
from crypto.histogram import HistogramKey
from crypto.private import Private

COMMAND = ["bench", "speed", "histogram", "--rows", "200", "--features", "2", "--bins", "8", "--repeat", "1"]


@pytest.mark.parametrize("prefer", ["speed", "bytes"])
def test_figures_add_up(prefer: str) -> None:
    done = CliRunner().invoke(isthmus, [*COMMAND, "--depth", "2", "--prefer", prefer, "--format", "json"])
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)
    parts = sum(figures[f"{role}_cpu_s"] for role in ("encrypt", "host", "open"))
    assert figures["cpu_s"] == pytest.approx(parts) and parts > 0
    assert figures["bytes"] == figures["bytes_up"] + figures["bytes_down"] > 200_000
    assert (figures["key_bytes"] > 2_000_000) == (prefer == "bytes")


def test_wrong_sums_give_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Private(np.zeros((1, 4), dtype=np.uint64))
    monkeypatch.setattr(HistogramKey, "open", lambda *_, **__: wrong)
    with pytest.raises(Mismeasured):
        histogram.measure(100, 1, 4, depth=1, repeat=1)
