"""The check of the label party's rows at the start of a round: told in its own folder, to nobody else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.private import Private
from federation import files
from federation.message import Role
from parties.dataset import DatasetConfig
from parties.leakage.check import check

FILE = "leakage.json"


def before_training(
    folder: Path,
    role: Role,
    dataset: DatasetConfig,
    frame: Private[pd.DataFrame],
    training: npt.NDArray[np.bool_],
) -> list[str]:
    """Check the aligned rows; write what is found into the round's `folder`, mode 0600, before any training.

    Gives the sentences, for the party's notes on the round; none at a party without outcomes.
    """
    if role is not Role.LABEL:
        return []
    found = check(frame, dataset, training)
    files.write_private(folder / FILE, files.canonical_json([finding.to_dict() for finding in found]))
    return [finding.sentence for finding in found]
