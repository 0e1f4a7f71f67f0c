"""DP-SGD: each row bounded, the noise as wide as promised, and drawn from the party's own stream."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from crypto.summation.stream import KeyStream
from federation.errors import PlanRefused
from parties.horizontal.recordwise import (
    RecordPrivacy,
    Sampling,
    StreamNoiseOptimizer,
    by_row,
    check_recordwise,
    gaussians,
    sampled,
    take_none,
)

SECRET = bytes(range(32))


def stream(label: str = "noise") -> KeyStream:
    return KeyStream(SECRET, label)


def step(rows: torch.Tensor, privacy: RecordPrivacy, expected: float = 1.0, width: int = 4) -> np.ndarray:
    """How far one step of SGD with rate 1 moves a linear model's weights, from 0, for the loss sum(w . x)."""
    model = nn.Linear(width, 1, bias=False)
    nn.init.zeros_(model.weight)
    optimiser = StreamNoiseOptimizer(torch.optim.SGD(model.parameters(), lr=1.0), privacy, expected, stream())
    with by_row(model) as wrapped:
        optimiser.zero_grad()
        if len(rows):
            wrapped(rows).mean().backward()
        else:
            take_none(wrapped)
        optimiser.step()
    return -model.weight.detach().numpy()[0]


def test_the_normal_values_are_normal() -> None:
    from scipy import stats

    values = gaussians(stream(), 200_001)
    assert values.shape == (200_001,)
    assert stats.kstest(values, "norm").pvalue > 1e-3
    assert abs(values.std() - 1) < 0.01
    assert abs(np.corrcoef(values[:100_000], values[100_001:])[0, 1]) < 0.02


def test_one_stream_draws_one_sequence_and_another_label_another() -> None:
    np.testing.assert_array_equal(gaussians(stream(), 9), gaussians(stream(), 9))
    assert not np.isin(gaussians(stream("other"), 9), gaussians(stream(), 9)).any()


def test_every_row_is_taken_with_the_promised_chance_on_its_own() -> None:
    source, rows, rate, steps = stream(), 400, 0.2, 2000
    taken = np.zeros((steps, rows), dtype=bool)
    for number in range(steps):
        taken[number, sampled(source, rows, rate)] = True
    deviation = math.sqrt(rate * (1 - rate) / steps)
    assert np.abs(taken.mean(axis=0) - rate).max() < 5 * deviation
    sizes = taken.sum(axis=1)
    assert sizes.std() == pytest.approx(math.sqrt(rows * rate * (1 - rate)), rel=0.1)


@pytest.mark.parametrize("length", [0.2, 1.0, 50.0])
def test_one_row_moves_the_sum_by_no_more_than_the_clip(length: float) -> None:
    privacy = RecordPrivacy(clip=1.0, noise_multiplier=1e-12)
    rows = torch.randn((6, 4), generator=torch.Generator().manual_seed(3))
    row = torch.nn.functional.normalize(torch.randn((1, 4), generator=torch.Generator().manual_seed(4)))
    without, with_it = step(rows, privacy), step(torch.cat([rows, length * row]), privacy)
    moved = float(np.linalg.norm(with_it - without))
    assert moved <= 1.0 + 1e-5
    assert moved == pytest.approx(min(length, 1.0), abs=1e-4)


def test_a_row_is_bounded_over_all_layers_together() -> None:
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 1))
    privacy = RecordPrivacy(clip=0.5, noise_multiplier=1e-12)
    before = torch.cat([part.detach().flatten() for part in model.parameters()])
    optimiser = StreamNoiseOptimizer(torch.optim.SGD(model.parameters(), lr=1.0), privacy, 1.0, stream())
    with by_row(model) as wrapped:
        (100 * wrapped(torch.ones(1, 3))).mean().backward()
        optimiser.step()
    moved = torch.cat([part.detach().flatten() for part in model.parameters()]) - before
    assert float(moved.norm()) == pytest.approx(0.5, rel=1e-4)


def test_the_noise_is_as_wide_as_promised_though_no_row_was_taken() -> None:
    width, privacy, expected = 100_000, RecordPrivacy(clip=0.5, noise_multiplier=3.0), 8.0
    noise = step(torch.empty((0, width)), privacy, expected, width) * expected
    assert noise.std() == pytest.approx(1.5, rel=0.02)
    assert abs(noise.mean()) < 0.03
    drawn = gaussians(stream(), 4 * width).reshape(4, width).sum(axis=0) / 2
    np.testing.assert_allclose(noise, 1.5 * drawn, rtol=1e-5, atol=1e-7)


def test_noise_is_added_to_the_rows_sum_and_divided_with_it() -> None:
    privacy, rows = RecordPrivacy(clip=10.0, noise_multiplier=0.1), torch.ones((3, 4))
    alone = step(torch.empty((0, 4)), privacy, 2.0)
    np.testing.assert_allclose(step(rows, privacy, 2.0), np.full(4, 3 / 2) + alone, rtol=1e-5)


def test_a_model_is_as_it_was_after_training_by_row() -> None:
    model = nn.Linear(4, 1)
    with pytest.raises(RuntimeError), by_row(model):
        raise RuntimeError
    assert not model._forward_hooks
    assert not model._backward_hooks
    assert type(model) is nn.Linear
    model(torch.ones(2, 4)).sum().backward()
    assert getattr(model.weight, "grad_sample", None) is None


def test_steps_and_rate_are_the_accountants() -> None:
    privacy = RecordPrivacy(1.0, 1.1)
    assert privacy.sampling(1000, 100, 2) == Sampling(0.1, 20, 1.1)
    assert privacy.sampling(1001, 100, 1) == Sampling(100 / 1001, 11, 1.1)
    assert privacy.sampling(50, 100, 3) == Sampling(1.0, 3, 1.1)


class Net(nn.Module):
    """A network in one of several shapes, some of which Opacus would get wrong without a word."""

    def __init__(self, fault: str = "") -> None:
        super().__init__()
        self.fault = fault
        self.embedding = nn.Embedding(3, 2)
        self.norm = nn.BatchNorm1d(4) if fault == "a norm over rows" else nn.LayerNorm(4)
        self.trunk = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Linear(4, 1)
        if fault == "a tensor beside the layers":
            self.scale = nn.Parameter(torch.ones(4))

    def forward(self, numeric: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        hidden = self.norm(torch.cat([numeric, self.embedding(codes[:, 0])], dim=1))
        if self.fault == "rows less their mean":
            hidden = hidden - hidden.mean(dim=0)
        if self.fault == "a layer's weight used elsewhere":
            hidden = hidden + nn.functional.linear(hidden, self.trunk[0].weight)
        if self.fault == "a layer unused":
            return self.head(hidden).squeeze(1)
        hidden = self.trunk(hidden)
        return self.head(hidden * self.scale if hasattr(self, "scale") else hidden).squeeze(1)


def test_layers_that_opacus_knows_are_trained_by_row() -> None:
    check_recordwise(net := Net(), 2, 1, "bank")
    assert all(layer.training for layer in net.modules())
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.parametrize(
    "fault",
    [
        "a norm over rows",
        "rows less their mean",
        "a tensor beside the layers",
        "a layer's weight used elsewhere",
        "a layer unused",
    ],
)
def test_a_model_whose_rows_cannot_be_told_apart_is_refused(fault: str) -> None:
    with pytest.raises(PlanRefused, match="row by row"):
        check_recordwise(Net(fault), 2, 1, "bank")
