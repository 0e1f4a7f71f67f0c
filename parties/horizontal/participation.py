"""The horizontal shape at a party: one torch model over the same columns of different firms.

    read and split own rows -> open the session -> compare columns -> find out where everybody stands
    -> charge the privacy ledger -> federated statistics -> train together -> compare with training alone
    -> keep the model -> receipt

An attempt that follows a broken one goes on from the last round that anybody kept. What a seat learns at each
step is told by the module of that step: `joining`, `statistics`, `rounds`, `evaluation`.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crypto.codes import Code
from crypto.private import Private
from crypto.sealed import SharedSecret
from crypto.summation.schemes import protection
from federation import files
from federation.errors import PlanRefused
from federation.flower.strategies import ServerOptimiser
from federation.ids import PartyId
from federation.messages.horizontal import LevelKey
from federation.messages.round import Step
from federation.plan import Plan
from federation.secure_sum.member import SecureSum
from parties.dataset import DatasetConfig
from parties.features.label import read_label
from parties.governance.canaries import Canaries
from parties.horizontal.columns import Schema, schema
from parties.horizontal.combining import join_group
from parties.horizontal.encoding import CommonEncoding
from parties.horizontal.evaluation import (
    Joint,
    compare,
    joint_auc,
    joint_figures,
    save_tested,
    train_alone,
)
from parties.horizontal.examples import Examples
from parties.horizontal.joining import compare_columns, confirm, join
from parties.horizontal.kept import Kept
from parties.horizontal.model import HorizontalModel
from parties.horizontal.models import build
from parties.horizontal.modules import approvals
from parties.horizontal.noise import record_noise, reserve, settle
from parties.horizontal.recordwise import RecordPrivacy
from parties.horizontal.rounds import final_vector, is_over, train_together
from parties.horizontal.screening import Screen
from parties.horizontal.shares import Shares, shares_of
from parties.horizontal.state import RoundState
from parties.horizontal.statistics import fit
from parties.horizontal.training import LocalTrainer
from parties.horizontal.vector import Layout
from parties.round.model import save_rows
from parties.round.rows import draw, read_own
from parties.round.work import Work


def run(work: Work) -> None:
    """This party's whole side of a horizontal round."""
    own = read_rows(work.accepted.dataset, work.plan, work.canaries)
    _Member(work, own).run()


@dataclass(frozen=True, slots=True)
class OwnRows:
    """A party's rows: their place in its table, outcomes, which of them train, the columns."""

    table_rows: int
    ids: Private[tuple[bytes, ...]]
    positions: Private[npt.NDArray[np.int64]]
    frame: Private[pd.DataFrame]
    labels: Private[npt.NDArray[np.int8]]
    training: npt.NDArray[np.bool_]
    schema: Schema
    notes: tuple[str, ...]
    digest: str | None = None

    @property
    def training_rows(self) -> int:
        """How many of the rows train, those for validation among them."""
        return int(self.training.sum())

    def part(self, training: bool) -> tuple[Private[pd.DataFrame], Private[npt.NDArray[np.int8]]]:
        """The rows that train, or the others, with their outcomes."""
        chosen = self.training if training else ~self.training
        frame, labels = self.frame.open_locally(), self.labels.open_locally()
        return Private(frame[chosen].reset_index(drop=True)), Private(labels[chosen])


def read_rows(dataset: DatasetConfig, plan: Plan, canaries: Canaries | None = None) -> OwnRows:
    """Read this party's table, its outcomes and the plan's split. `UsageError` names party, file, column.

    `canaries`: planted in the table for a round; none of its own rows is one of them.
    """
    table = read_own(dataset, canaries)
    places = table.positions.open_locally()
    frame = table.frame.open_locally().iloc[places].reset_index(drop=True)
    notes: list[str] = []
    labels = read_label(frame, dataset, notes)
    training = draw(Private(frame), dataset, plan.split)
    if not training.any():
        raise dataset.error(
            "no row falls to training", advice="Give more rows, or plan a smaller split.test_share."
        )
    return OwnRows(
        table.report.rows,
        table.ids,
        table.positions,
        Private(frame),
        Private(labels),
        training,
        schema(frame, dataset, plan.columns),
        tuple(notes),
        table.digest,
    )


class _Member:
    """One member in one attempt."""

    def __init__(self, work: Work, own: OwnRows) -> None:
        self._work, self._own = work, own
        self._plan, self._dataset = work.plan, work.accepted.dataset
        self._session = work.open()
        self._kept = Kept(work.folder, self._session.seating.parties)
        self._notes = list(own.notes)
        self._screened: Screen | None = None

    def run(self) -> None:
        work, session = self._work, self._session
        with work.doing(Step.PREPARE):
            compare_columns(session, self._own.schema, self._dataset)
            before = self._kept.state
            state, released = join(session, before, released=self._kept.released)
            self._check_repeatable(state, released)
        self._sums = self._open_sums(self._session.seating.parties)
        self._combining, self._group_sums = join_group(self._plan, session, self._sums, self._open_sums)
        if self._plan.privacy.unit != "party":  # Else the charge depends on the model's size: see `_train`.
            own = self._own
            reserve(work, own.ids, own.schema, own.training_rows, content=own.digest)
        if state is None:
            with work.doing(Step.STATISTICS):
                state = self._begin()
                confirm(session, state)
            self._kept.keep(state)
        elif before is None or before.number != state.number:
            self._kept.keep(state)
        with work.doing(Step.TRAIN):
            state = self._train(state)
            confirm(session, state)
        with work.doing(Step.EVALUATE):
            self._evaluate(state, joint=self._plan.privacy.unit == "none" and not released)
        self._finish(state)

    # -- what the steps share ----------------------------------------------------------------------

    def _open_sums(self, members: tuple[PartyId, ...]) -> SecureSum:
        plan = self._plan
        return SecureSum(
            self._session,
            members,
            protection(plan.sum.protection, seeded=plan.sum.seeded),
            noisy=plan.privacy.unit != "none",
            seed=self._seed("sums"),
            before_release=self._kept.note_release,
        )

    def _seed(self, purpose: str) -> bytes:
        """32 bytes for one purpose: the same in every attempt, and in every run of this plan here."""
        message = b"isthmus horizontal 1|" + purpose.encode() + b"|" + self._plan.digest
        return hmac.digest(self._work.home.training_secret(), message, "sha256")

    def _check_repeatable(self, state: RoundState | None, released: bool) -> None:
        """Raise `PlanRefused` where the sums that come next would tell more than they did before."""
        if state is not None and is_over(self._plan, state):
            return  # What is left is the evaluation, which goes without its sum then.
        if released:
            raise PlanRefused(
                "a sum over other parties was broken off and may be known already; made again over these it "
                "would tell the difference",
                party=self._work.me,
                advice="Launch the plan again with the parties that are there.",
                code=Code.TOLD_BEFORE,
            )
        if state is None and self._plan.privacy.unit == "record" and self._kept.released_any:
            raise PlanRefused(
                "the statistics were broken off, and making them again would spend their noise twice",
                party=self._work.me,
                advice="Launch the plan again: it is charged again.",
                code=Code.TOLD_BEFORE,
            )

    # -- statistics --------------------------------------------------------------------------------

    def _begin(self) -> RoundState:
        """The state after the statistics, equal at all members: encoding, the model's first values."""
        plan, own = self._plan, self._own
        secret = self._share_level_key()
        frame, labels = own.part(training=True)
        fitted = fit(
            self._sums,
            frame,
            labels,
            own.schema,
            self._dataset,
            plan.columns,
            secret=secret.data,
            unit=plan.privacy.unit,
            noise=record_noise(plan, own.schema, self._seed("statistics"), len(self._sums.members)),
        )
        self._notes += fitted.notes
        network = self._network(fitted.encoding)
        optimiser = ServerOptimiser.of(plan.training.strategy)
        return RoundState(
            0,
            fitted.encoding,
            fitted.statistics.to_dict(),
            Layout.of(network).read(network),
            optimiser.to_dict(),
        )

    def _share_level_key(self) -> SharedSecret:
        """The first member's key for the names of levels, at all members."""
        session = self._session
        first = session.seating.parties[0]
        if session.me != first:
            return session.receive(first, LevelKey).key
        key = SharedSecret(self._seed("level key"))
        session.send_all(session.others(), LevelKey(key))
        return key

    def _network(self, encoding: CommonEncoding) -> Any:
        plan, home = self._plan, self._work.home
        return build(
            plan.model,
            len(encoding.names),
            encoding.cardinalities,
            seed=plan.split.seed,
            approved=approvals(home.config().get("modules"), self._work.me),
            party=self._work.me,
        )

    # -- training ----------------------------------------------------------------------------------

    def _train(self, state: RoundState) -> RoundState:
        plan, work, own = self._plan, self._work, self._own
        training, judged = self._examples(state)
        total = state.statistics["rows"]
        share = own.training_rows / total if total and plan.privacy.unit == "none" else 1.0
        trainer = self._trainer(state, training, share=min(1.0, share))
        if plan.privacy.unit == "party":
            sums, size = self._group_sums, trainer.layout.size
            reserve(work, own.ids, own.schema, own.training_rows, sums, size, own.digest)
        return train_together(
            plan,
            self._combining,
            trainer,
            judged,
            min(1.0, share),
            self._kept,
            state,
            lambda number: work.at(Step.TRAIN, number),
            self._screen(share),
            lambda: self._sums.pause_asked,
        )

    def _screen(self, share: float) -> Screen | None:
        """`share`: this party's of all training rows; with noise by record members weigh alike."""
        if not self._plan.robust.screen or self._plan.privacy.unit == "party":
            return None
        if self._plan.privacy.unit == "record":
            share = 1 / len(self._sums.members)
        self._screened = Screen(
            self._work.folder / "screen.json", self._work.me, self._combining.groups, min(1.0, share)
        )
        return self._screened

    def _examples(self, state: RoundState) -> tuple[Private[Examples], Private[Examples]]:
        """The rows to train on and those to judge a vector by: the same ones, unless training stops early."""
        rows = self._encoded(state, training=True)
        if not self._plan.training.patience:
            return rows, rows
        split = rows.open_locally().split(self._plan.training.validation_share, self._seed("validation"))
        return Private(split[0]), Private(split[1])

    def _encoded(self, state: RoundState, *, training: bool) -> Private[Examples]:
        frame, labels = self._own.part(training)
        encoded = state.encoding.encode(frame.open_locally(), self._dataset.place)
        return Private(Examples.of(encoded, labels.open_locally()))

    def _trainer(
        self,
        state: RoundState,
        rows: Private[Examples],
        *,
        alone: bool = False,
        share: float | None = None,
    ) -> LocalTrainer:
        """`alone`: as this party would train by itself, without noise and with nothing held in common.

        `share`: this party's of all training rows, where it is to train with the others.
        """
        plan = self._plan
        training = plan.training.model_copy(update={"strategy": "fedavg"}) if alone else plan.training
        privacy = plan.privacy
        noisy = privacy.unit == "record" and not alone
        network = self._network(state.encoding)
        return LocalTrainer(
            self._work.me,
            plan.model,
            network,
            training,
            rows,
            seed=self._seed("training"),
            class_counts=_class_counts(state),
            privacy=RecordPrivacy(privacy.record_clip, privacy.noise_multiplier) if noisy else None,
            shares=self._shares(state, network, share) if share and training.strategy == "scaffold" else None,
        )

    def _shares(self, state: RoundState, network: Any, share: float) -> Shares:
        """By all training rows, those that early stopping looks at among them, as the statistics count."""
        codes = self._encoded(state, training=True).open_locally().codes.numpy()
        layout, categories = Layout.of(network), state.encoding.categories
        return shares_of(layout, self._plan.model, categories, codes, state.statistics, share)

    # -- afterwards --------------------------------------------------------------------------------

    def _evaluate(self, state: RoundState, *, joint: bool) -> None:
        plan = self._plan
        training, _ = self._examples(state)
        trainer = self._trainer(state, training)
        self._final = trainer.merged(final_vector(plan, state), self._kept.personal(state.number))
        network = self._network(state.encoding)
        start = Layout.of(network).read(network)
        alone = self._trainer(state, training, alone=True)
        own_vector = train_alone(alone, start, max(1, state.number))
        test = self._encoded(state, training=False)
        federated, local = trainer.logits(self._final, test), alone.logits(own_vector, test)
        found = compare(self._own.part(training=False)[1], local, federated, plan.split.seed)
        tested = Private(self._own.positions.open_locally()[~self._own.training])
        save_tested(self._work.folder, tested, local, federated)
        together: Joint | None = joint_auc(self._sums, test, federated) if joint else None
        facts = {
            "shape": "horizontal",
            "training_rows": self._own.training_rows,
            **found.figures(),
            "joint": joint_figures(together),
            "groups": [list(group) for group in self._combining.groups],
            "flags": [] if self._screened is None else self._screened.flags(),
            "history": [
                {"round": point.number, "loss": point.loss, "update_norm": point.update_norm}
                for point in state.history
            ],
        }
        files.write_private(self._work.folder / "evaluation.json", files.canonical_json(facts))

    def _finish(self, state: RoundState) -> None:
        work, plan, own = self._work, self._plan, self._own
        facts = {
            "rounds": state.number,
            "strategy": plan.training.strategy,
            "protection": plan.sum.protection,
            "parties": list(work.session.seating.parties),
            "statistics": state.statistics,
        }
        model = HorizontalModel(
            work.accepted.order.run,
            work.me,
            plan.digest.hex(),
            plan.model,
            plan.split.seed,
            state.encoding,
            self._final,
            facts,
        )
        if plan.privacy.unit != "none":
            settle(work, own.ids, own.digest)
        save_rows(work.folder / "rows.npz", own.positions, own.training)
        model.save(work.folder)
        work.finish(
            table_sha256=own.digest,
            table_rows=own.table_rows,
            rows=len(own.training),
            training_rows=own.training_rows,
            columns=len(own.schema),
            iterations=state.number,
            encoded_columns=len(state.encoding.names) + len(state.encoding.categories),
            notes=[*self._notes, *state.statistics["notes"]],
        )


def _class_counts(state: RoundState) -> tuple[int, int] | None:
    rows, bad = state.statistics["rows"], state.statistics["bad"]
    return None if rows is None else (rows - bad, bad)
