"""What a role writes of one attempt at a round into its log, and when the others witness it.

    plan     before anything leaves: durable, and witnessed by every other role before the first step
    round    as each training round begins: the guard log so far
    received for each other role how many envelopes came from it, and their digest: held against its guard log
    ...      what the role's own side adds: a party's model, the opening of its canaries
    close    the end, and the guard log's last state: witnessed again where the round was finished

The guard log is the run's journal, of all attempts so far. `lines` counts its lines, `root` is the RFC 6962
root over them (without their line ends), `bytes` the sum of their sizes: what left this role, sealed. What
witnesses the close itself is sent after it, so a journal goes on a little after the last close. An attempt
without a close is one whose process was killed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from crypto.identity import Identity
from crypto.merkle import Tree, leaf_hash
from federation.ids import RunId
from federation.ledger.checkpoint import exchange
from federation.ledger.entries import Value
from federation.ledger.log import Ledger
from federation.session import Session

#: What stands where there is nothing to name, as an aggregator's manifest: the SHA-256 of no bytes.
NOTHING = hashlib.sha256().hexdigest()

FINISHED, FAILED = "finished", "failed"


class GuardLog:
    """A run's journal as a growing RFC 6962 list of its lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tree = Tree()
        self._read = 0
        self.bytes = 0

    def update(self) -> None:
        """Read the lines that were written since."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        for line in whole.split(b"\n")[:-1]:
            self._tree.append(leaf_hash(line))
            self.bytes += int(json.loads(line)["size"])
        self._read += len(whole)

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return self._tree.size

    @property
    def root(self) -> str:
        """The root over them, in hexadecimal."""
        return self._tree.root().hex()


class RunLog:
    """One attempt at one round in a role's log. `journal`: the run's."""

    def __init__(
        self, ledger: Ledger, identity: Identity, federation: str, run: RunId, attempt: int, journal: Path
    ) -> None:
        self._ledger = ledger
        self._identity = identity
        self._federation = federation
        self._of: Mapping[str, Value] = {"run": run, "attempt": attempt}
        self._guard_log = GuardLog(journal)
        self._begun = self._closed = False
        self._session: Session | None = None

    def begin(self, plan: Mapping[str, Value]) -> None:
        """Write `plan`, the order that was accepted, durably; nothing has left this role before."""
        self._ledger.append("plan", **self._of, **plan)
        self._ledger.sync()
        self._begun = True

    def witnessed(self, session: Session, patience: float | None = None) -> None:
        """Show the log to every other role and witness theirs; raises as `exchange` does."""
        self._session = session
        exchange(session, self._ledger, self._identity, self._federation, patience)

    def round(self, number: int) -> None:
        """Training round `number` begins."""
        self._guard_log.update()
        self.add("round", number=number, lines=self._guard_log.lines, root=self._guard_log.root)

    def add(self, kind: str, **fields: Value) -> None:
        """An entry of this attempt."""
        self._ledger.append(kind, **self._of, **fields)

    def close(self, state: str) -> None:
        """The attempt is over; once, and only where it began. What came in it is written down before."""
        if not self._begun or self._closed:
            return
        self._closed = True
        if self._session is not None:
            for party, heard in self._session.heard.items():
                self.add("received", party=party, count=heard.count, digest=heard.digest)
        guard_log = self._guard_log
        guard_log.update()
        self.add("close", lines=guard_log.lines, root=guard_log.root, bytes=guard_log.bytes, state=state)
        self._ledger.sync()
