"""What a party can look at after a round: its own part, and at the label party the opened scores."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crypto.private import Private
from federation import files
from federation.errors import UsageError
from federation.ids import RunId
from federation.plan import Plan, parse
from parties.dataset import DatasetConfig
from parties.features import Whitening, read_label
from parties.home import PartyHome
from parties.logistic.scoring import probability
from parties.round.acceptance import dataset_of
from parties.round.evaluation import RoundEvaluation, compare, load_scores
from parties.round.matrix import OwnMatrix
from parties.round.model import ModelPart, load_rows
from parties.round.rows import read_own


def find(home: PartyHome, run: str | None) -> RunId:
    """The named round, or the newest one that left a model here."""
    kept = home.models()
    if run is not None:
        if RunId(run) not in kept:
            raise UsageError(
                f"this party has no model of {run!r}",
                party=home.name(),
                advice="`isthmus model list` names those that it has.",
            )
        return RunId(run)
    if not kept:
        raise UsageError(
            "this party has no model yet", party=home.name(), advice="Take part in a round first."
        )
    return kept[-1]


@dataclass(frozen=True, slots=True)
class ModelView:
    """This party's own part of a model, with the label party's figures where it is the label party."""

    part: ModelPart
    spent: dict[str, Any]
    evaluation: dict[str, Any] | None


def view(home: PartyHome, run: RunId) -> ModelView:
    """What this party kept of a round that `find` named."""
    folder = home.round_folder(run)
    evaluation = folder / "evaluation.json"
    return ModelView(
        ModelPart.load(folder / "model.json"),
        files.read_json(folder / "spent.json"),
        files.read_json(evaluation) if evaluation.exists() else None,
    )


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A party's matrix of a round, made again from its table and its own part of the model."""

    part: ModelPart
    dataset: DatasetConfig
    plan: Plan
    matrix: OwnMatrix


def own_matrix(home: PartyHome, run: RunId) -> Rebuilt:
    """The aligned, encoded rows of a round, as this party had them."""
    folder = home.round_folder(run)
    part, dataset = ModelPart.load(folder / "model.json"), dataset_of(home, run)
    rows, training = load_rows(folder / "rows.npz")
    frame = read_own(dataset).frame.open_locally().iloc[rows.open_locally()].reset_index(drop=True)
    encoded = part.features.transform(frame)
    labels = Private(read_label(frame, dataset)) if dataset.label is not None else None
    matrix = OwnMatrix(
        Private(frame),
        training,
        part.features,
        Private(encoded),
        Whitening.fit(encoded[training]),
        {},
        labels,
    )
    return Rebuilt(part, dataset, parse(files.read(folder / "plan.json")), matrix)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The label party's evaluation of a round, computed again from what it kept."""

    part: ModelPart
    matrix: OwnMatrix
    evaluation: RoundEvaluation


def review(home: PartyHome, run: RunId) -> Reviewed:
    """Evaluate a round again, with the curves that `evaluation.json` does not hold."""
    rebuilt = own_matrix(home, run)
    _, logits, training = load_scores(home.round_folder(run) / "scores.npz")
    fused = Private(logits.open_locally()[~training])
    evaluation = compare(rebuilt.dataset, rebuilt.plan, rebuilt.matrix, fused)
    return Reviewed(rebuilt.part, rebuilt.matrix, evaluation)


def opened_scores(home: PartyHome, run: RunId) -> Private[pd.DataFrame]:
    """At the label party: one row for each opened score: the firm's key, its probability, its split."""
    path = home.round_folder(run) / "scores.npz"
    if not path.exists():
        raise UsageError(
            f"{run} opened no scores to this party",
            party=home.name(),
            advice="Scores are opened to the label party, for the rows that the plan's scores.open names.",
        )
    rows, logits, training = load_scores(path)
    dataset = dataset_of(home, run)
    keys = read_own(dataset).frame.open_locally()[dataset.key]
    return Private(
        pd.DataFrame(
            {
                dataset.key: keys.to_numpy()[rows],
                "probability": probability(logits.open_locally()),
                "logit": logits.open_locally(),
                "split": np.where(training, "train", "test"),
            }
        )
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
        )
    files.write_private(path, data)
    return len(frame)
