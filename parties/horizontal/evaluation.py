"""After training, at each member: the federated model against one of its own rows alone, on its test rows.

Both have the same network, the same encoding (that of all parties) and the same training; the local one saw
this party's training rows only, and no noise. So the difference is what the others' rows are worth to this
party, and it can be nothing or less. None of these figures leaves the party.

Without noise one more sum tells how well the federated model ranks the test rows of all parties together:
the counts of good and bad rows by score. What each role learns of it: the members, these counts over all of
them, where one bin can hold a single row; the aggregator, nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto.errors import UsageError
from crypto.private import Private
from federation import files
from federation.secure_sum.interface import Floats, Integers, Sums
from parties.evaluation.delong import PairedDifference, paired_difference
from parties.evaluation.discrimination import Evaluation, evaluate
from parties.horizontal.examples import Examples
from parties.horizontal.statistics import MOST_ROWS
from parties.horizontal.training import LocalTrainer

#: Scores are counted in so many steps of the logit from -_FAR to _FAR.
_BINS, _FAR = 2048, 16.0


@dataclass(frozen=True, slots=True)
class Joint:
    """The federated model on the test rows of all parties together; ties within a step count a half."""

    auc: float
    rows: int
    bad: int


@dataclass(frozen=True, slots=True)
class Compared:
    """A party's test rows under both models; None where they are too few or of one outcome."""

    rows: int
    bad: int
    local: Evaluation | None
    federated: Evaluation | None
    difference: PairedDifference | None

    def figures(self) -> dict[str, Any]:
        """The headline figures, for JSON."""
        return {
            "test_rows": self.rows,
            "test_bad": self.bad,
            "local": None if self.local is None else self.local.figures.as_dict(),
            "federated": None if self.federated is None else self.federated.figures.as_dict(),
            "difference": None if self.difference is None else self.difference.as_dict(),
        }


def train_alone(trainer: LocalTrainer, start: Floats, rounds: int) -> Floats:
    """The vector that this party's own rows give, trained for as many rounds as together."""
    vector = start
    for number in range(1, rounds + 1):
        update = trainer.run(vector, number)
        vector = vector + update.delta.open_locally()
    return vector


def compare(
    labels: Private[npt.NDArray[np.int8]], local: Private[Floats], federated: Private[Floats], seed: int
) -> Compared:
    """Evaluate both models' logits (n,) of this party's test rows; `seed` draws the bootstrap of KS."""
    outcome = labels.open_locally()
    rows, bad = len(outcome), int(outcome.sum())
    alone, together = local.open_locally(), federated.open_locally()
    try:
        generator = np.random.default_rng(seed)
        return Compared(
            rows,
            bad,
            evaluate(outcome, alone, generator),
            evaluate(outcome, together, generator),
            paired_difference(outcome, together, alone),
        )
    except UsageError:
        return Compared(rows, bad, None, None, None)


def joint_auc(sums: Sums, examples: Private[Examples], logits: Private[Floats]) -> Joint | None:
    """The AUC over all members' test rows, from counts by score; None where one outcome is missing."""
    labels = examples.open_locally().labels.numpy() == 1
    steps = np.clip((logits.open_locally() + _FAR) / (2 * _FAR) * _BINS, 0, _BINS - 1).astype(np.int64)
    counts = [np.bincount(steps[labels == outcome], minlength=_BINS) for outcome in (False, True)]
    total = sums.counts("joint evaluation", Private(np.concatenate(counts).astype(np.int64)), MOST_ROWS)
    good, bad = total[:_BINS], total[_BINS:]
    if not good.sum() or not bad.sum():
        return None
    return Joint(_area(good, bad), int(total.sum()), int(bad.sum()))


def _area(good: Integers, bad: Integers) -> float:
    """The chance that a bad row lies in a higher step than a good one, a shared step counting a half."""
    below = np.cumsum(good) - good
    return float((bad * (below + good / 2)).sum() / (good.sum() * bad.sum()))


def joint_figures(joint: Joint | None) -> dict[str, Any] | None:
    """For JSON."""
    return None if joint is None else asdict(joint)


def save_tested(
    folder: Path, rows: Private[Integers], local: Private[Floats], federated: Private[Floats]
) -> None:
    """Keep the logits (n,) of this party's test rows under both models, mode 0600: the figures' own source.

    `rows` (n,) are their numbers in the party's table.
    """
    files.write_arrays(
        folder / "tested.npz",
        rows=rows.open_locally(),
        local=local.open_locally(),
        federated=federated.open_locally(),
    )


def load_tested(folder: Path) -> tuple[Private[Integers], Private[Floats], Private[Floats]]:
    """What `save_tested` wrote: row numbers, local logits, federated logits."""
    saved = files.read_arrays(folder / "tested.npz", "Run the round again: its evaluation was not kept.")
    return Private(saved["rows"]), Private(saved["local"]), Private(saved["federated"])
