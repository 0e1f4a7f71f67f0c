"""A party's whole side of a hybrid round; the protocol stands in the package's docstring.

charge -> open the session -> agree columns -> align -> prepare -> rounds -> open planned scores
       -> evaluate (label party) -> keep own part -> receipt
"""

from __future__ import annotations

from crypto.private import Private
from federation.messages.round import Step
from parties.hybrid.counterparts import Crossing, agree_columns
from parties.hybrid.encoding import declared_schema
from parties.hybrid.evaluation import Floats, evaluate_hybrid, keep
from parties.hybrid.fitting import Coefficients, Fitting, HybridFit
from parties.hybrid.model import HybridPart
from parties.hybrid.privacy import Cost, reserve, settle
from parties.hybrid.rows import HybridRows, prepare
from parties.round.model import save_rows
from parties.round.rows import aligned, opened_rows, read_own
from parties.round.vertical import open_logits
from parties.round.work import Work


def run(work: Work) -> None:
    """This party's whole side of a hybrid round."""
    plan, dataset = work.plan, work.accepted.dataset
    table = read_own(dataset, work.canaries)
    own = table.frame.open_locally()[: table.report.rows]  # Without the planted rows behind them.
    schema, declared = declared_schema(own, dataset, plan.columns)
    cost = reserve(work, table)
    session = work.open()
    agree_columns(session, schema, dataset)
    crossing = Crossing(session, plan)  # Its key is agreed while all are here: alignments take their time.
    inside = session.among(session.seating.fellows(work.me), "alignment")
    with work.workers() as pool, work.doing(Step.ALIGN):
        own_rows = aligned(inside, table, plan.alignment.minimum_intersection, pool)
    with work.doing(Step.PREPARE):
        rows = prepare(inside, crossing.sums, plan, dataset, table, own_rows, schema, declared)
    with work.doing(Step.TRAIN):
        fitting = Fitting(session, crossing, plan, rows, lambda iteration: work.at(Step.TRAIN, iteration))
        fitted = fitting.run()
    settle(work, table, cost)
    with work.doing(Step.SCORE):
        shared = _open_scores(work, rows, fitted.shared, "shared")
        alone = _open_scores(work, rows, fitted.alone, "consortium's own")
    _part(work, rows, fitted).save(work.folder)
    save_rows(work.folder / "rows.npz", own_rows, rows.training)
    with work.doing(Step.EVALUATE):
        if shared is not None and alone is not None:
            found = evaluate_hybrid(dataset, plan, rows, shared, alone)
            keep(work.folder, plan, own_rows, rows, shared, found)
    work.finish(
        table_sha256=table.digest,
        table_rows=table.report.rows,
        rows=len(rows.training),
        training_rows=rows.training_rows,
        columns=rows.widths[work.me],
        iterations=fitted.iterations,
        encoded_columns=len(rows.encoding.names),
        rounds=plan.training.rounds,
        notes=list(rows.notes),
        privacy=_told(cost),
    )


def _open_scores(work: Work, rows: HybridRows, part: Coefficients, model: str) -> Private[Floats] | None:
    """At the label party the logits of the opened rows by `model`; see `open_logits`."""
    inside = work.session.among(work.session.seating.fellows(work.me), f"scores of the {model} model")
    opened = opened_rows(work.plan, rows.training)
    own = part.logits(Private(rows.encoded.open_locally()[opened]))
    return open_logits(inside, own, work.plan.scores.open)


def _part(work: Work, rows: HybridRows, fitted: HybridFit) -> HybridPart:
    return HybridPart(
        run=work.accepted.order.run,
        party=work.me,
        consortium=work.session.seating.consortia[work.me],
        plan_digest=work.plan.digest.hex(),
        encoding=rows.encoding,
        shared=fitted.shared,
        alone=fitted.alone,
        rounds=work.plan.training.rounds,
        iterations=fitted.iterations,
        converged=fitted.converged,
    )


def _told(cost: Cost | None) -> dict[str, float] | None:
    return None if cost is None else {"epsilon": cost.epsilon, "delta": cost.delta}
