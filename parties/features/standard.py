"""Mean 0 and variance 1 on the training rows, exactly repeatable on any others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from parties.features.saved import finite
from parties.features.support import Floats


@dataclass(frozen=True, slots=True, repr=False)
class Standard:
    """Subtract `mean`, divide by `scale` (population standard deviation). `repr` shows neither."""

    mean: float
    scale: float

    @classmethod
    def of(cls, values: Floats) -> Standard | None:
        """Fitted on `values`; None where their spread is not a positive finite number."""
        with np.errstate(over="ignore", invalid="ignore"):
            mean, scale = float(values.mean()), float(values.std())
        return cls(mean, scale) if np.isfinite(mean) and np.isfinite(scale) and scale > 0 else None

    def apply(self, values: Floats, out: Floats) -> None:
        """Write the standardised `values` into `out`."""
        np.subtract(values, self.mean, out=out)
        out /= self.scale

    def to_dict(self) -> dict[str, float]:
        """Plain values for JSON."""
        return {"mean": self.mean, "scale": self.scale}

    @classmethod
    def from_dict(cls, saved: Mapping[str, object]) -> Standard:
        """What `to_dict` wrote; `KeyError`, `TypeError` or `ValueError` for anything else."""
        mean, scale = finite(saved["mean"]), finite(saved["scale"])
        if scale <= 0:
            raise ValueError("a scale is positive")
        return cls(mean, scale)
