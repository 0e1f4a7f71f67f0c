"""What a member can look at after a horizontal round: the model, its own figures, scores of any firm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crypto.codes import Code
from crypto.errors import IsthmusError, UsageError
from crypto.private import Private
from federation import files
from federation.ids import RunId
from federation.plan import Plan
from parties.connectors import read_table
from parties.dataset import DatasetConfig
from parties.home import PartyHome
from parties.horizontal.columns import shared_levels
from parties.horizontal.encoding import CategoricalEncoding
from parties.horizontal.evaluation import Compared, compare, load_tested
from parties.horizontal.model import HorizontalModel
from parties.horizontal.models import build
from parties.horizontal.modules import approvals
from parties.horizontal.participation import OwnRows, read_rows
from parties.horizontal.vector import Layout
from parties.round.acceptance import dataset_of
from parties.round.model import load_rows
from parties.round.results import as_then, refuse_another
from parties.round.rows import read_own
from parties.round.shown import Shown, figures_line, score_table, weight_lines

#: Weights that a person is shown; a machine gets all.
_SHOWN_WEIGHTS = 20


def shown(home: PartyHome, run: RunId) -> Shown:
    """The model, how it came about, and what it is worth on this party's own test rows."""
    folder = home.round_folder(run)
    model = HorizontalModel.load(folder)
    evaluation = files.read_json(folder / "evaluation.json")
    statistics = model.facts["statistics"]
    intercept, weights = weights_of(model, _level_names(home, run, model))
    facts = {
        "run": model.run,
        "party": model.party,
        "plan_digest": model.plan_digest,
        "shape": "horizontal",
        "model": model.model.model_dump(),
        "parameters": len(model.vector),
        **{name: model.facts[name] for name in ("rounds", "strategy", "protection", "parties")},
        "intercept": intercept,
        "weights": weights,
        "statistics": statistics,
        "spent": files.read_json(folder / "spent.json"),
        "evaluation": evaluation,
        "notes": statistics["notes"],
    }
    lines = [
        f"{model.run} at {model.party}: one model of {', '.join(model.facts['parties'])}",
        "{kind}; {rounds} rounds, {strategy}; sums by {protection}".format(
            kind=_named(model), **{name: model.facts[name] for name in ("rounds", "strategy", "protection")}
        ),
        *_statistics_lines(statistics),
        *_figures_lines(evaluation),
    ]
    if weights:
        lines.append("log odds of default for one standard deviation of each feature, or for a level:")
        lines += weight_lines(weights, intercept, _SHOWN_WEIGHTS)
        if len(weights) > _SHOWN_WEIGHTS:
            lines.append(f"  and {len(weights) - _SHOWN_WEIGHTS} smaller ones")
    return Shown(facts, (*lines, *statistics["notes"], *evaluation.get("flags", ())))


def weights_of(
    model: HorizontalModel, levels: Mapping[str, Sequence[str]]
) -> tuple[float | None, dict[str, float]]:
    """Intercept and weights by encoded name of a logistic model; of any other kind None and nothing.

    `levels`: of each categorical column the names of its codes from 1. Code 0 stands for what is rare,
    missing or was never seen.
    """
    encoding = model.encoding
    if model.model.kind != "logistic":
        return None, {}
    network = build(
        model.model,
        len(encoding.names),
        encoding.cardinalities,
        seed=model.seed,
        approved={},
        party=model.party,
    )
    arrays = Layout.of(network).arrays(model.vector)
    weights = dict(zip(encoding.names, arrays["linear.weight"].ravel().tolist(), strict=True))
    for place, column in enumerate(encoding.categorical):
        offsets = arrays[f"offsets.{place}.weight"].ravel().tolist()
        names = [f"{column.column} = {level}" for level in ("(any other)", *levels[column.column])]
        weights |= dict(zip(names, offsets, strict=True))
    return float(arrays["linear.bias"][0]), weights


def _level_names(home: PartyHome, run: RunId, model: HorizontalModel) -> dict[str, list[str]]:
    """The names of each categorical column's codes from 1, as this party's own table has them.

    A level that only others have, and every one where the table is not there any more, is told by its code.
    """
    try:
        dataset = dataset_of(home, run)
        frame = read_own(dataset).frame.open_locally()
        own = {
            column.column: shared_levels(frame[column.column], dataset.place).texts
            for column in model.encoding.categorical
        }
    except UsageError:
        own = {}
    return {
        column.column: _names_of_codes(column, own.get(column.column, ()), model.encoding.salt)
        for column in model.encoding.categorical
    }


def _names_of_codes(column: CategoricalEncoding, texts: tuple[str, ...], salt: bytes) -> list[str]:
    known: dict[int, list[str]] = {}
    for text, code in zip(texts, column.codes(texts, salt), strict=True):
        known.setdefault(code, []).append(text)
    return [" or ".join(known.get(code, [f"level {code}"])) for code in range(1, column.cardinality)]


def _named(model: HorizontalModel) -> str:
    hidden = ", ".join(map(str, model.model.hidden))
    return {"mlp": f"multilayer perceptron, hidden layers {hidden}", "logistic": "logistic regression"}.get(
        model.model.kind, f"module {model.model.module}"
    )


def _statistics_lines(statistics: dict[str, Any]) -> list[str]:
    columns = f"{len(statistics['columns'])} columns"
    if statistics["rows"] is None:
        return [f"over all parties: {columns}; their rows were not counted"]
    rows, bad = statistics["rows"], statistics["bad"]
    return [f"over all parties: {rows:,} training rows, {bad:,} of them bad; {columns}"]


def _figures_lines(evaluation: dict[str, Any]) -> list[str]:
    tested = f"{evaluation['test_rows']:,} own test rows, {evaluation['test_bad']:,} of them bad"
    if evaluation["difference"] is None:
        return [f"{tested}: too few, or of one outcome, to judge the model by"]
    difference = evaluation["difference"]
    lines = [f"{tested}:"]
    lines += [figures_line(f"  {which}", evaluation[which]) for which in ("local", "federated")]
    lines.append(
        f"  AUC federated less local: {difference['difference']:+.4f} "
        f"(95 % interval {difference['low']:+.4f} to {difference['high']:+.4f})"
    )
    if (joint := evaluation["joint"]) is not None:
        lines.append(
            f"federated, over the {joint['rows']:,} test rows of all parties: AUC {joint['auc']:.4f}"
        )
    return lines


# -- scores --------------------------------------------------------------------------------------------


def scores(home: PartyHome, run: RunId, new: Path | None) -> Private[pd.DataFrame]:
    """A score for each of this party's rows of the round, or for each row of the table `new`.

    `new` has the columns of the round's dataset; it needs no outcome. Raises `UsageError` naming the file
    and what it lacks.
    """
    folder, dataset = home.round_folder(run), dataset_of(home, run)
    model = HorizontalModel.load(folder)
    if new is not None:
        return _scored(home, model, replace(dataset, file=new, origin=None), _read_new(dataset, new), "new")
    rows, training = load_rows(folder / "rows.npz")
    frame = as_then(home, run, dataset).iloc[rows.open_locally()].reset_index(drop=True)
    return _scored(home, model, dataset, frame, np.where(training, "train", "test"))


def _read_new(dataset: DatasetConfig, file: Path) -> pd.DataFrame:
    try:
        frame = read_table(file)
    except IsthmusError as error:
        error.party = error.party or dataset.holder
        raise
    if dataset.key not in frame.columns:
        raise UsageError(
            f"the table has no column {dataset.key!r}, by which its firms would be named",
            party=dataset.holder,
            file=file.name,
            field="key",
            advice="Give the new firms under the same column names as the dataset of the round.",
            code=Code.KEY_COLUMN_MISSING,
        )
    return frame


def _scored(
    home: PartyHome, model: HorizontalModel, dataset: DatasetConfig, frame: pd.DataFrame, split: Any
) -> Private[pd.DataFrame]:
    approved = approvals(home.config().get("modules"), model.party)
    logits = model.logits(Private(frame), dataset.place, approved).open_locally()
    return score_table(dataset.key, frame[dataset.key].to_numpy(), logits, split)


# -- the evaluation again, with its curves -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A member's round as it was: its rows, the model it uses, its test rows' evaluation with all curves."""

    model: HorizontalModel
    plan: Plan
    dataset: DatasetConfig
    rows: OwnRows
    compared: Compared


def review(home: PartyHome, run: RunId) -> Reviewed:
    """Evaluate a round again from what was kept, with the curves that evaluation.json does not hold."""
    folder, dataset = home.round_folder(run), dataset_of(home, run)
    plan = home.plan(run)
    rows = read_rows(dataset, plan)
    refuse_another(home, run, dataset, rows.digest)
    _, local, federated = load_tested(folder)
    compared = compare(rows.part(training=False)[1], local, federated, plan.split.seed)
    return Reviewed(HorizontalModel.load(folder), plan, dataset, rows, compared)
