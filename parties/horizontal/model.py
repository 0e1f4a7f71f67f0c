"""What a party keeps of a horizontal model: the encoding, the network's values, how it was trained.

The whole model is here, so a party scores any firm by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crypto.private import Private
from federation import files
from federation.ids import PartyId, RunId
from federation.secure_sum.interface import Floats
from federation.tables import Model
from parties.dataset import Place
from parties.horizontal.encoding import CommonEncoding
from parties.horizontal.examples import Examples
from parties.horizontal.models import build
from parties.horizontal.training import logits_of
from parties.horizontal.vector import Layout
from parties.model_folder import FOLDER, SavedModel, load, reading

KIND, _VECTOR = "horizontal", "vector.npz"
_ADVICE = "`isthmus model list` names the models that this party holds."


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class HorizontalModel:
    """A trained model. `vector` (size,) is what this party uses: with strategy "personalised" its head is its
    own. `facts` tells how it came about: rounds, strategy, statistics, history; plain values."""

    run: RunId
    party: PartyId
    plan_digest: str
    model: Model
    seed: int
    encoding: CommonEncoding
    vector: Floats
    facts: Mapping[str, Any]

    def logits(
        self, frame: Private[pd.DataFrame], place: Place, approved: Mapping[str, str]
    ) -> Private[Floats]:
        """The logit (n,) of each row of a table with the run's columns; a module must still be approved."""
        network = build(
            self.model,
            len(self.encoding.names),
            self.encoding.cardinalities,
            seed=self.seed,
            approved=approved,
            party=self.party,
        )
        Layout.of(network).write(network, self.vector)
        rows = self.encoding.encode(frame.open_locally(), place)
        examples = Examples.of(rows, np.zeros(len(rows.numeric)))
        return Private(logits_of(network, examples))

    def save(self, round_folder: Path) -> str:
        """Write the model's folder; its hash."""
        vector = files.array_bytes(vector=self.vector.astype(np.float32))
        content = {
            "model": self.model.model_dump(),
            "seed": self.seed,
            "encoding": self.encoding.to_dict(),
            "facts": dict(self.facts),
        }
        saved = SavedModel(KIND, self.run, self.party, self.plan_digest, content, {_VECTOR: vector})
        return saved.save(round_folder)

    @staticmethod
    def load(round_folder: Path) -> HorizontalModel:
        """The saved model, bit for bit; `UsageError` when there is none."""
        saved, path = load(round_folder, KIND), round_folder / FOLDER / _VECTOR
        with reading(round_folder):
            return HorizontalModel(
                saved.run,
                saved.party,
                saved.plan_digest,
                Model.model_validate(saved.part["model"]),
                int(saved.part["seed"]),
                CommonEncoding.from_dict(saved.part["encoding"]),
                files.arrays_in(saved.beside[_VECTOR], path, _ADVICE)["vector"].astype(np.float64),
                dict(saved.part["facts"]),
            )
