"""Firms whose columns lie with two to four parties, and what pooled data would give."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto.bfv import Scheme
from crypto.private import Private
from federation.ids import AGGREGATOR, PartyId
from federation.message import Message, Role
from federation.session import Session
from parties.features.whitening import Whitening
from parties.logistic.hidden import FeatureGradient, HelperGradient, HiddenGradient, LabelGradient
from parties.logistic.training import Stopping, Trained, train, with_intercept
from tests.seats import FOUR, THREE, TWO, run_seats

Floats = npt.NDArray[np.float64]
SEATS: dict[int, Mapping[str, Role]] = {2: TWO, 3: THREE, 4: FOUR}
SCHEME = Scheme()


@dataclass(frozen=True)
class World:
    """`columns`: party -> its standardised columns; `labels`: n zeros and ones, at the bank."""

    columns: dict[str, Floats]
    labels: npt.NDArray[np.int8]
    roles: Mapping[str, Role]

    @property
    def pooled(self) -> Floats:
        return np.hstack([*self.columns.values()])

    @property
    def widths(self) -> dict[PartyId, int]:
        return {PartyId(name): columns.shape[1] + (name == "bank") for name, columns in self.columns.items()}


def world(parties: int, rows: int, *, strength: float = 0.6, seed: int = 0) -> World:
    """Blocks of correlated columns (a few common factors); |logit| grows with `strength`."""
    rng = np.random.default_rng(seed)
    roles = SEATS[parties]
    factors = rng.normal(size=(rows, 4))
    columns = {}
    for name, width in zip([n for n in roles if n != AGGREGATOR], (4, 3, 3, 2), strict=False):
        block = factors @ rng.normal(size=(4, width)) + 0.8 * rng.normal(size=(rows, width))
        columns[name] = (block - block.mean(axis=0)) / block.std(axis=0)
    pooled = np.hstack([*columns.values()])
    score = pooled @ rng.normal(size=pooled.shape[1]) * strength - 1
    labels = (rng.random(rows) < 1 / (1 + np.exp(-score))).astype(np.int8)
    return World(columns, labels, roles)


Received = tuple[PartyId, PartyId, Message]


class Ears:
    """What every seat could read, in order: (reader, sender, message)."""

    def __init__(self) -> None:
        self.heard: list[Received] = []
        self._lock = threading.Lock()

    def on(self, session: Session) -> None:
        receive = session.receive

        def listening(sender: PartyId, *kinds: Any, patience: float | None = None) -> Any:
            message = receive(sender, *kinds, patience=patience)
            with self._lock:
                self.heard.append((session.me, sender, message))
            return message

        session.receive = listening  # type: ignore[method-assign]

    def of(self, reader: str, kind: type[Any]) -> list[Any]:
        return [m for who, _, m in self.heard if who == reader and isinstance(m, kind)]


def side_of(session: Session, features: Floats, world: World) -> HiddenGradient:
    if session.role is Role.LABEL:
        return LabelGradient(session, Private(features), Private(world.labels), SCHEME, world.widths)
    side = HelperGradient if session.role is Role.HELPER else FeatureGradient
    return side(session, Private(features), SCHEME, world.widths)


def one_gradient(
    world: World, features: Mapping[str, Floats], theta: Mapping[str, Floats], ears: Ears | None = None
) -> dict[str, tuple[Floats, HiddenGradient]]:
    """Party -> (its block of one gradient, its side)."""

    def part(session: Session) -> Any:
        if ears is not None:
            ears.on(session)
        side = side_of(session, features[session.me], world)
        return side.gradient(theta[session.me]).open_locally(), side

    return run_seats(world.roles, {**dict.fromkeys(world.columns, part), AGGREGATOR: lambda session: None})


def trained(
    world: World, stopping: Stopping, watch: Callable[[Session], None] = lambda session: None
) -> tuple[Floats, float, Trained]:
    """Coefficients over the standardised columns, intercept, and the label party's account of it."""

    def part(session: Session) -> tuple[Floats, Trained]:
        watch(session)
        columns = world.columns[session.me]
        whitening = Whitening.fit(columns)
        features, penalty = whitening.apply(columns), whitening.penalty(1.0)
        start = np.zeros(whitening.rank)
        if session.role is Role.LABEL:
            features, penalty, start = with_intercept(features, penalty, float(world.labels.mean()))
        result = train(side_of(session, features, world), penalty, start, stopping)
        block = result.theta[1:] if session.role is Role.LABEL else result.theta
        return whitening.unwhiten(block), result

    out = run_seats(world.roles, {**dict.fromkeys(world.columns, part), AGGREGATOR: lambda session: None})
    coefficients = np.concatenate([out[name][0] for name in world.columns])
    return coefficients, float(out["bank"][1].theta[0]), out["bank"][1]
