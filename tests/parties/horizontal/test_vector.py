"""The flat vector: what travels, in what order, and what never gets into a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from crypto.errors import UsageError
from federation import files
from parties.horizontal.vector import Layout, clip_norm


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Linear(3, 2)
        self.head = nn.Linear(2, 1)
        self.header = nn.Linear(2, 1)
        self.register_buffer("scale", torch.ones(2))
        self.register_buffer("calls", torch.zeros(1, dtype=torch.int64))


def test_parameters_and_floating_buffers_travel_and_nothing_else() -> None:
    layout = Layout.of(Net())
    assert layout.names == (
        *("scale", "trunk.weight", "trunk.bias"),
        *("head.weight", "head.bias", "header.weight", "header.bias"),
    )
    assert layout.size == 2 + 6 + 2 + 2 + 1 + 2 + 1


def test_what_is_written_is_read_back_and_the_model_holds_it() -> None:
    model, layout = Net(), Layout.of(Net())
    vector = np.arange(layout.size) / 8
    layout.write(model, vector)
    np.testing.assert_array_equal(layout.read(model), vector)
    np.testing.assert_array_equal(model.trunk.weight.detach(), [[0.25, 0.375, 0.5], [0.625, 0.75, 0.875]])


def test_parameters_are_saved_as_plain_arrays_and_read_back(tmp_path: Path) -> None:
    layout, file = Layout.of(Net()), tmp_path / "model.npz"
    vector = layout.read(Net())
    files.write_arrays(file, **layout.arrays(vector))
    np.testing.assert_array_equal(layout.vector(files.read_arrays(file, "Train again.")), vector)


def test_arrays_of_another_model_are_refused() -> None:
    layout = Layout.of(Net())
    arrays = layout.arrays(layout.read(Net()))
    for bad in (
        {name: array for name, array in arrays.items() if name != "scale"},
        {**arrays, "more": np.ones(1, np.float32)},
        {**arrays, "scale": np.ones(3, np.float32)},
        {**arrays, "scale": np.array([1.0, np.nan], np.float32)},
        {**arrays, "scale": np.ones(2)},
    ):
        with pytest.raises(UsageError, match="these arrays"):
            layout.vector(bad)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e39])
def test_a_value_that_float32_cannot_hold_never_reaches_a_model(bad: float) -> None:
    model, layout = Net(), Layout.of(Net())
    before, vector = layout.read(model), np.zeros(layout.size)
    vector[-1] = bad
    with pytest.raises(UsageError, match="not finite"):
        layout.write(model, vector)
    np.testing.assert_array_equal(layout.read(model), before)


@pytest.mark.parametrize("shape", [(0,), (15,), (17,), (4, 4)])
def test_a_vector_of_another_length_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="length"):
        Layout.of(Net()).write(Net(), np.zeros(shape))


def test_other_precisions_and_shared_tensors_are_refused() -> None:
    with pytest.raises(UsageError, match="not float32"):
        Layout.of(nn.Linear(2, 1).double())
    shared = Net()
    shared.header.weight = shared.head.weight
    with pytest.raises(UsageError, match="two names"):
        Layout.of(shared)


def test_a_prefix_is_a_whole_name() -> None:
    layout = Layout.of(Net())
    assert [int(layout.mask([part]).sum()) for part in ("head", "head.bias", "trunk")] == [3, 1, 8]
    assert np.flatnonzero(layout.mask(["head"])).tolist() == [10, 11, 12]


def test_a_mask_of_nothing_or_of_everything_is_refused() -> None:
    with pytest.raises(UsageError, match="no part"):
        Layout.of(Net()).mask(["neck"])
    with pytest.raises(UsageError, match="every part"):
        Layout.of(nn.Linear(2, 1)).mask(["weight", "bias"])


def test_the_digest_tells_models_of_one_size_apart() -> None:
    one, other = (Layout(("w",), (shape,)) for shape in ((2, 3), (3, 2)))
    assert one.size == other.size
    assert one.digest != other.digest


def test_an_update_is_never_longer_than_the_bound_and_keeps_its_direction() -> None:
    generator = np.random.default_rng(1)
    for bound in (1e-3, 1.0, 5.0, 1 / 3):
        for _ in range(200):
            update = generator.normal(size=31)
            clipped = clip_norm(update, bound)
            assert np.linalg.norm(clipped) <= bound
            np.testing.assert_allclose(clipped / np.linalg.norm(clipped), update / np.linalg.norm(update))


def test_a_short_update_is_left_alone() -> None:
    update = np.array([3.0, 4.0])
    np.testing.assert_array_equal(clip_norm(update, 5.0), update)
    np.testing.assert_array_equal(clip_norm(np.zeros(2), 1.0), np.zeros(2))
