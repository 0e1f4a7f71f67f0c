"""After a hybrid sandbox round: the pooled reference that only a sandbox may compute, and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto.errors import UsageError
from crypto.private import Private
from federation import files
from federation.coordinator.record import RoundStatus
from federation.ids import PartyId
from federation.plan import Plan
from parties.evaluation.delong import paired_difference
from parties.evaluation.discrimination import evaluate
from parties.features import read_label
from parties.hybrid.model import HybridPart
from parties.report.data import Learned, LeftOrganisation, Run, Sent
from parties.report.federated import FederatedReport, PartyResult
from parties.report.federated_words import cautions, headline
from parties.report.federated_write import write_federated_report
from parties.report.learned import ALIGNMENT, FIT
from parties.round.acceptance import dataset_of
from parties.round.evaluation import load_scores
from parties.round.model import load_rows
from parties.round.rows import read_own
from parties.sandbox.account import cpu_times, longest_steps, sent_by_all, versions
from parties.sandbox.founding import Sandbox
from parties.sandbox.horizontal_outcome import PROTECTIONS, FederatedOutcome, cost_facts, finished, gathered

Floats = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]

#: Newton steps of the pooled fit; a ridge fit of some dozens of columns needs about six.
_NEWTON_STEPS = 25


def conclude(sandbox: Sandbox, status: RoundStatus, wall_seconds: float) -> FederatedOutcome:
    """Evaluate, compute the pooled reference, write the report; `facts` is what --format json prints."""
    plan = sandbox.plan
    countries = {
        country: _country(sandbox, status, country) for country in dict.fromkeys(plan.consortia().values())
    }
    slopes = pooled_slopes(
        [each.training_part for each in countries.values()], plan.model.l2 * len(countries)
    )
    results = {country: _result(each, slopes, plan.split.seed) for country, each in countries.items()}
    told = {
        country: files.read_json(_folder(sandbox, status, each.bank) / "evaluation.json")
        for country, each in countries.items()
    }
    spent = {name: files.read_json(_folder(sandbox, status, name) / "spent.json") for name in sandbox.parties}
    report = _report(sandbox, status, tuple(results.values()), told, spent)
    write_federated_report(sandbox.report_file, report)
    privacy = next(iter(spent.values()))["privacy"]
    facts = {
        "run": status.run,
        "shape": "hybrid",
        "protection": plan.sum.protection,
        "headline": headline(report),
        "cautions": list(cautions(report)),
        **{name: _figures(results, told, name) for name in ("auc", "ks")},
        "difference": {
            country: each.difference and each.difference.as_dict() for country, each in results.items()
        },
        "verdict": {country: each.verdict for country, each in results.items()},
        "training_rows": {country: each.training_rows for country, each in results.items()},
        "test_rows": {country: each.test_rows for country, each in results.items()},
        "test_bad": {country: each.test_bad for country, each in results.items()},
        "rounds": plan.training.rounds,
        "noise": noise_sentence(plan, privacy),
        "privacy": {
            "unit": plan.privacy.unit,
            "noise_multiplier": plan.privacy.noise_multiplier,
            "clip": plan.sum.clip,
            **(privacy or {}),
        },
        **cost_facts(report, wall_seconds),
        "report": str(sandbox.report_file),
        "folder": str(sandbox.folder),
    }
    return FederatedOutcome(report, facts, report.notes)


def _folder(sandbox: Sandbox, status: RoundStatus, party: PartyId) -> Any:
    return sandbox.parties[party].round_folder(status.run)


def _figures(
    results: Mapping[str, PartyResult], told: Mapping[str, Any], name: str
) -> dict[str, dict[str, float]]:
    """One figure of every model, by country."""
    models = {"consortium": "local", "hybrid": "federated", "pooled": "pooled"}
    return {
        country: {"bank_only": told[country]["bank_only"][name]}
        | {model: getattr(getattr(each, field).figures, name) for model, field in models.items()}
        for country, each in results.items()
    }


# -- one country ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, repr=False)
class _Country:
    """A country's n aligned rows as all its parties encoded them, outcomes, and both models' test logits."""

    bank: PartyId
    encoded: Private[Floats]
    labels: Private[npt.NDArray[np.int8]]
    training: Marks
    alone: Private[Floats]
    shared: Private[Floats]

    @property
    def training_part(self) -> tuple[Floats, npt.NDArray[np.int8]]:
        """The rows that train, and their outcomes."""
        return self.encoded.open_locally()[self.training], self.labels.open_locally()[self.training]


def _country(sandbox: Sandbox, status: RoundStatus, country: str) -> _Country:
    plan = sandbox.plan
    members = [PartyId(name) for name, party in plan.parties.items() if party.consortium == country]
    bank = next(name for name in members if plan.parties[name].role == "label")
    blocks, alone = [], []
    labels, training = None, None
    for name in members:
        home = sandbox.parties[name]
        dataset, part = (
            dataset_of(home, status.run),
            HybridPart.load(_folder(sandbox, status, name)),
        )
        rows, training = load_rows(_folder(sandbox, status, name) / "rows.npz")
        frame = read_own(dataset).frame.open_locally().iloc[rows.open_locally()].reset_index(drop=True)
        blocks.append(part.encoding.transform(frame, dataset.place))
        alone.append(part.alone.logits(Private(blocks[-1])).open_locally())
        if name == bank:
            labels = read_label(frame, dataset)
    _, shared, marks = load_scores(_folder(sandbox, status, bank) / "scores.npz")
    if labels is None or training is None:
        raise UsageError("a country has no label party", advice="Give one party of each the label.")
    return _Country(
        bank,
        Private(np.hstack(blocks)),
        Private(labels),
        training,
        Private(np.sum(alone, axis=0)[~training]),
        Private(shared.open_locally()[~marks]),
    )


def _result(country: _Country, slopes: Floats, seed: int) -> PartyResult:
    outcome = country.labels.open_locally()[~country.training]
    alone, shared = country.alone.open_locally(), country.shared.open_locally()
    pooled = country.encoded.open_locally()[~country.training] @ slopes
    generator = np.random.default_rng(seed)
    return PartyResult(
        party=country.bank,
        training_rows=int(country.training.sum()),
        test_rows=len(outcome),
        test_bad=int(outcome.sum()),
        local=evaluate(outcome, alone, generator),
        federated=evaluate(outcome, shared, generator),
        pooled=evaluate(outcome, pooled, generator),
        difference=paired_difference(outcome, shared, alone),
    )


def pooled_slopes(parts: Sequence[tuple[Floats, npt.NDArray[np.int8]]], l2: float) -> Floats:
    """Slopes (d,) of one ridge fit over the rows of all countries, with an intercept for each: what a hybrid
    round approaches. `parts`: features (n x d) and outcomes (n,) of each; by Newton's method.
    """
    width, total = parts[0][0].shape[1], sum(len(labels) for _, labels in parts)
    x = np.zeros((total, width + len(parts)))
    start = 0
    for place, (encoded, _) in enumerate(parts):
        rows = slice(start, start + len(encoded))
        x[rows, :width], x[rows, width + place] = encoded, 1.0
        start = rows.stop
    y = np.concatenate([labels for _, labels in parts]).astype(np.float64)
    penalty = np.concatenate([np.full(width, l2), np.zeros(len(parts))])
    theta = np.zeros(x.shape[1])
    for _ in range(_NEWTON_STEPS):
        chance = 1 / (1 + np.exp(-(x @ theta)))
        gradient = x.T @ (chance - y) + penalty * theta
        curvature = (x.T * (chance * (1 - chance))) @ x + np.diag(penalty)
        step = np.linalg.solve(curvature, gradient)
        theta -= step
        if np.abs(step).max() < 1e-10:
            break
    slopes: Floats = theta[:width]
    return slopes


# -- the report ----------------------------------------------------------------------------------------


def noise_sentence(plan: Plan, privacy: Mapping[str, float] | None) -> str:
    """What noise there is on what crosses, and what that is worth, without hope."""
    if privacy is None:
        return "No noise was added: what crosses are sums over three countries or more."
    epsilon, delta = privacy["epsilon"], privacy["delta"]
    deviation = plan.privacy.noise_multiplier * plan.sum.clip
    told = (
        f"Each party added noise (standard deviation {deviation:g}) to each coefficient's change before it "
        f"crossed: epsilon {epsilon:,.0f} at delta {delta:g}."
    )
    if epsilon > 10:
        told += (
            " That is no promise worth the name: over two countries a party can work out the other's change "
            "but for this blur."
        )
    return f"{told} Inside a country nothing is noisy."


def _report(
    sandbox: Sandbox,
    status: RoundStatus,
    results: tuple[PartyResult, ...],
    told: Mapping[str, Any],
    spent: Mapping[PartyId, Any],
) -> FederatedReport:
    plan, sent = sandbox.plan, sent_by_all(sandbox, status)
    alone = [
        f"{each.party}: with the bank's own columns alone the AUC on the same rows is "
        f"{figures['bank_only']['auc']:.3f}"
        for each, figures in zip(results, told.values(), strict=True)
    ]
    rounds = plan.training.rounds
    return FederatedReport(
        run=Run(
            run_id=status.run,
            plan_hash=status.plan_digest,
            model="logistic regression, vertical inside each country, hidden (no per-row value opened)",
            label_party="",
            rows_evaluated="each country's common firms held out of training",
            finished=finished(status),
            generated=sandbox.generated,
        ),
        shape="hybrid",
        strategy=f"{rounds} vertical fits in each country, the mean of their changes after each",
        protection=PROTECTIONS[plan.sum.protection],
        privacy=noise_sentence(plan, next(iter(spent.values()))["privacy"]),
        parties=results,
        joint=None,
        rounds=(),
        loss_rows="training",
        flags=(),
        learned=_learned(),
        left=tuple(_left(name, sent) for name in sandbox.parties),
        sent=sent,
        steps=longest_steps(spent),
        cpu=cpu_times(spent, status),
        versions=versions(),
        notes=(*alone, *gathered({name: each["notes"] for name, each in spent.items()})),
    )


def _learned() -> tuple[Learned, ...]:
    """What `parties.hybrid` lists, for two countries."""
    nothing = "any row, any identifier or any column's value of another party"
    party = Learned(
        "every party",
        (
            *(f"in its country: {each}" for each in (*ALIGNMENT, *FIT)),
            "its counterpart's change of the same coefficients in each round, but for the noise",
            "whether its counterpart has the same columns, and when the other country ends a fit",
        ),
        (nothing, "anything of other places of the other country"),
    )
    label = Learned(
        "each bank, also",
        (
            "in its country: the size of each other party's part of the scores, and inner products over them",
            "of each opened firm two whole scores: by its country's own model and by the shared one",
        ),
        ("an outcome, a score or an intercept of the other country",),
    )
    aggregator = Learned(
        "aggregator",
        (
            "how many firms each party has, and how many any of one country have in common",
            "how many coefficients each place has, and sizes and times of messages",
        ),
        ("an identifier, a value, a gradient, a coefficient or a score: it holds no key",),
    )
    return party, label, aggregator


def _left(party: PartyId, sent: tuple[Sent, ...]) -> LeftOrganisation:
    own = [row for row in sent if row.party == party]
    messages, size = sum(row.messages for row in own), sum(row.bytes for row in own) / 1e6
    return LeftOrganisation(
        party,
        f"{messages:,} sealed messages, {size:,.1f} MB. Inside its country: ciphertexts, masked numbers and "
        "blinded identifiers. Across the border: its noisy change of its own coefficients, in a sum. No row.",
    )
