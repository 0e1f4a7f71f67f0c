"""What a party can do with a model after a round of any shape and kind: look, score, explain, take out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from crypto.codes import Code
from crypto.private import Private
from federation.errors import UsageError
from federation.ids import RunId
from federation.plan import Plan
from parties.export.writing import Exported, export_part
from parties.home import PartyHome
from parties.hybrid import results as hybrid
from parties.model_folder import model_hash, uncovered
from parties.round import results as vertical
from parties.round.shown import Shown

if TYPE_CHECKING:
    from parties.reject.local import Question


def find(home: PartyHome, run: str | None) -> RunId:
    """The named round, or the newest one that left a model here."""
    kept = home.models()
    if run is not None:
        if RunId(run) not in kept:
            _refuse_lookup(home, RunId(run))
            raise UsageError(
                f"this party has no model of {run!r}",
                party=home.name(),
                advice="`isthmus model list` names those that it has.",
                code=Code.NO_MODEL,
            )
        return RunId(run)
    if not kept:
        raise UsageError(
            "this party has no model yet",
            party=home.name(),
            advice="Take part in a round first.",
            code=Code.NO_MODEL,
        )
    return kept[-1]


def _refuse_lookup(home: PartyHome, run: RunId) -> None:
    """Raise where `run` is a round that asked after rejected firms: it leaves answers and no model."""
    if run in home.runs() and _kind(home, run) == "rejects":
        raise UsageError(
            f"in {run} a bank asked another lender about rejected firms; no model came of it",
            party=home.name(),
            advice=f"At the bank use the answers: `isthmus model rejects FILE --observed {run}`.",
            code=Code.NO_MODEL,
        )


def show(home: PartyHome, run: RunId) -> Shown:
    """The model, or this party's part of it, of a round that `find` named, and the hash of its files."""
    folder = home.round_folder(run)
    digest, outside = model_hash(folder), uncovered(folder)
    found = _shown(home, run, _kind(home, run))
    lines = [*found.lines, f"model hash {digest}"]
    if outside:
        lines.append(f"not under that hash, so changed unseen: {', '.join(outside)}")
    return Shown({**found.facts, "model_hash": digest, "not_hashed": list(outside)}, tuple(lines))


def scores(home: PartyHome, run: RunId, new: Path | None = None) -> Private[pd.DataFrame]:
    """A row for each score: the firm's key, probability, logit, and what its row was used for.

    Of a horizontal round: this party's own firms, or those in the table `new` with the same columns. Of the
    others: those that the round opened to a label party; of a scorecard with points. `UsageError` names a
    file of the model that was changed.
    """
    model_hash(home.round_folder(run))
    kind = _kind(home, run)
    if kind == "horizontal":
        from parties.horizontal import results as horizontal

        return horizontal.scores(home, run, new)
    if new is not None:
        raise UsageError(
            "this party holds a part of the model only, which scores no firm by itself",
            party=home.name(),
            file=new.name,
            advice="Let all parties take in the new firms and launch a round that opens their scores, with "
            'scores.open = "all". A scorecard whose parties all share their points exports to SQL and PMML.',
            code=Code.MODEL_IN_PARTS,
        )
    if kind == "scorecard":
        from parties.scorecard import results as scorecard

        return scorecard.scores(home, run)
    return vertical.opened_scores(home, run)


def explain(home: PartyHome, run: RunId, firms: Sequence[str], worst: int | None, language: str) -> Shown:
    """At the label party: why a scorecard declined the named firms, or those with the lowest scores."""
    kind = _kind(home, run)
    if kind != "scorecard":
        raise UsageError(
            f"reason codes belong to scorecards, and {run} trained a {kind} model",
            party=home.name(),
            advice='Launch a plan with model.kind = "scorecard".',
            code=Code.MODEL_KIND,
        )
    from parties.scorecard.explaining import explained

    return explained(home, run, firms, worst, language)


def export(home: PartyHome, run: RunId, form: str, out: Path) -> Exported:
    """Write the model of a round as "pmml", "sql" or "json", as far as this party holds it."""
    kind = _kind(home, run)
    if kind == "scorecard":
        from parties.scorecard import exporting

        return exporting.export(home, run, form, out)
    return export_part(home.round_folder(run), kind, home.name(), form, out)


def rejects(home: PartyHome, run: str | None, question: Question) -> Shown:
    """At the label party: what the rejected firms of a file would change, under the assumptions asked for.

    Without `run` by the newest round whose own columns can be refitted.
    """
    from parties.reject import local

    if run is None:
        refitted = [each for each in home.models() if _kind(home, each) in local.KINDS]
        run = refitted[-1] if refitted else None
    found = find(home, run)
    if (kind := _kind(home, found)) not in local.KINDS:
        raise UsageError(
            f"rejects are inferred with a regression of own columns, and {found} trained a {kind} model",
            party=home.name(),
            advice='Name a round of model.kind = "scorecard" or "logistic".',
            code=Code.MODEL_KIND,
        )
    return local.rejects(home, found, kind, question)


def document(home: PartyHome, run: RunId, out: Path) -> str:
    """Write this party's model document of a round as HTML or Markdown; the SHA-256 of the file."""
    from parties.document.write import write_document

    return write_document(home, run, out)


def _shown(home: PartyHome, run: RunId, kind: str) -> Shown:
    """Imported where it is needed: torch takes seconds and 200 MB."""
    if kind == "horizontal":
        from parties.horizontal import results as horizontal

        return horizontal.shown(home, run)
    if kind == "scorecard":
        from parties.scorecard import results as scorecard

        return scorecard.shown(home, run)
    if kind == "boosting":
        from parties.boosting import results as boosting

        return boosting.shown(home, run)
    return hybrid.shown(home, run) if kind == "hybrid" else vertical.shown(home, run)


def _kind(home: PartyHome, run: RunId) -> str:
    """What a round's model is saved as: its kind where the shape is vertical, else its shape."""
    plan: Plan = home.plan(run)
    return plan.model.kind if plan.shape == "vertical" else plan.shape
