"""Planted rows change no figure of a model: the same plan in the same folders, with and without them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.border.firms import Case, horizontal, vertical
from benchmarks.border.playing import Played, founded, play
from crypto.private import Private
from federation.governance.needles import Needles
from parties.dataset import DatasetConfig
from parties.governance.canaries import Canaries, Planted

#: Encrypted fits round their sums at random: two runs of one plan differ by so much too.
_ROUNDED = 1e-3


def nothing_planted(self: Canaries, frame: pd.DataFrame, dataset: DatasetConfig) -> Planted:
    self._needles = Needles([])
    return Planted(frame, Private(()))


def both(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    sandbox = founded(case, folder)
    yield play(sandbox)
    monkeypatch.setattr(Canaries, "plant", nothing_planted)
    yield play(sandbox)


def kept(played: Played, party: str, file: str) -> dict[str, Any]:
    assert played.cause is None
    (home,) = (home for name, home in played.sandbox.parties.items() if name == party)
    text = (home.round_folder(played.run) / file).read_text()
    return dict(json.loads(text.replace(played.run, "run")))


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [each for name in sorted(value) for each in numbers(value[name])]
    if isinstance(value, list):
        return [each for item in value for each in numbers(item)]
    return [float(value)] if isinstance(value, int | float) else []


def test_a_horizontal_model_and_its_evaluation_are_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted, plain = both(horizontal(5), tmp_path, monkeypatch)
    for party in planted.sandbox.parties:
        for file in ("model/model.json", "evaluation.json"):
            assert kept(planted, party, file) == kept(plain, party, file)


def test_a_vertical_model_differs_by_its_random_rounding_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted, plain = both(vertical(5, model={"max_iterations": 2}), tmp_path, monkeypatch)
    for party, file in (
        ("bank", "model/model.json"),
        ("platform", "model/model.json"),
        ("bank", "evaluation.json"),
    ):
        one, other = kept(planted, party, file), kept(plain, party, file)
        np.testing.assert_allclose(numbers(one), numbers(other), atol=_ROUNDED)
    counts = [kept(played, "bank", "spent.json") for played in (planted, plain)]
    for name in ("table_rows", "rows", "training_rows"):
        assert counts[0][name] == counts[1][name]
