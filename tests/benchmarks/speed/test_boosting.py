"""The figures of boosted trees across parties: XGBoost's trees, every byte counted."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from benchmarks.speed import boosting
from crypto.errors import UsageError


def test_without_minimum_support_the_trees_are_as_good_as_xgboosts_and_no_byte_is_left_out() -> None:
    figures = boosting.measure(trees=1, depth=3, repeat=1, minimum_support=0)
    assert figures["auc"] == pytest.approx(figures["auc_pooled"], abs=0.001)
    assert figures["bytes_total"] == sum(figures["bytes"].values())
    assert figures["bytes_per_tree"] < figures["bytes_total"]
    assert figures["cpu_s_per_tree"] > 10 * figures["xgboost_cpu_s_per_tree"] > 0


def test_a_folder_without_the_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="default_credit_hetero_guest"):
        boosting.measure(trees=1, repeat=1, data=tmp_path)


def test_who_lacks_xgboost_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(UsageError) as refusal:
        boosting.measure(trees=1, repeat=1)
    assert "pip install xgboost-cpu" in refusal.value.advice
