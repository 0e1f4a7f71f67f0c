"""At the label party, after a round: how much would its model change with what is assumed of the rejected?

    the round's own rows      this party's columns as the round encoded them (a scorecard: as WOE), outcomes
    a file of rejected firms  the same columns, no outcome

The round's model is fitted on the columns of all parties without weights for single rows, and the others hold
no rejected firms of this file. So the table is of this party's own columns alone, refitted here: it tells in
which direction and how strongly the rejected matter, not the joint model that would come of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.codes import Code
from crypto.errors import UsageError
from crypto.private import Private
from federation.ids import RunId
from parties.connectors import read_table
from parties.dataset import DatasetConfig, Place
from parties.home import PartyHome
from parties.keys import normalise
from parties.reject.bands import ObservedBands
from parties.reject.observed import Observed
from parties.reject.sensitivity import Applicants, Assumed, Sensitivity, logistic, sensitivity
from parties.round.model import ModelPart
from parties.round.results import AlignedRows, aligned_rows
from parties.round.shown import Shown
from parties.scorecard.model import ScorecardPart

Floats = npt.NDArray[np.float64]

#: The kinds of models whose own columns can be refitted here.
KINDS = ("logistic", "scorecard")
_OWN_COLUMNS = (
    "Refitted are this party's own columns alone: the joint fit takes no weights of single rows, and the "
    "other parties' columns of these firms are not here."
)


@dataclass(frozen=True, slots=True)
class Question:
    """What to assume of the rejected firms in `file`. `observed`: a round that asked another lender."""

    file: Path
    methods: Sequence[str]
    multipliers: Sequence[float]
    bad_rate: float | None = None
    observed: RunId | None = None


def rejects(home: PartyHome, run: RunId, kind: str, question: Question) -> Shown:
    """The table of assumptions over the round's rows and the rejected firms of a file.

    Raises `UsageError` (party, file, field) where this party has no outcomes of the round, where the file
    lacks columns of the model, has outcomes, or firms of the round, and where `observed` told nothing.
    """
    rows = aligned_rows(home, run)
    if rows.labels is None:
        raise UsageError(
            f"this party has no outcomes of {run}, and rejects are inferred from those of the accepted",
            party=home.name(),
            advice="Run this at the label party.",
            code=Code.NO_MODEL,
        )
    place = Place(home.name(), question.file.name)
    rejected = _rejected(question.file, place, rows)
    names, (own, theirs) = _encoded(home, run, kind, rows.frame.open_locally(), rejected, place)
    told, risk = _observed(home, question, rejected)
    applicants = Applicants(Private(own), rows.labels, rows.training, Private(theirs), names)
    table = sensitivity(
        applicants,
        logistic(rows.plan.model.l2),
        methods=question.methods,
        multipliers=question.multipliers,
        bad_rate=question.bad_rate,
        observed=None if told is None else told.told,
        observed_risk=risk,
    )
    facts = {
        "run": run,
        "party": home.name(),
        "rejected": len(rejected),
        "accepted": len(own),
        "columns": list(names),
        **table.to_dict(),
        "observed_at": None if told is None else told.lender,
        "notes": [_OWN_COLUMNS],
    }
    head = f"{run} at {home.name()}: {len(rejected)} rejected firms beside {len(own)} accepted ones"
    return Shown(facts, (head, *_lines(table), *_observed_lines(told), _OWN_COLUMNS))


def _rejected(file: Path, place: Place, rows: AlignedRows) -> pd.DataFrame:
    """The table of rejected firms, which has no outcome and no firm of the round."""
    try:
        frame = read_table(file)
    except UsageError as error:
        error.party = error.party or place.party
        raise
    label = rows.dataset.label
    if label in frame.columns and (known := int(frame[label].notna().sum())) > 0:
        raise place.error(
            f"{known} of {len(frame)} firms have an outcome, so they were not rejected",
            column=label,
            advice="Give the firms that were turned down; accepted ones belong into the data set of a round.",
        )
    _refuse_accepted(frame, place, rows.dataset, rows.frame.open_locally())
    return frame


def _refuse_accepted(
    frame: pd.DataFrame, place: Place, dataset: DatasetConfig, accepted: pd.DataFrame
) -> None:
    """The key may be left out; where it is given, nobody is both accepted and rejected."""
    if dataset.key not in frame.columns:
        return
    taken, refused = (
        {normalise(str(key)) for key in table[dataset.key].dropna()} for table in (accepted, frame)
    )
    if both := len(taken & refused):
        raise place.error(
            f"{both} firms are among the accepted ones of the round",
            column=dataset.key,
            advice="Keep one decision of each firm, such as its last one.",
        )


def _encoded(
    home: PartyHome, run: RunId, kind: str, accepted: pd.DataFrame, rejected: pd.DataFrame, place: Place
) -> tuple[tuple[str, ...], tuple[Floats, Floats]]:
    """The names of this party's encoded columns, and the accepted and rejected firms in them."""
    folder = home.round_folder(run)
    if kind == "scorecard":
        book = ScorecardPart.load(folder).book
        woe = (book.woe(book.codes(frame, place)) for frame in (accepted, rejected))
        return tuple(table.column for table in book.tables), (next(woe), next(woe))
    features = ModelPart.load(folder).features
    return features.names, (features.transform(accepted), features.transform(rejected, file=place.file))


def _observed(
    home: PartyHome, question: Question, rejected: pd.DataFrame
) -> tuple[Observed | None, Private[Floats] | None]:
    """What another lender told, and the score of each rejected firm by which it was asked."""
    if question.observed is None:
        return None, None
    told = Observed.load(home.round_folder(question.observed), home.name())
    return told, told.model.risk(rejected, question.file.name)


def _lines(table: Sensitivity) -> list[str]:
    head = f"{'assumption':24} bad rate of rejected    AUC     KS   approved  largest change of a coefficient"
    rate = (
        f"approved: the share of all applicants that together have a bad rate of {table.bad_rate:.2%} at most"
    )
    return [head, *map(_line, table.assumptions), rate]


def _line(each: Assumed) -> str:
    name = (
        each.method if each.method not in ("fuzzy", "parcelling") else f"{each.method} x {each.multiplier:g}"
    )
    column, shift = max(each.shifts.items(), key=lambda item: abs(item[1]))
    change = f"{column} {shift:+.3f}" if shift else "none"
    return f"{name:24} {each.inferred:20.2%} {each.auc:6.4f} {each.ks:6.4f} {each.approval:10.2%}  {change}"


def _observed_lines(told: Observed | None) -> list[str]:
    if told is None:
        return []
    bands: ObservedBands = told.told
    edges = [0.0, *bands.bands.edges, 1.0]
    lines = [
        f"  PD {low:.4f} to {high:.4f}: {rows:6} firms, bad {rate:.2%}"
        for low, high, rows, rate in zip(edges, edges[1:], bands.rows, bands.rates, strict=False)
    ]
    return [f"observed at {told.lender}, give or take {told.noise:g} firms a band:", *lines]
