"""The service's log: JSON lines without data, in files that are bounded and for their owner only.

What a line says are words of this program, names, counts and causes that the other roles of a round may hear
as well: no row, no value, no key, no path, and no column that a plan does not name. A caller that has more to
say to its own people says it elsewhere.

    {"time": "2026-11-27T08:00:01.250Z", "level": "info", "event": "round-finished", "code": null,
     "run": "20261127-…", "peer": null, "counts": {}, "sentence": "20261127-… is finished"}
"""

from __future__ import annotations

import datetime as dt
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from federation import files
from federation.exchange.frames import plain_cause

Level: TypeAlias = Literal["info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("info", "warning", "error")

#: The newest lines and the files before it: five of at most 4 MB.
_MOST_BYTES, _MOST_FILES = 4 << 20, 5


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `event`: what, in a word that programs may look for; `code`: of an error, its
    kind (`crypto.codes`)."""

    event: str
    sentence: str
    level: Level = "info"
    run: str | None = None
    peer: str | None = None
    counts: Mapping[str, float] = field(default_factory=dict)
    code: str | None = None

    def line(self, at: dt.datetime) -> str:
        """The event as a line of the log, without its end."""
        facts: dict[str, Any] = {
            "time": at.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": self.level,
            "event": self.event,
            "code": self.code,
            "run": self.run,
            "peer": self.peer,
            "counts": dict(self.counts),
            "sentence": plain_cause(self.sentence),
        }
        return json.dumps(facts, ensure_ascii=False, allow_nan=False)


def log_files(path: Path) -> list[Path]:
    """The log's files that there are, the oldest first; `path` itself is the newest."""
    return [each for number in range(_MOST_FILES - 1, -1, -1) if (each := _numbered(path, number)).exists()]


class EventLog:
    """Writes events to `path`, and passes each line to `also`. Safe from several threads.

    A line that the disk does not take is lost, and counted: the service goes on. Once there is room a line
    says how many are missing.
    """

    def __init__(
        self,
        path: Path,
        also: Callable[[str], None] = lambda line: None,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self.path = path
        self._also, self._clock, self._most = also, clock, most_bytes
        self._lock = threading.Lock()
        self.lost = 0  # lines since the start that were not written
        self._untold = 0

    def note(self, event: Event) -> None:
        """Write one line."""
        with self._lock:
            now = self._clock()
            line = event.line(now)
            try:
                if self._untold:
                    missing = f"{self._untold} lines of this log could not be written"
                    gap = Event("lines-lost", missing, "warning", counts={"lines": self._untold})
                    self._append(gap.line(now))
                    self._untold = 0
                self._append(line)
            except OSError:
                self.lost += 1
                self._untold += 1
            self._also(line)

    def _append(self, line: str) -> None:
        data = line.encode() + b"\n"
        files.make_folder(self.path.parent, 0o700)
        self._make_room(len(data))
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            whole = os.fstat(descriptor).st_size
            if os.write(descriptor, data) != len(data):
                os.ftruncate(descriptor, whole)
                raise OSError("half a line")
        finally:
            os.close(descriptor)

    def _make_room(self, size: int) -> None:
        if not self.path.exists() or self.path.stat().st_size + size <= self._most:
            return
        for number in range(_MOST_FILES - 2, -1, -1):
            if (older := _numbered(self.path, number)).exists():
                older.replace(_numbered(self.path, number + 1))


def _numbered(path: Path, number: int) -> Path:
    return path if number == 0 else path.with_name(f"{path.stem}.{number}{path.suffix}")
