"""What a party keeps of a logistic model, and which of its rows took part. Files of mode 0600."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from crypto.private import Private
from federation import files
from federation.ids import PartyId, RunId
from parties.features import FeatureSpec
from parties.features.saved import finite
from parties.model_folder import SavedModel, load, reading

Floats = npt.NDArray[np.float64]

KIND = "logistic"


@dataclass(frozen=True, slots=True)
class ModelPart:
    """One party's part of a logistic model: how its columns are encoded, and a weight for each.

    `weights`: log odds of default for one standard deviation of each encoded column (`features.names`).
    `intercept` is held by the label party alone.
    """

    run: RunId
    party: PartyId
    plan_digest: str
    features: FeatureSpec
    weights: tuple[float, ...]
    intercept: float | None
    iterations: int
    converged: bool | None

    def logits(self, encoded: Private[Floats]) -> Private[Floats]:
        """This party's part of the logit of each row of an encoded matrix (n x d)."""
        part = encoded.open_locally() @ np.array(self.weights)
        return Private(part if self.intercept is None else part + self.intercept)

    def save(self, round_folder: Path) -> str:
        """Write the part's folder; its hash."""
        content = {
            "features": self.features.to_dict(),
            "weights": list(self.weights),
            "intercept": self.intercept,
            "iterations": self.iterations,
            "converged": self.converged,
        }
        return SavedModel(KIND, self.run, self.party, self.plan_digest, content).save(round_folder)

    @staticmethod
    def load(round_folder: Path) -> ModelPart:
        """The saved part, bit for bit; `UsageError` when there is none."""
        saved = load(round_folder, KIND)
        with reading(round_folder):
            return ModelPart(
                saved.run,
                saved.party,
                saved.plan_digest,
                FeatureSpec.from_dict(saved.part["features"]),
                tuple(finite(weight) for weight in saved.part["weights"]),
                None if saved.part["intercept"] is None else finite(saved.part["intercept"]),
                saved.part["iterations"],
                saved.part["converged"],
            )


def save_rows(path: Path, rows: Private[npt.NDArray[np.int64]], training: npt.NDArray[np.bool_]) -> None:
    """Keep which of this party's rows took part, and which of them trained."""
    files.write_arrays(path, rows=rows.open_locally(), training=training)


def load_rows(path: Path) -> tuple[Private[npt.NDArray[np.int64]], npt.NDArray[np.bool_]]:
    """What `save_rows` wrote."""
    saved = files.read_arrays(path, "`isthmus model list` names the rounds that this party kept.")
    return Private(saved["rows"]), saved["training"]
