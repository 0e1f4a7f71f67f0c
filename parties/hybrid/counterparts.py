"""All that crosses the border: a party and its counterparts, those of its place in the other consortia."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from crypto.private import Private
from crypto.summation.schemes import protection
from federation.errors import MessageRefused
from federation.ids import PartyId
from federation.message import Digest
from federation.messages.hybrid import CounterpartColumns, Fitted
from federation.plan import Plan
from federation.secure_sum.interface import Floats, Sums
from federation.secure_sum.member import SecureSum
from federation.session import Seating, Session
from parties.dataset import DatasetConfig
from parties.horizontal.columns import Schema, refuse_difference, schema_digest

#: The most training rows that a consortium may have, where their sum weighs the mean.
MOST_ROWS = 10_000_000


def counterparts(seating: Seating, party: PartyId) -> tuple[PartyId, ...]:
    """The parties of `party`'s place, itself among them: one of each consortium, in the plan's order."""
    homes: dict[str, list[PartyId]] = {}
    for each in seating.parties:
        homes.setdefault(seating.consortia[each], []).append(each)
    place = homes[seating.consortia[party]].index(party)
    return tuple(parties[place] for parties in homes.values())


def agree_columns(session: Session, own: Schema, dataset: DatasetConfig) -> None:
    """Raise `PlanRefused` naming the counterparts whose columns are others than this party's."""
    others = _others(session)
    session.send_all(others, CounterpartColumns(Digest(schema_digest(own))))
    told = session.gather(others, CounterpartColumns)
    refuse_difference(own, {party: message.digest for party, message in told.items()}, dataset)


class Crossing:
    """One party's seat at the sums over its place. Opening it agrees the group's key with the others."""

    def __init__(self, session: Session, plan: Plan) -> None:
        members = counterparts(session.seating, session.me)
        scheme = protection(plan.sum.protection, seeded=plan.sum.seeded)
        self._session = session
        self._noise = plan.privacy.noise_multiplier if plan.privacy.unit == "party" else None
        self._clip = plan.sum.clip
        self._patience = plan.deadlines.run_seconds
        self.sums: Sums = SecureSum(session, members, scheme, noisy=self._noise is not None)
        self._weight: float | None = None

    def meet(self, number: int) -> None:
        """Wait until the counterparts' consortia too have ended the fit of round `number`.

        At most as long as the plan gives the whole round: a message's patience is not made for a fit. So a
        sum begins when all its members are here, and its own messages need no more than that patience.
        """
        others = _others(self._session)
        self._session.send_all(others, Fitted(number))
        for party in others:
            if self._session.receive(party, Fitted, patience=self._patience).number != number:
                raise MessageRefused("Fitted: of another round", party=party)

    def mean_change(self, number: int, change: Private[Floats], rows: int) -> Floats:
        """The mean of all counterparts' changes (d,) in round `number`, each cut to an L2 norm of sum.clip.

        Without noise it is weighed by the consortia's training `rows`, of which the sum becomes known; with
        noise all weigh the same, and no number of rows is told.
        """
        cut = Private(cut_to_norm(change.open_locally(), self._clip))
        label = f"round {number}"
        if self._noise is not None:
            return self.sums.noisy_total(label, cut, self._clip, self._noise) / len(self.sums.members)
        return self.sums.mean(label, cut, self._clip, self._share(rows))

    def _share(self, rows: int) -> float:
        """This consortium's share of all training rows."""
        if self._weight is None:
            total = self.sums.counts("training rows", Private(np.array([rows], dtype=np.int64)), MOST_ROWS)
            self._weight = rows / int(total[0])
        return self._weight


def cut_to_norm(values: npt.NDArray[np.float64], clip: float) -> Floats:
    """`values` (n,), scaled down where their L2 norm exceeds `clip`."""
    norm = float(np.linalg.norm(values))
    scaled: Floats = values * (clip / norm) if norm > clip else values
    return scaled


def _others(session: Session) -> tuple[PartyId, ...]:
    return tuple(party for party in counterparts(session.seating, session.me) if party != session.me)
