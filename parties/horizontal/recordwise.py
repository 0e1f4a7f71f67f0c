"""Training under which one row more or less changes little: DP-SGD with Opacus.

Abadi et al., "Deep learning with differential privacy", CCS 2016. Each step takes every row with chance q,
independently (Poisson sampling), cuts each row's gradient to the L2 norm `clip`, and adds Gaussian noise of
standard deviation `noise_multiplier` * `clip` to the sum. Neighbouring tables differ by one row added or
removed. What the steps cost together is the accountant's (`crypto.accounting`), which takes the `Sampling`.

Opacus computes and clips the gradients row by row. Which rows are taken, and the noise, come from AES-256 in
counter mode under a seed that only this party knows: torch's own generator can be predicted from its
outputs, and a resumed round must repeat the draws it may have published already. Noise is drawn as the
scaled sum of four Gaussians, against the attack on the floating-point grid of a single one (Holohan and
Braghin, "Secure random sampling in differential privacy", ESORICS 2021).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from opacus.grad_sample import GradSampleModule
from opacus.optimizers import DPOptimizer
from opacus.optimizers.optimizer import _mark_as_processed
from opacus.validators import ModuleValidator
from torch import nn

from crypto.summation.stream import KeyStream
from federation.errors import PlanRefused
from parties.features.support import Floats

#: Rows that a model is tried on.
_PROBE = 4


@dataclass(frozen=True, slots=True)
class Sampling:
    """What one round costs: `steps`, each over rows that are taken with chance `rate`, and the noise."""

    rate: float
    steps: int
    noise_multiplier: float


@dataclass(frozen=True, slots=True)
class RecordPrivacy:
    """`clip`: the largest L2 norm of one row's gradient. `noise_multiplier`: the noise in units of it."""

    clip: float
    noise_multiplier: float

    def sampling(self, rows: int, batch_size: int, epochs: int) -> Sampling:
        """`rows` in batches of `batch_size` on average, for `epochs`. One batch takes every row."""
        rate = min(1.0, batch_size / max(rows, 1))
        return Sampling(rate, epochs * math.ceil(1 / rate), self.noise_multiplier)


def check_recordwise(network: nn.Module, numeric: int, columns: int, party: str) -> None:
    """Refuse (`PlanRefused`) a model in which a row's gradient cannot be told from the others'.

    Besides Opacus's own list of layers, rows of noise are tried: Opacus would pass over a tensor that is used
    outside the layer that holds it, and take the gradient of a model that mixes rows for that of a row.
    """
    if ModuleValidator.validate(network.train(), strict=False) or not _told_apart(network, numeric, columns):
        raise PlanRefused(
            "the model's gradients cannot be bounded row by row",
            party=party,
            field="privacy.unit",
            advice="Use layers that Opacus supports, each called once on each row by its own forward, or "
            "another privacy.unit.",
        )


def _told_apart(network: nn.Module, numeric: int, columns: int) -> bool:
    """Whether the gradients that Opacus gives for rows are those of the rows alone, for every parameter."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn((_PROBE, numeric), generator=generator)
    codes = torch.zeros((_PROBE, columns), dtype=torch.int64)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    for layer in network.modules():
        if isinstance(layer, nn.modules.dropout._DropoutNd):
            layer.eval()
    try:
        with by_row(network) as wrapped:
            mean = nn.functional.softplus(wrapped(rows, codes)).mean()
            mean.backward()  # type: ignore[no-untyped-call]
            by_opacus = [parameter.grad_sample for parameter in trained]  # type: ignore[attr-defined]
        for row in range(_PROBE):
            network.zero_grad()
            loss = nn.functional.softplus(network(rows[row : row + 1], codes[row : row + 1])).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            for parameter, told in zip(trained, by_opacus, strict=True):
                if parameter.grad is None or not torch.allclose(parameter.grad, told[row], 1e-3, 1e-5):
                    return False
    except (AttributeError, IndexError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return False  # Opacus has many ways to fail on a layer that it does not know.
    finally:
        network.zero_grad()
        network.train()
    return True


def gaussians(stream: KeyStream, count: int) -> Floats:
    """The next `count` standard normal values of `stream` (Box and Muller 1958), float64.

    Multiples of 2^-53 make the uniform values, so none lies beyond 8.6 standard deviations.
    """
    pairs = -(-count // 2)
    radius = np.sqrt(-2 * np.log1p(-stream.units(pairs)))
    angle = 2 * math.pi * stream.units(pairs)
    drawn: Floats = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])[:count]
    return drawn


def sampled(stream: KeyStream, rows: int, rate: float) -> npt.NDArray[np.int64]:
    """The places of the rows that a step takes: each of `rows` with chance `rate`, independently."""
    return np.flatnonzero(stream.units(rows) < rate)


class StreamNoiseOptimizer(DPOptimizer):  # type: ignore[misc]
    """Opacus's optimiser, with the noise of a `KeyStream`."""

    def __init__(
        self, optimizer: torch.optim.Optimizer, privacy: RecordPrivacy, expected: float, stream: KeyStream
    ) -> None:
        super().__init__(
            optimizer,
            noise_multiplier=privacy.noise_multiplier,
            max_grad_norm=privacy.clip,
            expected_batch_size=expected,
            loss_reduction="mean",
        )
        self._stream = stream

    def add_noise(self) -> None:
        """As `DPOptimizer.add_noise`, from the stream: four Gaussians over two make one of the same width."""
        deviation = self.noise_multiplier * self.max_grad_norm
        for parameter in self.params:
            count = parameter.numel()
            four = gaussians(self._stream, 4 * count).reshape(4, count).sum(axis=0) / 2
            noise = torch.from_numpy((deviation * four).astype(np.float32)).view_as(parameter)
            parameter.grad = parameter.summed_grad.view_as(parameter) + noise
            _mark_as_processed(parameter.summed_grad)


@contextmanager
def by_row(network: nn.Module) -> Iterator[nn.Module]:
    """`network` with hooks that keep each row's gradient; they are off it again afterwards."""
    wrapped = GradSampleModule(network)
    try:
        with warnings.catch_warnings():
            # Of the first layer, whose input is the rows; Opacus's hook needs the output's gradient alone.
            warnings.filterwarnings("ignore", "Full backward hook is firing", UserWarning)
            yield wrapped
    finally:
        wrapped.to_standard_module()
        network.zero_grad()


def take_none(wrapped: nn.Module) -> None:
    """The gradients of a step that happened to take no row: nothing to clip, noise alone to add."""
    for parameter in wrapped.parameters():
        if parameter.requires_grad:
            parameter.grad_sample = torch.zeros((0, *parameter.shape))  # type: ignore[attr-defined]
