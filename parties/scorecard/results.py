"""What a party can look at after a round of a scorecard: points, scores, and reasons for the declined."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from crypto.private import Private
from federation import files
from federation.ids import RunId
from federation.plan import Plan
from parties.dataset import DatasetConfig
from parties.home import PartyHome
from parties.round.acceptance import dataset_of
from parties.round.results import aligned_rows, as_then, opened_scores
from parties.round.shown import Shown, compared_lines
from parties.scorecard.matrix import ScorecardRows
from parties.scorecard.model import ScorecardPart
from parties.scorecard.participation import EXPLAINED, FIGURES
from parties.scorecard.reasons import Explained
from parties.selection.wald import Coefficient


def shown(home: PartyHome, run: RunId) -> Shown:
    """This party's bins with their points; at the label party also its figures."""
    folder = home.round_folder(run)
    part, spent = ScorecardPart.load(folder), files.read_json(folder / "spent.json")
    kept = {
        name: files.read_json(folder / file) if (folder / file).exists() else None
        for name, file in (("evaluation", "evaluation.json"), ("scorecard", FIGURES))
    }
    facts = {
        "run": part.run,
        "party": part.party,
        "plan_digest": part.plan_digest,
        "scale": part.scale.to_dict(),
        "base_points": None if part.base is None else _points(part, part.base),
        "intercept": part.intercept,
        "columns": _columns(part),
        "left_out": part.left_out.to_dict()["tables"],
        "why_left_out": [asdict(each) for each in part.why],
        "steps": [asdict(each) for each in part.steps],
        "reasons": [asdict(reason) for reason in part.reasons],
        "wrong_signs": list(part.wrong_signs),
        "iterations": part.iterations,
        "converged": part.converged,
        "spent": spent,
        **kept,
        "notes": spent["notes"],
    }
    lines = [f"{part.run} at {part.party}: points of each bin"]
    lines += _lines(part)
    if kept["evaluation"] is not None:
        lines += compared_lines(part.party, kept["evaluation"])
    return Shown(facts, (*lines, *spent["notes"]))


def scores(home: PartyHome, run: RunId) -> Private[pd.DataFrame]:
    """At the label party: a row for each opened score with the firm's key, its points and its probability."""
    frame, part = opened_scores(home, run).open_locally(), ScorecardPart.load(home.round_folder(run))
    units = part.scale.units(frame["logit"].to_numpy())
    frame.insert(1, "score", part.scale.points(units))
    return Private(frame)


def reasons(home: PartyHome, run: RunId) -> Private[pd.DataFrame]:
    """At the label party: a row for each explained firm and reason: the firm's key, the reason's rank and
    code, the points lost by it, and the texts of this party's own codes; those of others they may hand over.
    """
    folder = home.round_folder(run)
    advice = "Reasons lie with the label party, for the declined among the rows that `scores.open` names."
    saved = files.read_arrays(folder / EXPLAINED, advice)
    explained, part, dataset = Explained.from_arrays(saved), ScorecardPart.load(folder), dataset_of(home, run)
    keys = as_then(home, run, dataset)[dataset.key].to_numpy()[saved["rows"]]
    told = {reason.code: reason for reason in part.reasons}
    rows = [
        (
            key,
            rank,
            code,
            _points(part, int(lost)),
            told[code].en if code in told else "",
            told[code].zh if code in told else "",
        )
        for at, key in enumerate(keys)
        for rank, (code, lost) in enumerate(zip(explained.codes(at), explained.lost[at], strict=False), 1)
    ]
    return Private(pd.DataFrame(rows, columns=[dataset.key, "rank", "code", "points_lost", "en", "zh"]))


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A party's rows of a round, made again from its table and its own part of the model."""

    part: ScorecardPart
    dataset: DatasetConfig
    plan: Plan
    rows: ScorecardRows


def own_rows(home: PartyHome, run: RunId) -> Rebuilt:
    """The aligned, binned rows of a round, as this party had them."""
    part, rows = ScorecardPart.load(home.round_folder(run)), aligned_rows(home, run)
    codes = Private(part.book.codes(rows.frame.open_locally(), rows.dataset.place))
    own = ScorecardRows(rows.frame, rows.training, part.book, codes, rows.labels)
    return Rebuilt(part, rows.dataset, rows.plan, own)


def _columns(part: ScorecardPart) -> list[dict[str, object]]:
    """Each column's table with its coefficient, code and points."""
    found = []
    for table, coefficient, points, reason, test in zip(
        part.book.tables, part.coefficients, part.points, part.reasons, _tests(part), strict=True
    ):
        saved = table.to_dict()
        bins = [
            {**each, "points": _points(part, own)} for each, own in zip(saved["bins"], points, strict=True)
        ]
        found.append(
            {
                "column": table.column,
                "code": reason.code,
                "coefficient": coefficient,
                "standard_error": None if test is None else test.standard_error,
                "p": None if test is None else test.p,
                "iv": table.iv,
                "strength": saved["strength"],
                "trend": saved["trend"],
                "bins": bins,
            }
        )
    return found


def _lines(part: ScorecardPart) -> list[str]:
    decimals = part.scale.decimals
    lines = []
    for table, points, coefficient, test in zip(
        part.book.tables, part.points, part.coefficients, _tests(part), strict=True
    ):
        lines.append(
            f"  {table.column}  IV {table.iv:.4f}  coefficient {coefficient:+.4f}{_significance(test)}"
        )
        lines += [
            f"    {_points(part, own):+8.{decimals}f}  WOE {woe:+.4f}  {rows:>7} rows  {name}"
            for name, rows, woe, own in zip(table.names(), table.rows, table.woe, points, strict=True)
        ]
    if part.base is not None:
        lines.append(f"    {_points(part, part.base):+8.{decimals}f}  base")
    return lines


def _tests(part: ScorecardPart) -> tuple[Coefficient | None, ...]:
    """A test for each column, or as many times None."""
    return part.tests or (None,) * len(part.book.tables)


def _significance(test: Coefficient | None) -> str:
    if test is None:
        return ""
    if test.standard_error is None or test.p is None:
        return "  (no standard error: own columns repeat each other)"
    return f"  std. error {test.standard_error:.4f}  p {test.p:.2g}"


def _points(part: ScorecardPart, units: int) -> float:
    return float(part.scale.points(np.array(units)))
