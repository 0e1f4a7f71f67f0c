"""What a party can look at after a round: its own part, and at the label party the opened scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.codes import Code
from crypto.private import Private
from federation import files
from federation.errors import UsageError
from federation.ids import RunId
from federation.plan import Plan
from parties.dataset import DatasetConfig
from parties.features import Whitening, read_label
from parties.home import PartyHome
from parties.round.acceptance import dataset_of
from parties.round.evaluation import RoundEvaluation, compare_scores, load_bank, load_scores
from parties.round.folds import FILE as FOLDS
from parties.round.matrix import OwnMatrix
from parties.round.model import ModelPart, load_rows
from parties.round.rows import own_of
from parties.round.shown import Shown, compared_lines, score_table, weight_lines

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ModelView:
    """This party's own part of a model, with the label party's figures where it is the label party."""

    part: ModelPart
    spent: dict[str, Any]
    evaluation: dict[str, Any] | None
    cross_validation: dict[str, Any] | None


def view(home: PartyHome, run: RunId) -> ModelView:
    """What this party kept of a round that `find` named."""
    folder = home.round_folder(run)
    evaluation, folds = folder / "evaluation.json", folder / FOLDS
    return ModelView(
        ModelPart.load(folder),
        files.read_json(folder / "spent.json"),
        files.read_json(evaluation) if evaluation.exists() else None,
        files.read_json(folds) if folds.exists() else None,
    )


def shown(home: PartyHome, run: RunId) -> Shown:
    """This party's weights; at the label party also its figures."""
    found = view(home, run)
    part = found.part
    weights = dict(zip(part.features.names, part.weights, strict=True))
    facts = {
        "run": part.run,
        "party": part.party,
        "plan_digest": part.plan_digest,
        "intercept": part.intercept,
        "weights": weights,
        "iterations": part.iterations,
        "converged": part.converged,
        "spent": found.spent,
        "evaluation": found.evaluation,
        "cross_validation": found.cross_validation,
        "notes": found.spent["notes"],
    }
    lines = [f"{part.run} at {part.party}: log odds of default for one standard deviation of each column"]
    lines += weight_lines(weights, part.intercept)
    if found.evaluation is not None:
        lines += compared_lines(part.party, found.evaluation)
    if (folds := found.cross_validation) is not None:
        lines.append(
            f"{len(folds['auc'])} folds: AUC {folds['mean']:.4f}, "
            f"standard error {folds['standard_error']:.4f}"
        )
    return Shown(facts, (*lines, *found.spent["notes"]))


@dataclass(frozen=True, slots=True)
class AlignedRows:
    """A party's own rows of a round, whatever was trained: aligned, in the order that all parties share.

    `places`: their row numbers in its table.
    """

    dataset: DatasetConfig
    plan: Plan
    frame: Private[pd.DataFrame]
    places: Private[npt.NDArray[np.int64]]
    training: Marks
    labels: Private[npt.NDArray[np.int8]] | None


def aligned_rows(home: PartyHome, run: RunId) -> AlignedRows:
    """The rows of a round, read again. `UsageError` where the table is another one than it was then."""
    folder, dataset = home.round_folder(run), dataset_of(home, run)
    places, training = load_rows(folder / "rows.npz")
    frame = as_then(home, run, dataset).iloc[places.open_locally()].reset_index(drop=True)
    labels = Private(read_label(frame, dataset)) if dataset.label is not None else None
    plan = home.plan(run)
    return AlignedRows(dataset, plan, Private(frame), places, training, labels)


def as_then(home: PartyHome, run: RunId, dataset: DatasetConfig) -> pd.DataFrame:
    """The table of a round, read again. `UsageError` where it is another one than it was then."""
    snapshot = dataset.read()
    refuse_another(home, run, dataset, snapshot.digest)
    return own_of(snapshot, dataset).frame.open_locally()


def refuse_another(home: PartyHome, run: RunId, dataset: DatasetConfig, digest: str | None) -> None:
    """Raise `UsageError` where `digest` is not that of the table that the round was made over."""
    then = files.read_json(home.round_folder(run) / "spent.json").get("table_sha256")
    if then is not None and digest != then:
        raise dataset.error(
            f"the table has changed since {run}, so its rows cannot be found again",
            advice="Put the table of that round back, with the same columns left out, or launch a new one "
            "over this one.",
            code=Code.TABLE_CHANGED,
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
    part, rows = ModelPart.load(home.round_folder(run)), aligned_rows(home, run)
    encoded = part.features.transform(rows.frame.open_locally())
    whitening = Whitening.fit(encoded[rows.training])
    matrix = OwnMatrix(rows.frame, rows.training, part.features, Private(encoded), whitening, {}, rows.labels)
    return Rebuilt(part, rows.dataset, rows.plan, matrix)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The label party's evaluation of a round of any model, computed again from what it kept.

    `fused` and `bank`: logits of the test rows by the round's model and by this party's own.
    """

    rows: AlignedRows
    outcomes: Private[npt.NDArray[np.int8]]
    fused: Private[Floats]
    bank: Private[Floats]
    evaluation: RoundEvaluation


def review(home: PartyHome, run: RunId) -> Reviewed:
    """Evaluate a round again, with the curves that `evaluation.json` does not hold."""
    folder, rows = home.round_folder(run), aligned_rows(home, run)
    _, logits, training = load_scores(folder / "scores.npz")
    fused, bank = Private(logits.open_locally()[~training]), load_bank(folder)
    if rows.labels is None:
        raise UsageError(
            "only the label party can evaluate",
            party=home.name(),
            advice="Ask the party that has the outcomes.",
        )
    outcomes = Private(rows.labels.open_locally()[~rows.training])
    return Reviewed(rows, outcomes, fused, bank, compare_scores(rows.dataset, rows.plan, rows, bank, fused))


def opened_scores(home: PartyHome, run: RunId) -> Private[pd.DataFrame]:
    """At the label party: one row for each opened score: the firm's key, its probability, its split."""
    path = home.round_folder(run) / "scores.npz"
    if not path.exists():
        raise UsageError(
            f"{run} opened no scores to this party",
            party=home.name(),
            advice="Scores are opened to the label party, for the rows that the plan's scores.open names.",
            code=Code.NO_MODEL,
        )
    rows, logits, training = load_scores(path)
    dataset = dataset_of(home, run)
    keys = as_then(home, run, dataset)[dataset.key].to_numpy()[rows]
    return score_table(dataset.key, keys, logits.open_locally(), np.where(training, "train", "test"))
