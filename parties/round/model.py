"""What a party keeps of a model: its own part, and at the label party the scores. Files of mode 0600."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto.private import Private
from federation import files
from federation.errors import UsageError
from federation.ids import PartyId, RunId
from parties.features import FeatureSpec

Floats = npt.NDArray[np.float64]


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

    def save(self, path: Path) -> None:
        """Write the part as JSON, mode 0600."""
        content = {
            "isthmus_model": 1,
            "run": self.run,
            "party": self.party,
            "plan_digest": self.plan_digest,
            "features": self.features.to_dict(),
            "weights": list(self.weights),
            "intercept": self.intercept,
            "iterations": self.iterations,
            "converged": self.converged,
        }
        files.write_private(path, json.dumps(content, indent=1, allow_nan=False).encode())

    @staticmethod
    def load(path: Path) -> ModelPart:
        """The saved part, bit for bit; `UsageError` when the file is none."""
        advice = "`isthmus model list` names the models that this party holds."
        fields: Any = files.read_json(path, advice)
        if not isinstance(fields, dict) or fields.get("isthmus_model") != 1:
            raise UsageError("this is not a model of this version", file=str(path), advice=advice)
        return ModelPart(
            RunId(fields["run"]),
            PartyId(fields["party"]),
            fields["plan_digest"],
            FeatureSpec.from_dict(fields["features"]),
            tuple(fields["weights"]),
            fields["intercept"],
            fields["iterations"],
            fields["converged"],
        )


def save_rows(path: Path, rows: Private[npt.NDArray[np.int64]], training: npt.NDArray[np.bool_]) -> None:
    """Keep which of this party's rows took part, and which of them trained."""
    files.write_arrays(path, rows=rows.open_locally(), training=training)


def load_rows(path: Path) -> tuple[Private[npt.NDArray[np.int64]], npt.NDArray[np.bool_]]:
    """What `save_rows` wrote."""
    saved = files.read_arrays(path, "`isthmus model list` names the rounds that this party kept.")
    return Private(saved["rows"]), saved["training"]
