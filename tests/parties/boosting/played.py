"""Trees over several parties, played in this process with real sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto.histogram import HistogramScheme
from crypto.identity import Identity
from federation.credit import Boosting
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.message import Role
from federation.rehearsal import Part, Rehearsed, rehearse, seat_everyone
from federation.session import Session
from parties.binning.cuts import Codes, Cuts
from parties.boosting.candidates import Trend, candidates
from parties.boosting.feature import FeatureSide
from parties.boosting.growing import Marks
from parties.boosting.label import RemoteColumns
from parties.boosting.training import Trained, train

BANK, PLATFORM, PUBLIC = PartyId("bank"), PartyId("platform"), PartyId("public")
ROLES = {BANK: Role.LABEL, PLATFORM: Role.HELPER, PUBLIC: Role.FEATURE}


@dataclass(frozen=True)
class Columns:
    """One party's columns in bins."""

    cuts: Sequence[Cuts]
    codes: Sequence[Codes]
    trends: Sequence[Trend] = ()

    @property
    def rows(self) -> int:
        return len(self.codes[0])

    def offered(self) -> Any:
        everyone = np.ones(self.rows, dtype=np.bool_)
        return candidates(self.cuts, self.codes, everyone, self.trends or ["none"] * len(self.cuts))


@dataclass(frozen=True)
class Played:
    """The label party's trees, and every party's splits."""

    trained: Trained
    splits: Mapping[PartyId, list[tuple[int, Marks]]]
    done: Rehearsed[Any]


def play(
    columns: Mapping[PartyId, Columns],
    labels: npt.NDArray[np.int8],
    settings: Boosting,
    *,
    least: int | None = None,
    seed: int = 7,
    tap: Callable[[PartyId, PartyId, bytes], None] | None = None,
) -> Played:
    """Boost over the columns, the first party having the labels. `least`: the minimum support, the plan's
    unless given."""
    roles = {**{party: ROLES[party] for party in columns}, AGGREGATOR: Role.AGGREGATOR}
    identities = {seat: Identity.generate() for seat in roles}
    seating = seat_everyone(roles, identities, run=RunId("trees"), patience=60.0)
    support = settings.minimum_support if least is None else least

    def at_label(session: Session) -> Any:
        own, scheme = columns[session.me], HistogramScheme(settings.prefer)
        remote = RemoteColumns(session, scheme, support)
        return train(
            session.me, own.offered(), own.codes, labels, settings, seed, remote, scheme.modulus
        ), remote.splits

    def elsewhere(session: Session) -> Any:
        own = columns[session.me]
        side = FeatureSide(
            session,
            HistogramScheme(settings.prefer),
            own.offered(),
            own.codes,
            own.rows,
            minimum_support=support,
            max_depth=settings.max_depth,
            column_share=settings.column_share,
        )
        side.train()
        return side.splits

    parts: dict[PartyId, Part[Any]] = {party: at_label if party == BANK else elsewhere for party in columns}
    done = rehearse(seating, identities, {**parts, AGGREGATOR: lambda session: None}, tap)
    trained, told = done.results[BANK]
    splits = {party: done.results[party] for party in columns if party != BANK}
    assert told == {party: len(found) for party, found in splits.items()}
    return Played(trained, {BANK: list(trained.splits), **splits}, done)
