"""A round in which a bank asks one other lender what became of the firms that it turned down.

    bank    charge -> own model of the accepted -> a score of every applicant -> `lookup.ask` -> observed.json
    lender  charge -> `lookup.tell`

What each role learns stands in `parties.reject.lookup`. The lender's data set is charged for what the counts
tell of one outcome: rho = 1 / (2 noise^2), noise in firms by the plan, once for each round (as
`crypto.accounting` counts a discrete Gaussian). That a firm is its customer, the alignment tells without
noise, and no charge bounds it. Noise drawn again would tell more than was charged, so the counts are told in
one attempt at a round only.
"""

from __future__ import annotations

import numpy as np

from crypto.accounting import DiscreteGaussian
from crypto.codes import Code
from crypto.private import Private
from federation import files
from federation.errors import PlanRefused
from federation.message import Role
from federation.messages.round import Step
from parties.features import FeatureSpec, read_label
from parties.privacy.charge import Charge
from parties.privacy.ledger import Ledger
from parties.reject.applicants import accepted_outcomes, accepted_rows
from parties.reject.lookup import ask, tell
from parties.reject.observed import Observed, OwnModel
from parties.reject.sensitivity import logistic
from parties.round.rows import OwnTable, read_own
from parties.round.vertical import charge_without_noise
from parties.round.work import Work

#: At the lender, in the round's folder: its counts have left.
_TOLD = "told"


def run(work: Work) -> None:
    """This party's whole side of the round: the label party asks, the other one tells."""
    table = read_own(work.accepted.dataset, work.canaries)
    notes = _ask(work, table) if work.accepted.role is Role.LABEL else _tell(work, table)
    # Known to the aggregator from the alignment; how many were accepted is nobody's affair.
    keys = len(table.ids.open_locally())
    work.finish(
        table_sha256=table.digest,
        table_rows=table.report.rows,
        rows=keys,
        training_rows=0,
        columns=0,
        iterations=0,
        notes=notes,
    )


def _ask(work: Work, table: OwnTable) -> list[str]:
    dataset, plan = work.accepted.dataset, work.plan
    charge_without_noise(work, table)
    frame = table.frame.open_locally().iloc[table.positions.open_locally()].reset_index(drop=True)
    accepted = accepted_rows(frame, dataset)
    outcomes = accepted_outcomes(frame, accepted, dataset).open_locally()
    session = work.open()
    with work.doing(Step.PREPARE):
        features = FeatureSpec.fit(frame, accepted, dataset)
        encoded = features.transform(frame)[accepted]
        fitted = logistic(plan.model.l2)(encoded, outcomes, np.ones(len(outcomes)))
        model = OwnModel(features, tuple(map(float, fitted.coefficients)), fitted.intercept)
        risk = model.risk(frame)
    rule = plan.rejects
    with work.workers() as pool, work.doing(Step.STATISTICS):
        told = ask(
            session,
            table.ids,
            risk,
            Private(~accepted),
            minimum=plan.alignment.minimum_intersection,
            most=rule.bands,
            fewest=rule.minimum,
            pool=pool,
        )
    (lender,) = session.others()
    Observed(lender, rule.noise, told, model).save(work.folder)
    note = (
        f"{lender} told how many of {sum(told.rows)} rejected firms turned bad there, in {told.bands.count} "
        f"bands, give or take {rule.noise:g} firms each."
    )
    return [note, *features.notes]


def _tell(work: Work, table: OwnTable) -> list[str]:
    order, dataset, plan = work.accepted.order, work.accepted.dataset, work.plan
    mark = work.folder / _TOLD
    if mark.exists():
        raise PlanRefused(
            f"the counts of {order.run} were told in an earlier attempt; with other noise they would tell "
            "more than was charged",
            party=work.me,
            advice="Launch the plan again as a new round, which is charged anew.",
            code=Code.TOLD_BEFORE,
        )
    frame = table.frame.open_locally().iloc[table.positions.open_locally()].reset_index(drop=True)
    outcomes = Private(read_label(frame, dataset))
    ledger, cost = (
        Ledger.of(work.home, dataset, table.ids, table.digest),
        DiscreteGaussian(plan.rejects.noise, 1.0),
    )
    ledger.reserve(
        Charge(
            run=order.run,
            plan=plan.digest.hex(),
            purpose=plan.purpose,
            dataset=dataset.name,
            protects="record",
            events=(cost,),
            delta=plan.privacy.delta,
        )
    )
    try:
        session = work.open()
        with work.workers() as pool, work.doing(Step.STATISTICS):
            counts = tell(
                session,
                table.ids,
                outcomes,
                minimum=plan.alignment.minimum_intersection,
                deviation=plan.rejects.noise,
                fewest=plan.rejects.minimum,
                before_answering=lambda: files.write_private(mark, b""),
                pool=pool,
            )
    finally:
        ledger.settle(order.run, (cost,) if mark.exists() else ())
    (bank,) = session.others()
    note = (
        f"{bank} was told how many of its rejected firms turned bad here, in {counts} bands, with "
        f"{plan.rejects.noise:g} firms of noise on each."
    )
    return [note]
