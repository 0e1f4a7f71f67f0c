"""What the aggregator writes into its own ledger of a round that it conducts; it witnesses the parties' too.

    plan -> witnessed by all -> close -> witnessed again

Its `plan` entry has the digest of the parties' orders, and of no manifest, grant or canary: it has no data.
`federation.ledger.run` tells the entries, `federation.ledger.checkpoint` what the others learn by it.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from crypto.errors import IsthmusError
from federation.coordinator.home import CoordinatorHome
from federation.governance.guard.party import Evidence
from federation.ids import PartyId
from federation.ledger.keeping import ground_digest
from federation.ledger.run import FAILED, FINISHED, NOTHING, RunLog
from federation.session import Seating, Session


class AggregatorNotary:
    """Keeps the aggregator's ledger of one attempt. `orders`: each party's order's digest, in hexadecimal."""

    def __init__(
        self, home: CoordinatorHome, seating: Seating, orders: Mapping[PartyId, str], journal: Path
    ) -> None:
        self._plan_digest = seating.plan_digest.hex()
        self._orders = [orders[party] for party in seating.parties]
        federation = home.settings().name
        self._log = RunLog(home.ledger(), home.identity(), federation, seating.run, seating.attempt, journal)

    def begin(self, ground: Evidence) -> None:
        """Write down what is conducted, and by which policy, before the session is opened."""
        orders = hashlib.sha256(b"".join(map(bytes.fromhex, self._orders))).hexdigest()
        self._log.begin(
            {
                "plan": self._plan_digest,
                "order": orders,
                "verdict": ground_digest(ground.policy.encode(), ground.entities),
                "grants": [],
                "manifest": NOTHING,
                "commitment": NOTHING,
            }
        )

    def witness(self, session: Session) -> None:
        """Have every party witness the ledger, and witness theirs."""
        self._log.witnessed(session)

    def finish(self, session: Session) -> None:
        """Every party has sent its receipt: write down the end, and have it witnessed."""
        self._log.close(FINISHED)
        self._log.witnessed(session)

    def fail(self) -> None:
        """The round ended in a failure. A ledger that cannot be written hides no first cause."""
        with contextlib.suppress(IsthmusError, OSError):
            self._log.close(FAILED)


@contextlib.contextmanager
def kept(
    home: CoordinatorHome, seating: Seating, orders: Mapping[PartyId, str], journal: Path
) -> Iterator[AggregatorNotary]:
    """The notary of an attempt, told when it fails."""
    notary = AggregatorNotary(home, seating, orders, journal)
    try:
        yield notary
    except BaseException:
        notary.fail()
        raise
