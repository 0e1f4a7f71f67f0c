"""Everything that a document is written from: what the party kept of the round, read once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from crypto.codes import Code
from crypto.private import Private
from federation import files, journal
from federation.errors import UsageError
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.message import Role
from federation.plan import Plan
from parties.boosting.model import BoostingPart
from parties.dataset import DatasetConfig
from parties.home import PartyHome
from parties.leakage.kept import FILE as LEAKAGE
from parties.model_folder import FOLDER, model_hash
from parties.report.credit import Credit
from parties.report.data import Sent
from parties.report.kinds import credit_of
from parties.round.acceptance import dataset_of
from parties.round.evaluation import Floats, load_scores
from parties.round.folds import FILE as FOLDS
from parties.round.model import ModelPart
from parties.round.results import AlignedRows, Reviewed, aligned_rows, review
from parties.scorecard.model import ScorecardPart

Part: TypeAlias = ModelPart | ScorecardPart | BoostingPart
#: Logits of the rows that the round opened, and which of these trained.
Opened: TypeAlias = tuple[Private[Floats], npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Material:
    """One party's side of a vertical round.

    `rows`, `reviewed` and `credit` are None where `absent` says why: the table has changed, or the round
    opened no score to this party.
    """

    party: PartyId
    run: RunId
    plan: Plan
    role: Role
    dataset: DatasetConfig
    part: Part
    digest: str  # of the model's folder
    files: tuple[tuple[str, str], ...]  # name and SHA-256 of what the round left here
    spent: dict[str, Any]
    sent: tuple[Sent, ...]
    journal_head: str
    findings: tuple[dict[str, Any], ...] | None
    folds: dict[str, Any] | None
    rows: AlignedRows | None
    reviewed: Reviewed | None
    opened: Opened | None
    credit: Credit | None
    absent: str

    @property
    def kind(self) -> str:
        """Of the model."""
        return self.plan.model.kind

    @property
    def at_label(self) -> bool:
        """Whether this party has the outcomes."""
        return self.role is Role.LABEL

    @property
    def others(self) -> tuple[PartyId, ...]:
        """The other parties, in the order of their roles."""
        return tuple(seat for seat in self.plan.roles() if seat not in (self.party, AGGREGATOR))


def gather(home: PartyHome, run: RunId) -> Material:
    """Read what the party kept. `UsageError` for a round of another shape, and for a damaged model."""
    folder = home.round_folder(run)
    plan, party = home.plan(run), home.name()
    if plan.shape != "vertical":
        raise UsageError(
            f"there is no model document of a {plan.shape} round yet",
            party=party,
            advice="`isthmus model show` tells what this party holds of it.",
            code=Code.NO_MODEL,
        )
    rows, reviewed, absent = _rows(home, run)
    scored = folder / "scores.npz"
    return Material(
        party=party,
        run=run,
        plan=plan,
        role=plan.roles()[party],
        dataset=dataset_of(home, run),
        part=_part(folder, plan.model.kind),
        digest=model_hash(folder),
        files=_hashes(folder),
        spent=files.read_json(folder / "spent.json"),
        sent=_sent(party, folder / "journal.jsonl"),
        journal_head=journal.verify(folder / "journal.jsonl").hex(),
        findings=_kept(folder / LEAKAGE),
        folds=_kept(folder / FOLDS),
        rows=rows,
        reviewed=reviewed,
        opened=load_scores(scored)[1:] if scored.exists() else None,
        credit=None if reviewed is None else credit_of(home, run, reviewed, plan.model.kind),
        absent=absent,
    )


def _rows(home: PartyHome, run: RunId) -> tuple[AlignedRows | None, Reviewed | None, str]:
    try:
        rows = aligned_rows(home, run)
    except UsageError as error:
        return None, None, f"{error.what}."
    if rows.labels is None:
        return rows, None, "Outcomes lie with the label party; its own document has these figures."
    if not (home.round_folder(run) / "scores.npz").exists():
        return rows, None, "The plan opened no score (scores.open)."
    return rows, review(home, run), ""


def _part(folder: Path, kind: str) -> Part:
    if kind == "scorecard":
        return ScorecardPart.load(folder)
    return BoostingPart.load(folder) if kind == "boosting" else ModelPart.load(folder)


def _hashes(folder: Path) -> tuple[tuple[str, str], ...]:
    model, others = sorted((folder / FOLDER).iterdir()), sorted(folder.glob("*.json"))
    kept = [*model, *others, *sorted(folder.glob("*.npz"))]
    return tuple((str(path.relative_to(folder)), files.sha256(path)) for path in kept)


def _sent(party: PartyId, path: Path) -> tuple[Sent, ...]:
    """What left, by type of message, the most bytes first."""
    count, size = Counter[str](), Counter[str]()
    for entry in journal.read(path):
        count[entry.type] += 1
        size[entry.type] += entry.size
    return tuple(Sent(party, kind, count[kind], size[kind]) for kind, _ in size.most_common())


def _kept(path: Path) -> Any:
    return files.read_json(path) if path.exists() else None
