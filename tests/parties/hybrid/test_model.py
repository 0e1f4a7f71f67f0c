"""A hybrid model on disk: the same bits again, or a refusal."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crypto.errors import UsageError
from crypto.private import Private
from federation.ids import PartyId, RunId
from parties.hybrid.fitting import Coefficients
from parties.hybrid.model import HybridPart
from parties.model_folder import load
from parties.round.model import ModelPart
from tests.parties.hybrid.test_encoding import PLACE, fitted, table


def part() -> HybridPart:
    weights = np.random.default_rng(1).normal(size=5)
    return HybridPart(
        run=RunId("20260301-120000-abcdef"),
        party=PartyId("bank-a"),
        consortium="a",
        plan_digest="00" * 32,
        encoding=fitted(table()),
        shared=Coefficients(weights, -0.1),
        alone=Coefficients(weights / 3, 0.7),
        rounds=2,
        iterations=41,
        converged=True,
    )


def test_a_saved_part_scores_the_same_bits(tmp_path: Path) -> None:
    made = part()
    made.save(tmp_path)
    assert stat.S_IMODE((tmp_path / "model" / "model.json").stat().st_mode) == 0o600
    read = HybridPart.load(tmp_path)
    frame = table()
    for model in ("shared", "alone"):
        scores = [
            getattr(each, model).logits(Private(each.encoding.transform(frame, PLACE))).open_locally()
            for each in (made, read)
        ]
        assert scores[0].tobytes() == scores[1].tobytes() and scores[0].std() > 0
    assert (read.rounds, read.converged, read.consortium) == (2, True, "a")


def test_another_kind_of_model_is_not_taken_for_one(tmp_path: Path) -> None:
    part().save(tmp_path)
    with pytest.raises(UsageError, match="no logistic model"):
        ModelPart.load(tmp_path)
    saved = load(tmp_path, "hybrid")
    for damage in ({"rounds": 2}, {**saved.part, "shared": {"weights": ["x"], "intercept": None}}):
        replace(saved, part=damage).save(tmp_path)
        with pytest.raises(UsageError, match="damaged"):
            HybridPart.load(tmp_path)
