"""Settings that describe no world are refused before anything is drawn."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from crypto.errors import UsageError
from parties.four_flows import Settings, generate


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("firms", 99),
        ("months", 11),
        ("months", 25),
        ("seed", -1),
        ("base_rate", 0.0),
        ("base_rate", float("nan")),
        ("platform_overlap", 1.01),
        ("public_overlap", 0.0),
        ("strangers", -0.1),
        ("missing", 0.51),
        ("drift_month", 0),
        ("drift_month", 12),
        ("poisoned_party", "carrier"),
        ("countries", ()),
        ("countries", ("CN", "CN")),
        ("countries", ("China",)),
    ],
)
def test_impossible_settings_are_refused_by_name(field: str, value: object) -> None:
    with pytest.raises(UsageError) as caught:
        Settings(**{field: value})  # type: ignore[arg-type]
    assert caught.value.field == field


@pytest.mark.parametrize(
    "settings",
    [
        Settings(firms=100, months=12, strangers=0.0),
        Settings(firms=101, platform_overlap=1.0, public_overlap=1.0, missing=0.0),
        Settings(firms=300, base_rate=0.5, platform_overlap=0.05),
        Settings(firms=5001, strangers=1.0, missing=0.5),
    ],
)
def test_extreme_settings_still_make_a_world(settings: Settings) -> None:
    made = generate(settings)
    assert len(made.bank) == settings.firms
    filled = made.truth.firms.drop(columns=["uscc", "core", "supplies"]).astype(float)
    assert filled.notna().to_numpy().all()
    if settings.missing == 0.0:
        assert not made.platform.isna().to_numpy().any()


def test_importing_the_generator_loads_nothing_heavy() -> None:
    code = (
        "import sys, parties.four_flows, parties.connectors\n"
        "print(sorted({'pandas', 'pyarrow', 'sklearn', 'torch'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout.strip() == "[]"
