"""After a sandbox round: the pooled reference that only a sandbox may compute, and the report."""

from __future__ import annotations

import datetime as dt
import platform
from collections import Counter
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import numpy as np

from federation import journal as journals
from federation.coordinator.record import RoundStatus
from federation.errors import IsthmusError
from federation.ids import PartyId
from parties.evaluation.discrimination import Evaluation, evaluate
from parties.report.data import (
    Alignment,
    Coefficient,
    CpuTime,
    HeldColumns,
    Learned,
    LeftOrganisation,
    ReportData,
    RowCount,
    Run,
    Sent,
    SmallestFirms,
    Step,
    Version,
)
from parties.report.write import write_report
from parties.round.evaluation import fit_alone
from parties.round.results import Reviewed, own_matrix, review, view
from parties.sandbox.founding import Sandbox


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of a sandbox round, and the report they were written into."""

    report: ReportData
    facts: dict[str, Any]
    notes: tuple[str, ...]  # which columns were left out or merged, by their owners


def conclude(sandbox: Sandbox, status: RoundStatus, wall_seconds: float) -> Outcome:
    """Evaluate, compute the pooled reference, write the report; `facts` is what --format json prints."""
    label = sandbox.parties[sandbox.label]
    reviewed = review(label, status.run)
    pooled = _pooled(sandbox, status, reviewed)
    report = _report(sandbox, status, reviewed, pooled)
    write_report(sandbox.report_file, report)
    evaluation = reviewed.evaluation
    bytes_sent: Counter[str] = Counter()
    for sent in report.sent:
        bytes_sent[sent.party] += sent.bytes
    facts = {
        "run": status.run,
        "rows_aligned": len(reviewed.matrix.training),
        "rows_evaluated": evaluation.fused.figures.n,
        "auc": {
            "bank_only": evaluation.bank.figures.auc,
            "fused": evaluation.fused.figures.auc,
            "pooled": pooled.figures.auc,
        },
        "ks": {
            "bank_only": evaluation.bank.figures.ks,
            "fused": evaluation.fused.figures.ks,
            "pooled": pooled.figures.ks,
        },
        "difference": evaluation.difference.as_dict(),
        "iterations": reviewed.part.iterations,
        "converged": reviewed.part.converged,
        "bytes_sent": dict(bytes_sent),
        "cpu_seconds": {each.role: round(each.seconds, 2) for each in report.cpu},
        "seconds": {step.name: round(step.seconds, 2) for step in report.steps},
        "wall_seconds": round(wall_seconds, 1),
        "report": str(sandbox.report_file),
        "folder": str(sandbox.folder),
    }
    notes = tuple(
        f"{name}: {note}"
        for name, home in sandbox.parties.items()
        for note in view(home, status.run).part.features.notes
    )
    return Outcome(report, facts, notes)


def _pooled(sandbox: Sandbox, status: RoundStatus, reviewed: Reviewed) -> Evaluation:
    """All columns in one place, same rows, same penalty: what the fused model should equal."""
    rebuilt = [own_matrix(home, status.run) for home in sandbox.parties.values()]
    columns = np.hstack([each.matrix.encoded.open_locally() for each in rebuilt])
    training = reviewed.matrix.training
    if reviewed.matrix.labels is None:
        raise IsthmusError("the label party's matrix has no labels")
    labels = reviewed.matrix.labels.open_locally()
    model = fit_alone(columns[training], labels[training], sandbox.plan.model.l2)
    score = model.decision_function(columns[~training])
    return evaluate(labels[~training], score, np.random.default_rng(sandbox.plan.split.seed))


def _report(sandbox: Sandbox, status: RoundStatus, reviewed: Reviewed, pooled: Evaluation) -> ReportData:
    evaluation = reviewed.evaluation
    spent = {name: view(home, status.run).spent for name, home in sandbox.parties.items()}
    sent = tuple(row for name in sandbox.parties for row in _sent(sandbox, status, name))
    smallest = evaluation.smallest
    part = reviewed.part
    return ReportData(
        run=Run(
            run_id=status.run,
            plan_hash=status.plan_digest,
            model="vertical logistic regression, hidden (no per-row value opened)",
            label_party=sandbox.label,
            rows_evaluated=f"{evaluation.fused.figures.n:,} firms held out of training",
            finished=f"{dt.datetime.fromisoformat(status.ended):%Y-%m-%d %H:%M} UTC",
            generated=sandbox.generated,
        ),
        bank=evaluation.bank,
        fused=evaluation.fused,
        difference=evaluation.difference,
        ks_curve=evaluation.curve,
        columns=tuple(HeldColumns(name, each["encoded_columns"]) for name, each in spent.items()),
        alignment=Alignment(
            tuple(RowCount(name, each["table_rows"], True) for name, each in spent.items()),
            len(reviewed.matrix.training),
            True,
        ),
        coefficients=tuple(
            Coefficient(name, weight) for name, weight in zip(part.features.names, part.weights, strict=True)
        ),
        learned=_learned(sandbox),
        left=tuple(_left(sandbox, name, sent) for name in sandbox.parties),
        sent=sent,
        steps=tuple(Step(name, seconds) for name, seconds in spent[sandbox.label]["seconds"].items()),
        cpu=(
            *(CpuTime(name, each["cpu_seconds"]) for name, each in spent.items()),
            CpuTime("aggregator", status.cpu_seconds),
        ),
        versions=_versions(),
        pooled=pooled,
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


def _sent(sandbox: Sandbox, status: RoundStatus, party: PartyId) -> list[Sent]:
    """What one party sent, by message type, from its own journal."""
    entries = journals.read(sandbox.parties[party].round_folder(status.run) / "journal.jsonl")
    count, size = Counter(entry.type for entry in entries), Counter[str]()
    for entry in entries:
        size[entry.type] += entry.size
    return [Sent(party, kind, count[kind], size[kind]) for kind in sorted(size, key=lambda k: -size[k])]


def _learned(sandbox: Sandbox) -> tuple[Learned, ...]:
    """What docs/security.md lists, for this plan's roles."""
    others = [name for name in sandbox.parties if name != sandbox.label]
    everybody = (
        "which of its own firms all parties know, and which of these train",
        "the size of each set of blinded identifiers that passed through its hands",
        "its own gradient in each iteration: sums over all firms that train",
        "how many columns each other party has, the range of the scores, the optimiser's coefficients",
    )
    nothing = "any row, any identifier or any column's value of another party"
    whose = "the other party's" if len(others) == 1 else "summed over the other parties"
    label = Learned(
        f"{sandbox.label} (label party)",
        (
            *everybody,
            f"the typical size of each other party's part of the scores, and inner products, {whose}",
            "the whole score of the firms that the plan opens, and so the rest of it beside its own part",
        ),
        (nothing,),
    )
    features = [Learned(name, everybody, (nothing, "a label, a residual or a score")) for name in others]
    aggregator = Learned(
        "aggregator",
        (
            "how many firms each party has, and how many any of them have in common",
            "sizes and times of messages, and each party's progress and receipt (counts)",
        ),
        ("an identifier, a value, a gradient, a weight or a score: it holds no key",),
    )
    return (label, *features, aggregator)


def _left(sandbox: Sandbox, party: PartyId, sent: tuple[Sent, ...]) -> LeftOrganisation:
    own = [row for row in sent if row.party == party]
    total = sum(row.bytes for row in own)
    told = (
        f"{sum(row.messages for row in own):,} sealed messages, {total / 1e6:,.1f} MB: ciphertexts, masked "
        "numbers and blinded identifiers. No row and no identifier. "
    )
    if len(sandbox.parties) == 2 and party != sandbox.label and sandbox.plan.scores.open != "none":
        # With nobody to add up with, a score less the label party's own part is this party's part.
        return LeftOrganisation(party, told + f"Its part of each opened score is known to {sandbox.label}.")
    return LeftOrganisation(party, told + "No value of a single firm.")


def _versions() -> tuple[Version, ...]:
    names = ("flwr", "tenseal", "cryptography", "numpy", "scikit-learn")
    return (
        Version("Python", platform.python_version()),
        *(Version(name, metadata.version(name)) for name in names),
    )
