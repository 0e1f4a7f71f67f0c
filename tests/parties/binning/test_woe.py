"""WOE and IV are the closed form, finite whatever is empty."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crypto.errors import UsageError
from parties.binning.woe import contributions, information_value, strength, woe


def test_woe_and_iv_are_siddiqis_closed_form() -> None:
    good, bad = [400, 300, 200], [20, 30, 50]
    shares = [(g / 900, b / 100) for g, b in zip(good, bad, strict=True)]
    expected = [math.log(g / b) for g, b in shares]
    assert woe(np.array(good), np.array(bad)) == pytest.approx(expected, abs=1e-12)
    iv = sum((g - b) * value for (g, b), value in zip(shares, expected, strict=True))
    assert information_value(np.array(good), np.array(bad)) == pytest.approx(iv, abs=1e-12)


def test_an_empty_class_takes_the_declared_adjustment_and_an_empty_bin_says_nothing() -> None:
    good, bad = np.array([50, 100, 0, 0]), np.array([0, 40, 60, 0])
    found = woe(good, bad)
    assert found[0] == pytest.approx(math.log((50.5 / 150) / (0.5 / 100)))
    assert found[2] == pytest.approx(math.log((0.5 / 150) / (60.5 / 100)))
    assert found[3] == 0
    assert np.isfinite(found).all()
    assert (contributions(good, bad) >= 0).all()


def test_rows_of_one_outcome_are_refused() -> None:
    with pytest.raises(UsageError, match="same outcome"):
        woe(np.array([50, 60]), np.array([0, 0]))


def test_strength_names_siddiqis_bands() -> None:
    assert [strength(iv) for iv in (0.0, 0.02, 0.0999, 0.1, 0.3, 0.5)] == [
        *("useless", "weak", "weak", "medium", "strong", "suspicious")
    ]
