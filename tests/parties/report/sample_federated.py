"""A federated report of a made-up round: one party is helped, one undecided, one hurt, one not judged."""

from __future__ import annotations

import numpy as np

from parties.evaluation.delong import PairedDifference, paired_difference
from parties.evaluation.discrimination import evaluate
from parties.report.data import CpuTime, Learned, LeftOrganisation, Run, Sent, Step, Version
from parties.report.federated import FederatedReport, Joint, PartyResult, RoundPoint


def difference(low: float, high: float) -> PairedDifference:
    """A difference with this interval, on 1,500 rows."""
    return PairedDifference((low + high) / 2, low, high, 0.02, 1500, 200)


def party(name: str, *, local: float, federated: float, rows: int = 1200, seed: int = 3) -> PartyResult:
    """A party's rows under models that see its firms' default more or less well; larger is better."""
    rng = np.random.default_rng(seed)
    truth, first, second = rng.normal(size=(3, rows))
    label = (rng.random(rows) < 1 / (1 + np.exp(2.0 - 1.5 * truth))).astype(int)
    own, shared = local * truth + first, federated * truth + second
    return PartyResult(
        name,
        training_rows=3 * rows,
        test_rows=rows,
        test_bad=int(label.sum()),
        local=evaluate(label, own, rng, draws=100),
        federated=evaluate(label, shared, rng, draws=100),
        pooled=evaluate(label, shared + 0.1 * first, rng, draws=100),
        difference=paired_difference(label, shared, own),
    )


def unjudged(name: str) -> PartyResult:
    """A party whose four test rows are too few."""
    return PartyResult(name, 31, 4, 0, None, None, None, None)


def sample() -> FederatedReport:
    """A horizontal round of four banks."""
    names = ("bank-a", "bank-b", "bank-c", "bank-d")
    return FederatedReport(
        run=Run(
            run_id="7f3a9c52e1",
            plan_hash="9c1185a5c5e9fc54612808977ee8f548b2258d31",
            model="multilayer perceptron (32, 16)",
            label_party="",
            rows_evaluated="each party's own firms held out of training",
            finished="2026-03-02 14:05 UTC",
            generated=True,
        ),
        shape="horizontal",
        strategy="fedavg",
        protection="Updates were masked and encrypted (BFV); only their sum over the parties was opened.",
        privacy="No noise was added: the finished model is protected by nothing but the sums.",
        parties=(
            party("bank-a", local=0.8, federated=2.0),
            party("bank-b", local=1.5, federated=1.5, rows=300),
            party("bank-c", local=2.0, federated=1.0, seed=4),
            unjudged("bank-d"),
        ),
        joint=Joint(0.781, 2704, 411),
        rounds=tuple(RoundPoint(n, 0.34 + 0.3 / n, 2.0 / n) for n in range(1, 11)),
        loss_rows="validation",
        flags=("in round 4 the update of bank-c was cut to the largest norm",),
        learned=(
            Learned("every bank", ("the shared model after each round",), ("another bank's update or row",)),
            Learned("aggregator", ("who took part, when, and how many bytes passed",), ("any update",)),
        ),
        left=tuple(LeftOrganisation(each, "masked and encrypted updates. No row.") for each in names),
        sent=(
            *(Sent(each, "sum.words", 10, 1_310_720 * place) for place, each in enumerate(names, 1)),
            Sent("aggregator", "sum.total", 40, 5_242_880),
        ),
        steps=(Step("join and agree keys", 0.84), Step("train", 58.7), Step("evaluate", 2.9)),
        cpu=(*(CpuTime(each, 36.1) for each in names), CpuTime("aggregator", 14.2)),
        versions=(Version("isthmus", "0.1.0"), Version("Python", "3.11.13")),
        notes=("bank-b: the column guarantees is constant and was left out",),
    )
