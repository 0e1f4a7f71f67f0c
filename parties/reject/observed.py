"""What a bank keeps of a look-up: the bands' counts, and the model of its own whose scores made the bands."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.errors import UsageError
from crypto.private import Private
from federation import files
from parties.features import FeatureSpec
from parties.features.saved import finite
from parties.logistic.scoring import probability
from parties.reject.bands import ObservedBands

Floats = npt.NDArray[np.float64]

#: In the round's folder.
FILE = "observed.json"


@dataclass(frozen=True, slots=True, repr=False)
class OwnModel:
    """A bank's logistic regression of its own columns over the firms that it accepted."""

    features: FeatureSpec
    weights: tuple[float, ...]
    intercept: float

    def risk(self, frame: pd.DataFrame, file: str | None = None) -> Private[Floats]:
        """PD of each row (n,). Raises as `FeatureSpec.transform` does, and names `file` then."""
        encoded = self.features.transform(frame, file=file)
        return Private(probability(encoded @ np.array(self.weights) + self.intercept))


@dataclass(frozen=True, slots=True, repr=False)
class Observed:
    """The answer of `lender`: `told` has noise of `noise` firms on each count; bands are of `model`'s PD."""

    lender: str
    noise: float
    told: ObservedBands
    model: OwnModel

    def save(self, folder: Path) -> None:
        """Write it into the round's folder, mode 0600."""
        content = {
            "lender": self.lender,
            "noise": self.noise,
            "told": self.told.to_dict(),
            "features": self.model.features.to_dict(),
            "weights": list(self.model.weights),
            "intercept": self.model.intercept,
        }
        files.write_private(folder / FILE, json.dumps(content, indent=1, allow_nan=False).encode())

    @staticmethod
    def load(folder: Path, party: str) -> Observed:
        """What `save` wrote; `UsageError` where the round in `folder` left none, or it is damaged."""
        path = folder / FILE
        if not path.exists():
            raise UsageError(
                f"the round {folder.name} told this party no outcomes of rejected firms",
                party=party,
                advice='Name a round of a plan with model.kind = "rejects" in which this party asked.',
            )
        saved = files.read_json(path)
        try:
            model = OwnModel(
                FeatureSpec.from_dict(saved["features"]),
                tuple(map(finite, saved["weights"])),
                finite(saved["intercept"]),
            )
            if len(model.weights) != len(model.features.names):
                raise ValueError("not a weight for each feature")
            told = ObservedBands.from_dict(saved["told"])
            return Observed(str(saved["lender"]), finite(saved["noise"]), told, model)
        except (KeyError, TypeError, ValueError):
            raise UsageError(
                "what was kept of the look-up is damaged",
                party=party,
                file=str(path),
                advice="Restore the file from a backup, or launch the round again.",
            ) from None
