"""Expected loss: probability of default x loss given default x exposure at default (Basel III, CRE31)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto.errors import UsageError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ExpectedLoss:
    """Sums over rows, in the exposure's currency; `rate` is None without exposure."""

    rows: int
    exposure: float
    expected_loss: float
    rate: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def row_losses(probability: Floats, lgd: Floats | float, ead: Floats | float) -> Floats:
    """The expected loss of each row (n,); `lgd` (a share) and `ead` are columns or constants.

    Raises `UsageError` for a probability or an LGD outside 0 to 1, and for a negative or unknown exposure.
    """
    rows = len(probability)
    given, exposed = (np.broadcast_to(np.asarray(each, dtype=np.float64), rows) for each in (lgd, ead))
    for name, values, most in (("pd", probability, 1.0), ("lgd", given, 1.0), ("ead", exposed, np.inf)):
        wrong = ~((values >= 0) & (values <= most) & np.isfinite(values))
        if wrong.any():
            raise UsageError(
                f"{int(wrong.sum())} of {rows} values are missing or out of range",
                field=name,
                advice="pd and lgd are shares from 0 to 1, ead is an amount from 0 up; fill the gaps first.",
            )
    return np.asarray(probability * given * exposed, dtype=np.float64)


def expected_loss(probability: Floats, lgd: Floats | float, ead: Floats | float) -> ExpectedLoss:
    """Over all rows."""
    losses = row_losses(probability, lgd, ead)
    exposure = float(np.broadcast_to(np.asarray(ead, dtype=np.float64), len(losses)).sum())
    return _summed(len(losses), exposure, float(losses.sum()))


def expected_loss_by(
    groups: npt.NDArray[np.int64], probability: Floats, lgd: Floats | float, ead: Floats | float
) -> dict[int, ExpectedLoss]:
    """Over the rows of each group, such as the grades of a master scale."""
    losses = row_losses(probability, lgd, ead)
    exposed = np.broadcast_to(np.asarray(ead, dtype=np.float64), len(losses))
    return {
        int(group): _summed(
            int((groups == group).sum()),
            float(exposed[groups == group].sum()),
            float(losses[groups == group].sum()),
        )
        for group in np.unique(groups)
    }


def _summed(rows: int, exposure: float, loss: float) -> ExpectedLoss:
    return ExpectedLoss(rows, exposure, loss, loss / exposure if exposure else None)
