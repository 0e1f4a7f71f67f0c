"""After a sandbox round: the pooled reference that only a sandbox may compute, and the report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from federation import files
from federation.coordinator.record import RoundStatus
from federation.ids import PartyId
from parties.evaluation.discrimination import Evaluation
from parties.report.data import (
    Alignment,
    HeldColumns,
    LeftOrganisation,
    ReportData,
    RowCount,
    Run,
    Sent,
    SmallestFirms,
    Step,
)
from parties.report.kinds import MODELS, credit_of, own_columns, progress
from parties.report.learned import learned
from parties.report.write import write_report
from parties.round.results import Reviewed, review
from parties.sandbox.account import bytes_sent, cpu_times, sent_by_parties, versions
from parties.sandbox.founding import Sandbox
from parties.sandbox.pooled import pooled


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of a sandbox round, and the report they were written into."""

    report: ReportData
    facts: dict[str, Any]
    notes: tuple[str, ...]  # which columns were left out or merged, by their owners


def conclude(sandbox: Sandbox, status: RoundStatus, wall_seconds: float) -> Outcome:
    """Evaluate, compute the pooled reference, write the report; `facts` is what --format json prints."""
    reviewed = review(sandbox.parties[sandbox.label], status.run)
    spent = {
        name: files.read_json(home.round_folder(status.run) / "spent.json")
        for name, home in sandbox.parties.items()
    }
    reference = pooled(sandbox, status.run, reviewed)
    report = _report(sandbox, status, reviewed, reference, spent)
    write_report(sandbox.report_file, report)
    evaluation = reviewed.evaluation
    models = {"bank_only": evaluation.bank, "fused": evaluation.fused, "pooled": reference}
    facts = {
        "run": status.run,
        "model": sandbox.plan.model.kind,
        "rows_aligned": len(reviewed.rows.training),
        "rows_evaluated": evaluation.fused.figures.n,
        "auc": {name: model.figures.auc for name, model in models.items()},
        "ks": {name: model.figures.ks for name, model in models.items()},
        "difference": evaluation.difference.as_dict(),
        **progress(sandbox.parties[sandbox.label], status.run, sandbox.plan.model.kind),
        "bytes_sent": bytes_sent(report.sent),
        "cpu_seconds": {each.role: round(each.seconds, 2) for each in report.cpu},
        "seconds": {step.name: round(step.seconds, 2) for step in report.steps},
        "wall_seconds": round(wall_seconds, 1),
        "report": str(sandbox.report_file),
        "folder": str(sandbox.folder),
    }
    notes = tuple(f"{name}: {note}" for name, each in spent.items() for note in each["notes"])
    return Outcome(report, facts, notes)


def _report(
    sandbox: Sandbox,
    status: RoundStatus,
    reviewed: Reviewed,
    reference: Evaluation,
    spent: Mapping[PartyId, Mapping[str, Any]],
) -> ReportData:
    evaluation, kind = reviewed.evaluation, sandbox.plan.model.kind
    sent = sent_by_parties(sandbox, status)
    smallest = evaluation.smallest
    found = ReportData(
        run=Run(
            run_id=status.run,
            plan_hash=status.plan_digest,
            model=MODELS[kind],
            label_party=sandbox.label,
            rows_evaluated=f"{evaluation.fused.figures.n:,} firms held out of training",
            finished=f"{dt.datetime.fromisoformat(status.ended):%Y-%m-%d %H:%M} UTC",
            generated=sandbox.generated,
        ),
        bank=evaluation.bank,
        fused=evaluation.fused,
        difference=evaluation.difference,
        ks_curve=evaluation.curve,
        columns=tuple(
            HeldColumns(name, each.get("encoded_columns", each["columns"])) for name, each in spent.items()
        ),
        alignment=Alignment(
            tuple(RowCount(name, each["table_rows"], True) for name, each in spent.items()),
            len(reviewed.rows.training),
            True,
        ),
        learned=learned(sandbox.plan),
        left=tuple(_left(sandbox, name, sent) for name in sandbox.parties),
        sent=sent,
        steps=tuple(Step(name, seconds) for name, seconds in spent[sandbox.label]["seconds"].items()),
        cpu=cpu_times(spent, status),
        versions=versions(),
        pooled=reference,
        smallest=SmallestFirms(
            f"the smallest quarter of firms by {smallest.column}",
            smallest.bank,
            smallest.fused,
            smallest.difference,
        )
        if smallest is not None
        else None,
        calibration=evaluation.calibration,
    )
    label = sandbox.parties[sandbox.label]
    asked = credit_of(label, status.run, reviewed, kind)
    return replace(found, credit=asked, **own_columns(label, status.run, kind))


def _left(sandbox: Sandbox, party: PartyId, sent: tuple[Sent, ...]) -> LeftOrganisation:
    own = [row for row in sent if row.party == party]
    total = sum(row.bytes for row in own)
    told = (
        f"{sum(row.messages for row in own):,} sealed messages, {total / 1e6:,.1f} MB: ciphertexts, masked "
        "numbers and blinded identifiers. No row and no identifier."
    )
    return LeftOrganisation(
        party, " ".join([told, *(_of_firms(sandbox, party) or ["No value of a single firm."])])
    )


def _of_firms(sandbox: Sandbox, party: PartyId) -> list[str]:
    """What was told of single firms, in sentences."""
    kind, at_label = sandbox.plan.model.kind, party == sandbox.label
    opens = sandbox.plan.scores.open != "none"
    found = []
    if kind == "boosting":
        found.append(
            "Of single firms: which of those that train share a node of a tree."
            if at_label
            else f"Of single firms: on which side of each of its splits they are, to {sandbox.label}."
        )
    if kind == "scorecard" and opens:
        found.append(
            "Of single firms: which of the opened ones it declines."
            if at_label
            else f"Of each firm that {sandbox.label} declines: which columns, by number, cost it most points."
        )
    if len(sandbox.parties) == 2 and not at_label and opens and kind != "boosting":
        # With nobody to add up with, a score less the label party's own part is this party's part.
        found.append(f"Its part of each opened score is known to {sandbox.label}.")
    return found
