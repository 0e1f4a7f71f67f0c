"""Utility stands beside protection: own columns, fused and pooled on the same rows, and what it cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.border import worth
from benchmarks.border.results import Utility
from benchmarks.border.scenarios import SETTINGS
from benchmarks.border.worth import LEVELS, utilities


def measured(monkeypatch: pytest.MonkeyPatch, name: str, folder: Path) -> Utility:
    setting = SETTINGS[name]
    monkeypatch.setattr(worth, "LEVELS", {name: {"as planned": setting.firms}})
    (found,) = utilities(setting, 7, folder)
    return found


def test_a_vertical_model_is_worth_more_than_own_columns_and_no_more_than_pooled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = measured(monkeypatch, "S4", tmp_path)
    assert found.auc_local < found.auc_fused <= found.auc_pooled + 0.02
    assert found.bytes_sent > found.raw_bytes > 0
    assert found.cpu_seconds > found.plain_cpu_seconds > 0


def test_every_level_is_a_plan_of_its_scenarios_parties() -> None:
    for name, levels in LEVELS.items():
        for firms in levels.values():
            assert set(firms(7).plan.parties) == set(SETTINGS[name].holders)
    assert utilities(SETTINGS["S4"], 7, Path("nowhere")) == ()
