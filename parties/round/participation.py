"""A party's whole round, step by step: what runs when an order arrives over Flower.

    accept -> open the session -> align -> split -> encode own columns -> train -> open planned scores
           -> evaluate (label party) -> keep own part -> receipt

Whatever goes wrong, every other role is told the same cause, without any data, before this one stops.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from crypto.bfv import Scheme
from crypto.errors import IsthmusError, Refusal
from crypto.pool import Pool
from crypto.private import Private
from federation import files
from federation.errors import PlanRefused, SessionEnded
from federation.ids import AGGREGATOR, PartyId
from federation.journal import FileJournal
from federation.message import Digest, Role
from federation.messages.round import Progress, Receipt, Step
from federation.plan import Plan
from federation.session import Session, open_session
from federation.transport.interface import Transport
from parties.home import PartyHome
from parties.logistic.hidden import FeatureGradient, HelperGradient, HiddenGradient, LabelGradient
from parties.logistic.scoring import receive_scores, send_logits
from parties.logistic.training import Stopping, Trained, train, with_intercept
from parties.privacy.events import charge
from parties.privacy.ledger import Ledger
from parties.round.acceptance import Accepted
from parties.round.evaluation import evaluate_round
from parties.round.matrix import OwnMatrix, prepare
from parties.round.model import ModelPart, save_rows
from parties.round.rows import OwnTable, aligned, opened_rows, read_own

Floats = npt.NDArray[np.float64]


class AlreadyRan(Refusal):
    """This attempt at this round was run here before; its keys and masks are never used again."""

    advice = "Launch the round again: a new attempt has new keys."


def take_part(home: PartyHome, accepted: Accepted, connect: Callable[[Accepted], Transport]) -> None:
    """Run this party's whole side of an accepted order. Raises what ended it, after telling the others."""
    try:
        folder = _claim(home, accepted)
        journal = FileJournal(folder / "journal.jsonl")
        try:
            transport = connect(accepted)
            try:
                _run(home, accepted, transport, journal, folder)
            except BaseException as error:
                _tell_others(home, transport, error)
                raise
            finally:
                transport.close()
        finally:
            journal.close()
    except OSError as error:
        raise _disk_error(home.name(), error) from None


def _tell_others(home: PartyHome, transport: Transport, error: BaseException) -> None:
    """End the session for everybody with this party's cause; it holds no data."""
    if isinstance(error, SessionEnded):
        return
    if isinstance(error, OSError):
        error = _disk_error(home.name(), error)
    internal = f"{home.name()}: internal error ({type(error).__name__})"
    transport.end(error.cause if isinstance(error, IsthmusError) else internal)


def _claim(home: PartyHome, accepted: Accepted) -> Path:
    """This round's folder, claimed for this attempt once and for all."""
    order = accepted.order
    folder = home.round_folder(order.run)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    plan_file, plan = folder / "plan.json", order.plan.canonical()
    if plan_file.exists() and files.read(plan_file) != plan:
        # A second plan under one name would replace the model, and stand over the journal, of the first.
        raise PlanRefused(f"{order.run} was run here under another plan", party=order.party)
    try:
        os.close(os.open(folder / f"attempt-{order.attempt}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise AlreadyRan(
            f"attempt {order.attempt} at {order.run} was run here before", party=order.party
        ) from None
    files.write(plan_file, plan)
    return folder


@dataclass
class _Work:
    """What one run holds on to, and what it has spent so far."""

    accepted: Accepted
    session: Session
    folder: Path
    pool: Pool
    cpu_started: float
    seconds: dict[str, float] = field(default_factory=dict)  # step -> how long it took

    @property
    def plan(self) -> Plan:
        return self.accepted.order.plan

    @property
    def me(self) -> PartyId:
        return self.session.me

    def at(self, step: Step, iteration: int = 0) -> None:
        """Tell the aggregator where this party is."""
        sent = sum(self.session.egress.sent.values())
        self.session.send(AGGREGATOR, Progress(step, iteration, sent))

    @contextmanager
    def doing(self, step: Step) -> Iterator[None]:
        """Tell the aggregator that `step` begins, and keep how long it took."""
        self.at(step)
        started = time.monotonic()
        yield
        self.seconds[step.value] = time.monotonic() - started

    def cpu_seconds(self) -> float:
        """Processor seconds of this process and the pool's workers since the run began."""
        return _cpu_seconds() - self.cpu_started + self.pool.cpu_seconds


def _run(
    home: PartyHome, accepted: Accepted, transport: Transport, journal: FileJournal, folder: Path
) -> None:
    started = _cpu_seconds()
    table = read_own(accepted.dataset)
    _charge(home, accepted, table)
    session = open_session(accepted.order.party, home.identity(), accepted.seating, transport, journal)
    with Pool() as pool:
        work = _Work(accepted, session, folder, pool, started)
        with work.doing(Step.ALIGN):
            rows = aligned(session, table, work.plan.alignment.minimum_intersection, pool)
    with work.doing(Step.PREPARE):
        matrix = prepare(work.session, work.plan, accepted.dataset, table, rows)
    with work.doing(Step.TRAIN):
        trained = _train(work, matrix)
    part = _part(work, matrix, trained)
    with work.doing(Step.SCORE):
        scores = _open_scores(work, matrix, part)
    part.save(folder / "model.json")
    save_rows(folder / "rows.npz", rows, matrix.training)
    with work.doing(Step.EVALUATE):
        if scores is not None:
            evaluate_round(accepted.dataset, work.plan, folder, rows, matrix, scores)
    _finish(work, matrix, trained, journal, table.report.rows)


def _charge(home: PartyHome, accepted: Accepted, table: OwnTable) -> None:
    """Write the run into the data set's privacy ledger before anything leaves; a budget may refuse it.

    A vertical run adds no noise, so it is charged without a bound, and a data set with a budget refuses it.
    """
    order, dataset = accepted.order, accepted.dataset
    Ledger.of(home, dataset, table.ids).reserve(charge(order.plan, order.run, dataset.name, ()))


# -- the steps ---------------------------------------------------------------------------------------


def _train(work: _Work, matrix: OwnMatrix) -> Trained:
    model = work.plan.model
    whitened = matrix.whitening.apply(matrix.encoded.open_locally()[matrix.training])
    penalty = matrix.whitening.penalty(model.l2)
    start = np.zeros(whitened.shape[1])
    if matrix.labels is not None:
        share = float(matrix.labels.open_locally()[matrix.training].mean())
        whitened, penalty, start = with_intercept(whitened, penalty, share)
    side = _side(work, Private(whitened), matrix)
    stopping = Stopping(model.tolerance, model.max_iterations)
    return train(side, penalty, start, stopping, lambda iteration: work.at(Step.TRAIN, iteration))


def _side(work: _Work, whitened: Private[Floats], matrix: OwnMatrix) -> HiddenGradient:
    session, scheme = work.session, Scheme()
    if matrix.labels is not None:
        labels = Private(matrix.labels.open_locally()[matrix.training])
        return LabelGradient(session, whitened, labels, scheme, matrix.widths)
    side = HelperGradient if session.role is Role.HELPER else FeatureGradient
    return side(session, whitened, scheme, matrix.widths)


def _part(work: _Work, matrix: OwnMatrix, trained: Trained) -> ModelPart:
    """From whitened coefficients to one weight for each encoded column."""
    at_label = matrix.labels is not None
    block = trained.theta[1:] if at_label else trained.theta
    return ModelPart(
        run=work.accepted.order.run,
        party=work.me,
        plan_digest=work.plan.digest.hex(),
        features=matrix.features,
        weights=tuple(float(w) for w in matrix.whitening.unwhiten(block)),
        intercept=float(trained.theta[0]) if at_label else None,
        iterations=trained.iterations,
        converged=trained.converged,
    )


def _open_scores(work: _Work, matrix: OwnMatrix, part: ModelPart) -> Private[Floats] | None:
    """At the label party the whole logit of each opened row; None elsewhere, or when none is opened."""
    opened = opened_rows(work.plan, matrix.training)
    if not opened.any():
        return None
    own = part.logits(Private(matrix.encoded.open_locally()[opened]))
    if work.session.role is Role.LABEL:
        return receive_scores(work.session, own)
    send_logits(work.session, own, work.plan.scores.open)
    return None


def _finish(work: _Work, matrix: OwnMatrix, trained: Trained, journal: FileJournal, rows_read: int) -> None:
    work.at(Step.DONE)
    cpu = work.cpu_seconds()
    files.write_json(
        work.folder / "spent.json",
        {
            "table_rows": rows_read,
            "rows": len(matrix.training),
            "training_rows": matrix.training_rows,
            "columns": matrix.widths[work.me],
            "encoded_columns": len(matrix.features.names),
            "notes": list(matrix.features.notes),
            "seconds": work.seconds,
            "cpu_seconds": cpu,
            "bytes_sent": dict(work.session.egress.sent),
        },
    )
    work.session.send(
        AGGREGATOR,
        Receipt(
            rows=len(matrix.training),
            training_rows=matrix.training_rows,
            columns=matrix.widths[work.me],
            iterations=trained.iterations,
            cpu_milliseconds=int(1000 * cpu),
            bytes_sent=sum(work.session.egress.sent.values()),
            journal_head=Digest(journal.head),
        ),
    )


def _cpu_seconds() -> float:
    """Processor seconds of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _disk_error(party: str, error: OSError) -> Refusal:
    return Refusal(
        f"cannot write or read: {error.strerror or type(error).__name__}",
        party=party,
        file=str(error.filename) if error.filename else None,
        advice="Free space on that disk and launch the round again; nothing was half-written.",
    )
