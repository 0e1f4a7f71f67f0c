"""Standardising is exact on the rows it was fitted on, and refuses what has no finite spread."""

from __future__ import annotations

import numpy as np
import pytest

from parties.features.standard import Standard


def test_the_fitted_rows_have_mean_zero_and_population_variance_one() -> None:
    values = np.random.default_rng(0).lognormal(12, 1, 999)
    standard = Standard.of(values)
    assert standard is not None
    out = np.empty(999)
    standard.apply(values, out)
    assert out.mean() == pytest.approx(0, abs=1e-12)
    assert out.var() == pytest.approx(1)


@pytest.mark.parametrize("values", [[3.0, 3.0], [1.7e308, -1.7e308], [1e308] * 30 + [0.0]])
def test_no_spread_or_one_too_large_is_none(values: list[float]) -> None:
    assert Standard.of(np.array(values)) is None


def test_the_fitted_numbers_are_not_shown() -> None:
    assert "4711" not in repr(Standard(4711.0, 4711.0))


@pytest.mark.parametrize("scale", [0.0, -1.0])
def test_a_saved_scale_is_positive(scale: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        Standard.from_dict({"mean": 0.0, "scale": scale})
