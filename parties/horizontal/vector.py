"""A model's state as one flat vector, which is what secure sums and server optimisers take.

Floating parameters and persistent floating buffers travel, in the order in which torch registers them;
nothing else does. A model holds float32; the vector is float64, so that a sum over parties or a step of a
server optimiser loses nothing before the model takes it back.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from crypto.errors import UsageError
from federation.files import canonical_json
from parties.features.support import Floats, Mask


@dataclass(frozen=True, slots=True)
class Layout:
    """Names and shapes of what travels, in order: equal at all parties that build the same model."""

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]

    @staticmethod
    def of(model: nn.Module) -> Layout:
        """The layout of `model`.

        Raises `UsageError` where a travelling tensor is not float32, or one tensor has two names: the two
        would drift apart in the vector and not in the model.
        """
        state = _travelling(model)
        for name, tensor in state.items():
            if tensor.dtype != torch.float32:
                raise UsageError(
                    f"the model's {name} is not float32",
                    advice="Let the factory build the model in float32: parties agree on float32 values.",
                )
        if len({tensor.data_ptr() for tensor in state.values() if tensor.numel()}) < len(
            [tensor for tensor in state.values() if tensor.numel()]
        ):
            raise UsageError(
                "the model keeps one tensor under two names",
                advice="Let the factory build a model that does not share weights between layers.",
            )
        return Layout(tuple(state), tuple(tuple(tensor.shape) for tensor in state.values()))

    @property
    def size(self) -> int:
        """How many values travel."""
        return sum(map(math.prod, self.shapes))

    @property
    def digest(self) -> bytes:
        """SHA-256 over names and shapes, for parties to compare before the first update."""
        return hashlib.sha256(canonical_json([self.names, self.shapes])).digest()

    def read(self, model: nn.Module) -> Floats:
        """The state of `model`: float64 (size,)."""
        state = _travelling(model)
        return self._flat({name: state[name].detach().numpy() for name in self.names})

    def write(self, model: nn.Module, vector: Floats) -> None:
        """Put `vector` (size,) into `model`, rounded to float32. Raises `UsageError` as `arrays` does."""
        pieces, state = self.arrays(vector), _travelling(model)
        with torch.no_grad():
            for name in self.names:
                state[name].copy_(torch.from_numpy(pieces[name]))

    def arrays(self, vector: Floats) -> dict[str, npt.NDArray[np.float32]]:
        """`vector` (size,) by name and in shape, float32: what is saved with `federation.files.write_arrays`.

        Raises `UsageError` where it has another length or a value that is not finite in float32.
        """
        if vector.shape != (self.size,):
            raise UsageError("this vector is not of this model: its length differs", advice=_ANOTHER_MODEL)
        with np.errstate(over="ignore"):
            single = vector.astype(np.float32)
        if not np.isfinite(single).all():
            raise UsageError(
                "this vector holds values that are not finite",
                advice="Lower training.learning_rate: the model diverged before it was saved or summed.",
            )
        ends = np.cumsum([math.prod(shape) for shape in self.shapes])[:-1]
        pieces = np.split(single, ends)
        return {
            name: np.ascontiguousarray(piece).reshape(shape)
            for name, shape, piece in zip(self.names, self.shapes, pieces, strict=True)
        }

    def vector(self, arrays: Mapping[str, npt.NDArray[Any]]) -> Floats:
        """What `arrays` gave, read back: float64 (size,). `UsageError` where they are not of this model."""
        shapes = {name: array.shape for name, array in arrays.items()}
        if shapes != dict(zip(self.names, self.shapes, strict=True)):
            raise UsageError("these arrays are not of this model", advice=_ANOTHER_MODEL)
        if any(array.dtype != np.float32 or not np.isfinite(array).all() for array in arrays.values()):
            raise UsageError("these arrays are not finite float32", advice=_ANOTHER_MODEL)
        return self._flat(arrays)

    def mask(self, prefixes: Iterable[str]) -> Mask:
        """Which values of the vector belong to a tensor of these names, or below them: bool (size,).

        "head" holds "head.weight" and "head.bias", and nothing of "header". Raises `UsageError` for a name
        that holds no tensor, and where the names hold all: then nothing would be left to train together.
        """
        wanted = tuple(prefixes)
        for prefix in wanted:
            if not any(_below(name, prefix) for name in self.names):
                raise UsageError(
                    f"the model has no part that is named {prefix!r}",
                    advice='Name the layer that stays local "head", or choose another training.strategy.',
                )
        chosen = [any(_below(name, prefix) for prefix in wanted) for name in self.names]
        if all(chosen):
            raise UsageError(
                "every part of the model would stay local",
                advice="Give the module layers besides its head, or choose another training.strategy.",
            )
        return np.repeat(chosen, [math.prod(shape) for shape in self.shapes])

    def _flat(self, arrays: Mapping[str, npt.NDArray[Any]]) -> Floats:
        return np.concatenate([arrays[name].astype(np.float64).ravel() for name in self.names])


_ANOTHER_MODEL = "Check that the plan, its columns and the version of Isthmus are those of the run."


def _travelling(model: nn.Module) -> dict[str, torch.Tensor]:
    state = model.state_dict()
    return {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}


def _below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def clip_norm(update: Floats, bound: float) -> Floats:
    """`update` (n,) scaled down so that its L2 norm is at most `bound`; as it is where it was no longer.

    One party's update can then move the sum by no more than that, whatever it trained on.
    """
    norm = float(np.linalg.norm(update))
    if norm <= bound:
        return update
    clipped: Floats = update * (bound / norm)
    # The product may round above the bound by a few units in the last place.
    while float(np.linalg.norm(clipped)) > bound:
        clipped = clipped * (1 - 2**-52)
    return clipped
