"""While a round goes on: is everything still in force that it was accepted on? Asked before each message."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from federation.errors import IsthmusError
from federation.governance.authorisation import Lapse
from federation.governance.covering import told_time
from federation.governance.grant import Grant
from federation.governance.manifest import Manifest
from parties.governance.shelf import Shelf

#: From when on something no longer holds, and what is said then.
Ends = tuple[tuple[dt.datetime, Lapse], ...]


def rights_of(manifest: Manifest) -> Ends:
    """When each of the three rights runs out that has a last day; days are in UTC, as grants' are."""
    ends = []
    for name in ("holding", "processing", "operating"):
        until = getattr(manifest.dataset.rights, name).until
        if until is not None:
            after = dt.datetime.combine(until + dt.timedelta(days=1), dt.time(), dt.UTC)
            told = "a right to the data has run out"
            ends.append((after, Lapse(f"the {name} right ran out on {until}", told)))
    return tuple(ends)


@dataclass
class Watch:
    """Whether a grant was taken back, the manifest was changed, or a grant or a right ran out.

    It looks at the disk each time that it is asked (70 microseconds), so that the very next message stops.
    All grants of a run are of one dataset.
    """

    shelf: Shelf
    grants: tuple[Grant, ...]
    rights: Ends = ()
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)

    def __post_init__(self) -> None:
        self._files: list[tuple[str, Path, Path]] = [
            (each.id, self.shelf.revocation_file(each.id), self.shelf.grant_file(each.id))
            for each in self.grants
        ]
        ends = [*self.rights, *((each.valid_until, _ran_out(each)) for each in self.grants)]
        self._ends = min(ends, key=lambda end: end[0], default=None)
        self._read: bytes | None = None  # The manifest's file, when it was found to be as granted.
        self._found: Lapse | None = None
        self._lock = threading.Lock()

    def revoked(self) -> Lapse | None:
        """What is no longer in force, or None. What was found once stays."""
        with self._lock:
            if self._found is None and self._ends is not None and self.clock() >= self._ends[0]:
                self._found = self._ends[1]
            if self._found is None:
                lapses = (*map(self._lapse, self._files), *map(self._changed, self.grants[:1]))
                self._found = next(filter(None, lapses), None)
            return self._found

    def _lapse(self, files: tuple[str, Path, Path]) -> Lapse | None:
        """A revocation stops the run by being there, whatever is in it; so does a grant that was removed."""
        name, taken_back, grant = files
        if taken_back.exists():
            return _named(f"grant {name} was revoked on {told_time(self._revoked_at(name))}")
        if not grant.exists():
            return _named(f"grant {name} was taken out of its folder before {told_time(self.clock())}")
        return None

    def _changed(self, grant: Grant) -> Lapse | None:
        """Whether the manifest is no longer the one that was granted; comments apart, as for a grant."""
        try:
            file = self.shelf.manifest_file(grant.dataset)
            data = file.read_bytes()
            if data == self._read:
                return None
            if self.shelf.manifest(grant.dataset).digest == grant.manifest_sha256:
                if file.read_bytes() == data:  # So that what is kept is what was checked.
                    self._read = data
                return None
            what = f"the manifest was changed after grant {grant.id} was signed"
        except (IsthmusError, OSError):
            what = f"the manifest that grant {grant.id} stands on is gone, or cannot be read"
        return _named(what)

    def _revoked_at(self, name: str) -> dt.datetime:
        """As the owner signed it; where that cannot be read, now."""
        try:
            kept = self.shelf.grant(name)
        except (IsthmusError, OSError):
            return self.clock()
        return self.clock() if kept.revocation is None else kept.revocation.at


def _ran_out(grant: Grant) -> Lapse:
    return _named(f"grant {grant.id} ran out on {told_time(grant.valid_until)}")


def _named(what: str) -> Lapse:
    """Of a grant the others hear its name and when: they act under it too."""
    return Lapse(what, what)
