"""What a party is shown of a model that it holds, whatever the round's shape: facts and lines of text."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.codes import Code
from crypto.private import Private
from federation import files
from federation.errors import UsageError
from parties.logistic.scoring import probability


@dataclass(frozen=True, slots=True)
class Shown:
    """A model as its party sees it: `facts` for machines, `lines` for people. It stays with the party."""

    facts: dict[str, Any]
    lines: tuple[str, ...]


def figures_line(name: str, figures: Mapping[str, float]) -> str:
    """One model's headline figures on this party's own test rows."""
    return f"{name}: AUC {figures['auc']:.4f} KS {figures['ks']:.4f} Gini {figures['gini']:.4f}"


def compared_lines(party: str, evaluation: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The figures of the label party `party` by its own columns alone, and of all parties together."""
    names = {"bank_only": f"{party} alone", "fused": "all parties together"}
    return [figures_line(name, evaluation[which]) for which, name in names.items()]


def weight_lines(weights: Mapping[str, float], intercept: float | None, most: int | None = None) -> list[str]:
    """The weights in a column, the largest first and at most `most` of them; the intercept last."""
    largest = sorted(weights.items(), key=lambda item: -abs(item[1]))[:most]
    told = largest if intercept is None else [*largest, ("intercept", intercept)]
    width = max((len(name) for name, _ in told), default=0)
    return [f"  {name:{width}}  {weight:+.4f}" for name, weight in told]


def score_table(
    key: str, keys: npt.NDArray[Any], logits: npt.NDArray[np.float64], split: npt.NDArray[Any] | str
) -> Private[pd.DataFrame]:
    """One row for each score: the firm's key, its probability and logit, and what its row was used for."""
    return Private(
        pd.DataFrame({key: keys, "probability": probability(logits), "logit": logits, "split": split})
    )


def write_scores(scores: Private[pd.DataFrame], path: Path) -> int:
    """Write the scores to a .csv or .parquet file of mode 0600; the number of rows."""
    frame = scores.open_locally()
    if path.suffix == ".parquet":
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        data = buffer.getvalue()
    elif path.suffix == ".csv":
        data = frame.to_csv(index=False).encode()
    else:
        raise UsageError(
            f"cannot write {path.suffix or 'a file without an ending'}",
            file=str(path),
            advice="Name a file that ends in .csv or .parquet.",
            code=Code.OUTPUT_KIND,
        )
    files.write_private(path, data)
    return len(frame)
