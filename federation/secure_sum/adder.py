"""The aggregator's side of a protected sum: it adds vectors that it cannot open, and holds no key."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from crypto.sealed import WireRefused
from crypto.summation.protection import MOST_MEMBERS, Protection, SealedVector
from federation.errors import PeerSilent
from federation.ids import PartyId
from federation.message import Digest
from federation.messages.sum import Total, Upload, vector_digest
from federation.session import Session

#: The most sums that one member may have begun and not seen the end of: it holds what it uploads in memory.
_MOST_OPEN = 4


@dataclass
class _Open:
    """A sum that waits for vectors."""

    since: float
    vectors: dict[PartyId, SealedVector] = field(default_factory=dict)


class Adder:
    """Takes each member's upload, and tells all members the sum when the last one is here. Thread-safe."""

    def __init__(self, session: Session, scheme: Protection) -> None:
        self._session = session
        self._scheme = scheme
        self._lock = threading.Lock()
        self._open: dict[tuple[Digest, tuple[PartyId, ...]], _Open] = {}
        self._ended: set[Digest] = set()
        self._pausing = False

    def pause(self) -> None:
        """Ask the members, with the next sum over all of them, to stop where its step ends."""
        self._pausing = True

    def take(self, sender: PartyId, upload: Upload) -> None:
        """One upload. `WireRefused` naming the sender when it does not belong to a sum of its members."""
        self._check_members(sender, upload)
        key = (upload.label, upload.members)
        with self._lock:
            if upload.label in self._ended:
                raise WireRefused("Upload: of a sum that was told already", party=sender)
            waiting = self._open.setdefault(key, _Open(time.monotonic()))
            self._check_vector(sender, upload.vector, waiting)
            if sender in waiting.vectors:
                raise WireRefused("Upload: a second one of one sum", party=sender)
            if sum(sender in other.vectors for other in self._open.values()) >= _MOST_OPEN:
                raise WireRefused("Upload: too many sums at once", party=sender)
            waiting.vectors[sender] = upload.vector
            if len(waiting.vectors) < len(upload.members):
                return
            del self._open[key]
            self._ended.add(upload.label)
        self._tell(upload, [waiting.vectors[member] for member in upload.members])

    def check_waits(self, patience: float) -> None:
        """Raise `PeerSilent` naming the members whose vectors a sum has waited for longer than `patience`."""
        with self._lock:
            for (_, members), waiting in self._open.items():
                if time.monotonic() - waiting.since > patience:
                    missing = [member for member in members if member not in waiting.vectors]
                    raise PeerSilent(", ".join(missing), "sending its part of a sum", patience)

    def _check_members(self, sender: PartyId, upload: Upload) -> None:
        members = upload.members
        known = set(members) <= set(self._session.seating.parties)
        distinct = len(set(members)) == len(members) and 2 <= len(members) <= MOST_MEMBERS
        if sender not in members or not distinct or not known:
            raise WireRefused("Upload: not over members of this session", party=sender)

    def _check_vector(self, sender: PartyId, vector: SealedVector, waiting: _Open) -> None:
        """Here, where its sender is known, and not when all are added."""
        first = next(iter(waiting.vectors.values()), vector)
        try:
            self._scheme.check(vector, first.count)
        except WireRefused as error:
            error.party = sender
            raise

    def _tell(self, upload: Upload, vectors: list[SealedVector]) -> None:
        weights = [1] * len(vectors) if self._scheme.weighs else None
        total = self._scheme.add(vectors, weights)
        digests = tuple(vector_digest(vector) for vector in vectors)
        # Not with a sum over some of them: the others would not stop at the same step.
        pause = self._pausing and len(upload.members) == len(self._session.seating.parties)
        self._session.send_all(upload.members, Total(upload.label, digests, total, pause))
