"""A scorecard taken out: whole where every party shared its points, else what this party holds of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crypto.codes import Code
from federation import files
from federation.errors import UsageError
from federation.ids import RunId
from federation.message import Role
from parties.export import json_form
from parties.export.card import Characteristic, PointsCard
from parties.export.pmml import pmml
from parties.export.sharing import shared_points
from parties.export.sql import sql
from parties.export.writing import Exported, write_json
from parties.home import PartyHome
from parties.model_folder import load, model_hash
from parties.round.acceptance import dataset_of
from parties.scorecard.model import KIND, ScorecardPart


def characteristics(part: ScorecardPart) -> tuple[Characteristic, ...]:
    """The own columns with their points, as other programs can run them."""
    return tuple(
        Characteristic.of(part.party, reason.code, table, points, {"en": reason.en, "zh": reason.zh})
        for table, points, reason in zip(part.book.tables, part.points, part.reasons, strict=True)
    )


def shared_with(home: PartyHome, run: RunId) -> tuple[tuple[Characteristic, ...], tuple[str, ...]]:
    """What other parties shared with the label party in the round, and those who did not agree."""
    plan = home.plan(run)
    others = [party for party in plan.roles() if party in plan.parties and party != home.name()]
    return shared_points(load(home.round_folder(run), KIND).beside, others)


def export(home: PartyHome, run: RunId, form: str, out: Path) -> Exported:
    """Write the scorecard in `form` ("pmml", "sql" or "json"), as far as this party may hold it.

    `UsageError` where a form needs the whole of it and a party did not agree; it names who.
    """
    folder = home.round_folder(run)
    part, digest = ScorecardPart.load(folder), model_hash(folder)
    own = characteristics(part)
    if part.base is None:
        if form != "json":
            raise _with_label_party(home, run, form)
        write_json(out, json_form.own(run, part.party, digest, part.scale.decimals, own))
        return Exported("own", f"the own points of {run} are in {out}; the label party has the base")
    shared, refused = shared_with(home, run)
    card = PointsCard(run, digest, part.scale.decimals, part.base, part.scale.to_dict(), (*own, *shared))
    if refused:
        if form != "json":
            raise _not_whole(home, form, refused)
        write_json(out, json_form.joint(card, refused))
        return Exported(
            "joint",
            f"the joint form of {run} is in {out}: the base, the points that this party holds, and whom to "
            f"ask for the others at each score: {', '.join(refused)}",
        )
    if form == "json":
        write_json(out, json_form.whole(card))
    else:
        reasons = home.plan(run).scorecard.reasons
        text = pmml(card, reasons) if form == "pmml" else sql(card, dataset_of(home, run).key)
        files.write_private(out, text.encode())
    return Exported("whole", f"the whole scorecard of {run} is in {out}; it scores a firm by itself")


def _with_label_party(home: PartyHome, run: RunId, form: str) -> UsageError:
    seats = home.plan(run).roles()
    label = next(seat for seat, role in seats.items() if role is Role.LABEL)
    return UsageError(
        f"{form} needs the whole scorecard, and the base points and other columns lie with the label party, "
        f"{label}",
        party=home.name(),
        field="--as",
        advice=f"Export this party's own points with --as json. The whole is exported at {label}, if every "
        "other party set share_points = true in its party.toml before the round.",
        code=Code.MODEL_IN_PARTS,
    )


def _not_whole(home: PartyHome, form: str, refused: Sequence[str]) -> UsageError:
    return UsageError(
        f"{form} needs the whole scorecard, and {', '.join(refused)} did not agree to share points",
        party=home.name(),
        field="--as",
        advice="Export the joint form with --as json; or let every party set share_points = true in its "
        "party.toml and launch the plan again.",
        code=Code.MODEL_IN_PARTS,
    )
