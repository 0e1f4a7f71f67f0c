"""What a party writes into its ledger of a round that it takes part in, and who witnesses it.

    plan -> witnessed by all -> round ... -> model -> opening -> close -> witnessed again

`federation.ledger.run` tells the entries, `federation.ledger.checkpoint` what the others learn by it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from crypto.errors import IsthmusError
from federation.governance.guard.party import Evidence
from federation.ledger.entries import Value
from federation.ledger.keeping import ground_digest
from federation.ledger.run import FAILED, FINISHED, RunLog
from federation.session import Session
from parties import model_folder
from parties.governance.canaries import Canaries
from parties.home import PartyHome
from parties.round.acceptance import Accepted


def plan_entry(accepted: Accepted, ground: Evidence, commitment: str) -> Mapping[str, Value]:
    """What the `plan` entry says of an accepted order, besides its run and attempt.

    `ground`: what the guard decides by. `commitment`: to the planted records.
    """
    order, authorisation = accepted.order, accepted.authorisation
    return {
        "plan": order.plan.digest.hex(),
        "order": order.digest,
        "verdict": ground_digest(ground.policy.encode(), ground.entities),
        "grants": [grant.id for grant in authorisation.grants],
        "manifest": authorisation.manifest.digest,
        "commitment": commitment,
    }


class Notary:
    """Keeps the ledger of one attempt at a round at a party. `folder`: the round's."""

    def __init__(self, home: PartyHome, accepted: Accepted, folder: Path, canaries: Canaries) -> None:
        order = accepted.order
        self._accepted = accepted
        self._canaries = canaries
        self._begun = False
        self._folder = folder
        self._log = RunLog(
            home.ledger(),
            home.identity(),
            order.roster.federation,
            order.run,
            order.attempt,
            folder / "journal.jsonl",
        )

    def begin(self, ground: Evidence) -> None:
        """Write down the accepted order and what its guard decides by, before anything leaves."""
        self._log.begin(plan_entry(self._accepted, ground, self._canaries.commitment))
        self._begun = True

    def open(self, session: Session) -> None:
        """Have every other role witness it, before the first step of the protocol."""
        self._log.witnessed(session)

    def round(self, number: int) -> None:
        """A training round begins."""
        self._log.round(number)

    def finish(self, session: Session) -> None:
        """The round is done here: write down its model and its end, and have both witnessed.

        The others may take as long as the whole round may: what one party evaluates others do not wait for
        otherwise.
        """
        if model_folder.is_saved(self._folder):
            self._log.add("model", sha256=model_folder.model_hash(self._folder))
        self._open_canaries()
        self._log.close(FINISHED)
        self._log.witnessed(session, float(self._accepted.order.plan.deadlines.run_seconds))

    def fail(self) -> None:
        """The round ended in a failure here. A ledger that cannot be written hides no first cause."""
        with contextlib.suppress(IsthmusError, OSError):
            self._open_canaries()
        with contextlib.suppress(IsthmusError, OSError):
            self._log.close(FAILED)

    def _open_canaries(self) -> None:
        """Tell what was planted and how often it was found; once, and only where it was committed to."""
        if self._begun:
            self._begun = False
            opened = self._canaries.open(self._folder, self._accepted.order.attempt)
            self._log.add("opening", sha256=opened, hits=self._canaries.hits)
