"""The sine series fits, hides and never wraps."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from crypto.bfv import Scheme
from parties.logistic.series import LADDER, FixedPoint, Rung, coefficients, cosines, sines, to_torus

RUNGS = pytest.mark.parametrize("rung", LADDER, ids=lambda rung: f"{rung.limit:g}")


def sigma(z: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    return np.asarray(1 / (1 + np.exp(-z)))


def series(z: np.ndarray, rung: Rung) -> np.ndarray:  # type: ignore[type-arg]
    words = to_torus(z, rung)
    return np.asarray(0.5 + sum(b * sines(words, k) for k, b in enumerate(coefficients(rung), start=1)))


@RUNGS
def test_the_series_is_the_logistic_function_as_far_as_its_limit(rung: Rung) -> None:
    z = np.linspace(-rung.limit, rung.limit, 100_001)
    assert np.abs(series(z, rung) - sigma(z)).max() <= (3e-5 if rung is LADDER[0] else 1.5e-5)


@RUNGS
def test_beyond_its_mirror_a_logit_reads_as_its_mirror_image(rung: Rung) -> None:
    beyond = np.linspace(0, rung.mirror, 1001)
    assert np.abs(series(rung.mirror + beyond, rung) - series(rung.mirror - beyond, rung)).max() < 1e-6


@RUNGS
def test_the_coefficients_are_small_so_that_rounding_and_noise_stay_small(rung: Rung) -> None:
    assert sum(map(abs, coefficients(rung))) < 2


@RUNGS
def test_beyond_the_limit_the_residual_stays_bounded(rung: Rung) -> None:
    z = np.linspace(-6 * rung.mirror, 6 * rung.mirror, 20_001)
    assert series(z, rung).min() > -1e-4 and series(z, rung).max() < 1 + 1e-4


def test_the_ladder_climbs_without_gaps() -> None:
    for lower, upper in pairwise(LADDER):
        assert lower.limit < upper.limit and lower.harmonics < upper.harmonics
    assert all(rung.limit < 2 * rung.mirror for rung in LADDER)


@RUNGS
def test_a_masked_word_gives_the_sine_of_the_logit_by_the_addition_theorem(rung: Rung) -> None:
    rng = np.random.default_rng(1)
    z = rng.uniform(-rung.limit, rung.limit, 5000)
    mask = rng.integers(0, 1 << 32, 5000, dtype=np.uint32)
    theta = to_torus(z, rung) + mask
    for k in (1, rung.harmonics):
        found = sines(theta, k) * cosines(mask, k) - cosines(theta, k) * sines(mask, k)
        assert np.abs(found - np.sin((2 * k - 1) * math.pi * z / (2 * rung.mirror))).max() < 1e-6


@RUNGS
def test_shares_of_a_logit_add_up_on_the_torus(rung: Rung) -> None:
    rng = np.random.default_rng(2)
    parts = rng.normal(size=(3, 1000)) * rung.limit / 6
    total = sum((to_torus(part, rung) for part in parts), np.zeros(1000, dtype=np.uint32))
    difference = (total - to_torus(parts.sum(axis=0), rung)).astype(np.int32)
    assert np.abs(difference).max() <= 2


def test_a_negative_and_a_very_large_logit_wrap_as_the_torus_does() -> None:
    rung = LADDER[0]
    period = 4 * rung.mirror
    z = np.array([-3.0, 0.0, 5.0])
    assert np.abs((to_torus(z, rung) - to_torus(z + 40 * period, rung)).astype(np.int32)).max() <= 1


@pytest.mark.parametrize("rows", sorted({1000, 8192, 8193, 10**6, *np.geomspace(1e3, 1e6, 60).astype(int)}))
def test_no_gradient_sum_wraps_from_a_thousand_to_a_million_rows(rows: int) -> None:
    """|sum x d| <= n sqrt(mean x^2) sqrt(mean d^2); a column's rounding adds half a step, d reaches 1.005."""
    t = Scheme().modulus if rows == 1000 else 1125899906826241
    fixed = FixedPoint.for_rows(rows, t)
    step = 2.0**-fixed.feature
    largest = rows * (1 + step) * 1.005 * fixed.gradient_scale
    assert largest < t / 2
    assert fixed.residual_scale * 1.005 < t / 2
    assert fixed.residual_scale >= 1 << 16 and fixed.gradient_scale // fixed.residual_scale >= 1 << 6


def test_the_worst_column_there_is_comes_back_with_its_sign() -> None:
    rows, scheme = 8192, Scheme()
    fixed = FixedPoint.for_rows(rows, scheme.modulus)
    residual = np.full(rows, -fixed.residual_scale)  # All labels 1, all scores 0.
    column = fixed.feature_integers(np.ones(rows))
    exact = int(residual.astype(object) @ column.astype(object))
    assert scheme.signed(exact) == exact == -rows * fixed.gradient_scale
