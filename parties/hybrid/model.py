"""What a party keeps of a hybrid model: the shared part, and its consortium's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from federation.ids import PartyId, RunId
from parties.features.saved import finite, text
from parties.hybrid.encoding import OwnEncoding
from parties.hybrid.fitting import Coefficients
from parties.model_folder import SavedModel, load, reading

KIND = "hybrid"


@dataclass(frozen=True, slots=True)
class HybridPart:
    """One party's part: how its columns are encoded, and a weight for each feature (`encoding.names`).

    `shared` has the weights of all counterparts, bit for bit: log odds of default for a quarter of a declared
    range, or for a level. `alone` is the part of the consortium's own model. Intercepts, at the label party,
    are its own in both.
    """

    run: RunId
    party: PartyId
    consortium: str
    plan_digest: str
    encoding: OwnEncoding
    shared: Coefficients
    alone: Coefficients
    rounds: int
    iterations: int
    converged: bool | None

    def save(self, round_folder: Path) -> str:
        """Write the part's folder; its hash."""
        content = {
            "consortium": self.consortium,
            "encoding": self.encoding.to_dict(),
            "shared": _saved(self.shared),
            "alone": _saved(self.alone),
            "rounds": self.rounds,
            "iterations": self.iterations,
            "converged": self.converged,
        }
        return SavedModel(KIND, self.run, self.party, self.plan_digest, content).save(round_folder)

    @staticmethod
    def load(round_folder: Path) -> HybridPart:
        """The saved part, bit for bit; `UsageError` when there is none."""
        saved = load(round_folder, KIND)
        with reading(round_folder):
            return HybridPart(
                saved.run,
                saved.party,
                text(saved.part["consortium"]),
                saved.plan_digest,
                OwnEncoding.from_dict(saved.part["encoding"]),
                _read(saved.part["shared"]),
                _read(saved.part["alone"]),
                saved.part["rounds"],
                saved.part["iterations"],
                saved.part["converged"],
            )


def _saved(part: Coefficients) -> dict[str, Any]:
    return {"weights": part.weights.tolist(), "intercept": part.intercept}


def _read(saved: Any) -> Coefficients:
    intercept = saved["intercept"]
    weights = np.array([finite(weight) for weight in saved["weights"]])
    return Coefficients(weights, None if intercept is None else finite(intercept))
