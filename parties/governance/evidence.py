"""The guard of one run at a party, and the file in which its verdicts stand before anything leaves by them.

In the run's folder, for the evidence pack: policy.cedar; entities.jsonl, a line for each attempt whose
manifest or grants were others; and verdicts.jsonl, a line for each distinct decision. A verdict that cannot
be written down (a full disk) lets nothing leave.
"""

from __future__ import annotations

import os
from pathlib import Path

from federation import files
from federation.governance.guard.party import Attempt, GuardPolicy, Needles
from parties.round.acceptance import Accepted

POLICY, ENTITIES, VERDICTS = "policy.cedar", "entities.jsonl", "verdicts.jsonl"


def guard_of(accepted: Accepted, folder: Path, needles: Needles | None = None) -> GuardPolicy:
    """What this party's exit asks in this attempt; the policy is written to the run's `folder` now.

    `needles`: the planted records that must not leave.
    """
    order = accepted.order
    attempt = Attempt(order.plan, order.run, accepted.seating.roles)
    guard = GuardPolicy(
        accepted.authorisation, attempt, order.party, needles=needles, note=_Lines(folder / VERDICTS).note
    )
    evidence = guard.evidence()
    files.write_private(folder / POLICY, evidence.policy.encode())
    _Lines(folder / ENTITIES).note(evidence.entities)
    return guard


class _Lines:
    """A file of distinct lines that grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = set(path.read_bytes().splitlines()) if path.exists() else set[bytes]()

    def note(self, line: bytes) -> None:
        """Write the line unless it is there."""
        if line not in self._known:
            _append(self._path, line)
            self._known.add(line)


def _append(path: Path, line: bytes) -> None:
    """One whole line more; what a full disk took of it is cut off again, and the OSError raised."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        before = os.fstat(descriptor).st_size
        if os.write(descriptor, line + b"\n") != len(line) + 1:
            os.ftruncate(descriptor, before)
            raise OSError(28, os.strerror(28), str(path))
    finally:
        os.close(descriptor)
