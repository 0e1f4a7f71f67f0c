"""After a horizontal sandbox round: the pooled reference that only a sandbox may compute, and the report."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from crypto.errors import UsageError
from crypto.private import Private
from federation import files
from federation.coordinator.record import RoundStatus
from federation.ids import PartyId
from federation.plan import Plan
from federation.secure_sum.interface import Floats
from parties.evaluation.discrimination import Evaluation, evaluate
from parties.horizontal.encoding import Encoded
from parties.horizontal.evaluation import train_alone
from parties.horizontal.examples import Examples
from parties.horizontal.models import build
from parties.horizontal.results import Reviewed, review
from parties.horizontal.training import LocalTrainer
from parties.horizontal.vector import Layout
from parties.report.data import Learned, LeftOrganisation, Run, Sent
from parties.report.federated import FederatedReport, Joint, PartyResult, RoundPoint
from parties.report.federated_words import cautions, headline
from parties.report.federated_write import write_federated_report
from parties.sandbox.account import bytes_sent, cpu_times, longest_steps, sent_by_all, versions
from parties.sandbox.founding import Sandbox

_MODELS = {"logistic": "logistic regression", "mlp": "multilayer perceptron ({})", "module": "torch module"}

#: What the report says of `sum.protection`.
PROTECTIONS = {
    "he": "Each update was masked by what all other parties share with its sender and encrypted (BFV); only "
    "the sum over the parties was opened, and only by them.",
    "mask": "Each update was masked by what all other parties share with its sender; only the sum over the "
    "parties was opened, and only by them.",
    "ckks": "Each update was masked and encrypted (CKKS); only the sum over the parties was opened, and only "
    "by them.",
}
_NO_NOISE = "No noise was added: what the sums and the finished model tell of single rows has no bound."


@dataclass(frozen=True, slots=True)
class FederatedOutcome:
    """The figures of a round over several owners of rows, and the report they were written into."""

    report: FederatedReport
    facts: dict[str, Any]
    notes: tuple[str, ...]  # which columns were left out, by their owners


def conclude(sandbox: Sandbox, status: RoundStatus, wall_seconds: float) -> FederatedOutcome:
    """Evaluate, compute the pooled reference, write the report; `facts` is what --format json prints."""
    reviewed = {name: review(home, status.run) for name, home in sandbox.parties.items()}
    told = {name: _json(sandbox, status, name, "evaluation.json") for name in sandbox.parties}
    spent = {name: _json(sandbox, status, name, "spent.json") for name in sandbox.parties}
    pooled = _pooled(sandbox.plan, reviewed)
    results = tuple(_result(name, each, pooled[name]) for name, each in reviewed.items())
    report = _report(sandbox, status, results, told, spent)
    write_federated_report(sandbox.report_file, report)
    facts = {
        "run": status.run,
        "shape": "horizontal",
        "model": sandbox.plan.model.kind,
        "strategy": sandbox.plan.training.strategy,
        "protection": sandbox.plan.sum.protection,
        "headline": headline(report),
        "cautions": list(cautions(report)),
        **party_facts(results),
        "joint": next(iter(told.values()))["joint"],
        "rounds": len(report.rounds),
        **cost_facts(report, wall_seconds),
        "report": str(sandbox.report_file),
        "folder": str(sandbox.folder),
    }
    return FederatedOutcome(report, facts, report.notes)


def party_facts(results: tuple[PartyResult, ...]) -> dict[str, Any]:
    """Figures by party: None where its test rows are too few or of one outcome."""

    def figure(evaluation: Evaluation | None, name: str) -> float | None:
        return None if evaluation is None else getattr(evaluation.figures, name)

    def figures(name: str) -> dict[str, Any]:
        return {
            each.party: {
                which: figure(getattr(each, which), name) for which in ("local", "federated", "pooled")
            }
            for each in results
        }

    return {
        "auc": figures("auc"),
        "ks": figures("ks"),
        "difference": {each.party: each.difference and each.difference.as_dict() for each in results},
        "verdict": {each.party: each.verdict for each in results},
        "training_rows": {each.party: each.training_rows for each in results},
        "test_rows": {each.party: each.test_rows for each in results},
        "test_bad": {each.party: each.test_bad for each in results},
    }


def cost_facts(report: FederatedReport, wall_seconds: float) -> dict[str, Any]:
    """What the round cost, by role and by step."""
    return {
        "bytes_sent": bytes_sent(report.sent),
        "cpu_seconds": {each.role: round(each.seconds, 2) for each in report.cpu},
        "seconds": {step.name: round(step.seconds, 2) for step in report.steps},
        "wall_seconds": round(wall_seconds, 1),
    }


def _json(sandbox: Sandbox, status: RoundStatus, party: PartyId, name: str) -> Any:
    return files.read_json(sandbox.parties[party].round_folder(status.run) / name)


# -- the pooled reference ------------------------------------------------------------------------------


def _pooled(plan: Plan, reviewed: Mapping[PartyId, Reviewed]) -> dict[PartyId, Evaluation | None]:
    """One model of everybody's training rows, with the round's encoding, network and training; judged on the
    test rows of each."""
    first = next(iter(reviewed.values())).model
    network = build(
        plan.model,
        len(first.encoding.names),
        first.encoding.cardinalities,
        seed=plan.split.seed,
        approved={},
        party=first.party,
    )
    statistics = first.facts["statistics"]
    trainer = LocalTrainer(
        PartyId("pooled"),
        plan.model,
        network,
        plan.training.model_copy(update={"strategy": "fedavg"}),
        Private(_stacked([_examples(each, training=True) for each in reviewed.values()])),
        seed=hashlib.sha256(b"isthmus pooled reference|" + plan.digest).digest(),
        class_counts=(statistics["rows"] - statistics["bad"], statistics["bad"]),
    )
    vector = train_alone(trainer, Layout.of(network).read(network), first.facts["rounds"])
    return {name: _judged(trainer, vector, each, plan.split.seed) for name, each in reviewed.items()}


def _examples(reviewed: Reviewed, *, training: bool) -> Examples:
    frame, labels = reviewed.rows.part(training)
    encoded = reviewed.model.encoding.encode(frame.open_locally(), reviewed.dataset.place)
    return Examples.of(encoded, labels.open_locally())


def _stacked(parts: list[Examples]) -> Examples:
    numeric, codes, labels = (np.concatenate([each.parts[at].numpy() for each in parts]) for at in range(3))
    return Examples.of(Encoded(numeric, codes), labels)


def _judged(trainer: LocalTrainer, vector: Floats, reviewed: Reviewed, seed: int) -> Evaluation | None:
    test = _examples(reviewed, training=False)
    logits = trainer.logits(vector, Private(test)).open_locally()
    try:
        return evaluate(test.labels.numpy().astype(np.int8), logits, np.random.default_rng(seed))
    except UsageError:
        return None


# -- the report ----------------------------------------------------------------------------------------


def _result(name: PartyId, reviewed: Reviewed, pooled: Evaluation | None) -> PartyResult:
    found = reviewed.compared
    return PartyResult(
        party=name,
        training_rows=reviewed.rows.training_rows,
        test_rows=found.rows,
        test_bad=found.bad,
        local=found.local,
        federated=found.federated,
        pooled=None if found.difference is None else pooled,
        difference=found.difference,
    )


def _report(
    sandbox: Sandbox,
    status: RoundStatus,
    results: tuple[PartyResult, ...],
    told: Mapping[PartyId, Any],
    spent: Mapping[PartyId, Any],
) -> FederatedReport:
    plan, sent = sandbox.plan, sent_by_all(sandbox, status)
    first = next(iter(told.values()))
    joint = first["joint"]
    loss_rows: Literal["training", "validation"] = "validation" if plan.training.patience else "training"
    return FederatedReport(
        run=Run(
            run_id=status.run,
            plan_hash=status.plan_digest,
            model=_MODELS[plan.model.kind].format(", ".join(map(str, plan.model.hidden))),
            label_party="",
            rows_evaluated="each party's own firms held out of training",
            finished=finished(status),
            generated=sandbox.generated,
        ),
        shape="horizontal",
        strategy=plan.training.strategy,
        protection=PROTECTIONS[plan.sum.protection],
        privacy=_NO_NOISE,
        parties=results,
        joint=None if joint is None else Joint(joint["auc"], joint["rows"], joint["bad"]),
        rounds=tuple(
            RoundPoint(point["round"], point["loss"], point["update_norm"]) for point in first["history"]
        ),
        loss_rows=loss_rows,
        flags=tuple(f"{name}: {flag}" for name, each in told.items() for flag in each.get("flags", ())),
        learned=_learned(joint is not None, corrected=plan.training.strategy == "scaffold"),
        left=tuple(_left(name, sent) for name in sandbox.parties),
        sent=sent,
        steps=longest_steps(spent),
        cpu=cpu_times(spent, status),
        versions=versions("torch"),
        notes=gathered({name: each["notes"] for name, each in spent.items()}),
    )


def finished(status: RoundStatus) -> str:
    """When the round ended, for people."""
    return f"{dt.datetime.fromisoformat(status.ended):%Y-%m-%d %H:%M} UTC"


def gathered(notes: Mapping[PartyId, list[str]]) -> tuple[str, ...]:
    """All parties' notes, each once: those that all have stand first, the others with their party's name."""
    lists = [list(dict.fromkeys(each)) for each in notes.values()]
    common = [note for note in lists[0] if all(note in other for other in lists[1:])]
    own = [
        f"{name}: {note}"
        for name, each in notes.items()
        for note in dict.fromkeys(each)
        if note not in common
    ]
    return (*common, *own)


def _learned(joint: bool, *, corrected: bool) -> tuple[Learned, ...]:
    """What the protocol's modules list for this shape without noise."""
    spread = (
        "over all parties together: training rows by outcome, and of each column how many cells are missing "
        "and how the others are spread (by cells of the number line, or by hash of the level)"
    )
    everybody = [
        spread,
        "the mean update of every round, the mean loss before it, and so the shared model",
        "whether the others have the same columns of the same kinds, and who took part",
    ]
    if corrected:
        everybody.append(
            "the mean gradient of every round, exactly; so, over all parties together, how many training "
            "rows with each level of a column are bad"
        )
    if joint:
        everybody.append("over all parties together: test rows of either outcome by step of the score")
    member = Learned(
        "every party",
        tuple(everybody),
        ("any row, identifier or level's name of another party", "another party's update, size or figures"),
    )
    aggregator = Learned(
        "aggregator",
        (
            "who took part, when, and how many bytes passed; how long the model is",
            "from each party's receipt: how many rows and columns it has",
        ),
        ("any update, statistic, figure or model: it adds up what it cannot open",),
    )
    return member, aggregator


def _left(party: PartyId, sent: tuple[Sent, ...]) -> LeftOrganisation:
    own = [row for row in sent if row.party == party]
    messages, size = sum(row.messages for row in own), sum(row.bytes for row in own) / 1e6
    return LeftOrganisation(
        party,
        f"{messages:,} sealed messages, {size:,.1f} MB: its masked parts of sums. No row, no identifier, and "
        "no update by itself.",
    )
