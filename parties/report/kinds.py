"""What a report says of a model by its kind: its name, the label party's own columns, how it was fitted."""

from __future__ import annotations

from typing import Any

from federation.ids import RunId
from parties.boosting.model import BoostingPart
from parties.home import PartyHome
from parties.report.credit import Credit, credit
from parties.report.data import Coefficient, Gain, PointsBin, PointsColumn, Reason
from parties.round.model import ModelPart
from parties.round.results import Reviewed
from parties.scorecard import results as scorecards
from parties.scorecard.model import ScorecardPart

#: Kind -> the model in a few words.
MODELS = {
    "logistic": "vertical logistic regression, hidden (no per-row value opened)",
    "scorecard": "scorecard over all parties' columns (WOE, hidden logistic regression, points)",
    "boosting": "gradient boosted trees over all parties' columns (thresholds stay with their parties)",
}


def progress(home: PartyHome, run: RunId, kind: str) -> dict[str, Any]:
    """How the label party's model was fitted: iterations (trees of boosting) and whether it converged."""
    folder = home.round_folder(run)
    if kind == "boosting":
        return {"iterations": len(BoostingPart.load(folder).trees), "converged": None}
    part = (ScorecardPart if kind == "scorecard" else ModelPart).load(folder)
    return {"iterations": part.iterations, "converged": part.converged}


def credit_of(home: PartyHome, run: RunId, reviewed: Reviewed, kind: str) -> Credit:
    """What the label party's committee asks of the opened scores of the test rows; a scorecard in points."""
    scale = ScorecardPart.load(home.round_folder(run)).scale if kind == "scorecard" else None
    rounded = None if scale is None else lambda logits: scale.points(scale.units(logits))
    return credit(
        reviewed.outcomes.open_locally(),
        reviewed.fused.open_locally(),
        reviewed.bank.open_locally(),
        rounded,
    )


def own_columns(home: PartyHome, run: RunId, kind: str) -> dict[str, Any]:
    """The fields of a report on the label party's own columns: weights, points with one example, or gains."""
    folder = home.round_folder(run)
    if kind == "scorecard":
        return _points(home, run)
    if kind == "boosting":
        by_column, by_party = BoostingPart.load(folder).gains()
        return {"gains": _gains(by_column), "party_gains": _gains(by_party)}
    part = ModelPart.load(folder)
    weights = zip(part.features.names, part.weights, strict=True)
    return {"coefficients": tuple(Coefficient(name, weight) for name, weight in weights)}


def _gains(found: dict[Any, float]) -> tuple[Gain, ...]:
    largest_first = sorted(found.items(), key=lambda item: -item[1])
    return tuple(Gain(str(name), gain) for name, gain in largest_first)


def _points(home: PartyHome, run: RunId) -> dict[str, Any]:
    facts = scorecards.shown(home, run).facts
    columns = tuple(
        PointsColumn(
            each["column"],
            each["code"],
            each["iv"],
            each["strength"],
            each["coefficient"],
            tuple(
                PointsBin(one["bin"], one["rows"], one["bad"], one["woe"], one["points"])
                for one in each["bins"]
            ),
        )
        for each in facts["columns"]
    )
    return {"points": columns, "base_points": facts["base_points"], "reasons": _example(home, run)}


def _example(home: PartyHome, run: RunId) -> tuple[Reason, ...]:
    """The reasons of one declined firm, which is not named."""
    told = scorecards.reasons(home, run).open_locally()
    if not len(told):
        return ()
    first = told[told.iloc[:, 0] == told.iloc[0, 0]]
    rows = zip(first["code"], first["points_lost"], first["en"], strict=True)
    return tuple(Reason(str(code), float(lost), str(text) or None) for code, lost, text in rows)
