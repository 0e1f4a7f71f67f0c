"""Ten thousand yuan are not one yuan."""

from __future__ import annotations

from pathlib import Path

import pytest

from crypto.errors import UsageError
from parties.dataset import DatasetConfig
from parties.features import check_units

CONFIG = DatasetConfig(
    "loans", Path("a.csv"), "id", units={"sales": "CNY", "wages": "CNY", "margin": "ratio"}, party="bank"
)


def test_another_unit_is_refused_with_party_column_and_both_units() -> None:
    with pytest.raises(UsageError) as caught:
        check_units(CONFIG, {"platform": {"sales": "10k-CNY", "margin": "ratio"}})
    assert (caught.value.party, caught.value.field) == ("bank", "sales")
    for part in ("bank declares CNY", "platform declares 10k-CNY", "sales"):
        assert part in str(caught.value)
    assert "Convert" in caught.value.advice


def test_every_mismatch_is_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        check_units(CONFIG, {"platform": {"sales": "10k-CNY"}, "public": {"wages": "USD"}})
    assert "platform declares 10k-CNY" in str(caught.value)
    assert "public declares USD" in str(caught.value)
    assert caught.value.field is None


def test_the_same_unit_in_other_letters_passes() -> None:
    check_units(CONFIG, {"platform": {"sales": " cny", "margin": "Ｒatio", "weight": "kg"}, "public": {}})
