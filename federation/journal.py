"""The local journal: one line for every frame that left this role, written before it leaves.

Append-only JSON lines. Each line holds the SHA-256 of the line before it, so a changed, dropped or
reordered line is found by `verify`. A line holds the frame's type, size, digest, recipient and purpose, and
what the guard bound it to: never its content. A line that was not written to its end never let its frame
leave; it is cut off again, at once or, where the process was killed in it, when the journal is opened next.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from crypto.codes import Code
from federation import files
from federation.errors import Refusal
from federation.ids import PartyId

#: Bytes at the end of a journal that are looked at first: more than a line has.
_TAIL = 1 << 16
_SYNC_SECONDS = 1.0


class JournalCorrupt(Refusal):
    """The journal is not what this role wrote."""

    code = Code.JOURNAL
    advice = "Keep the file as evidence and compare it with a backup."


@dataclass(frozen=True, slots=True)
class Entry:
    """One frame: what kind, to whom, how many bytes sealed, the sealed bytes' SHA-256, and what for.

    Then the guard's: in what form, under which grants, of whose fields (the lineage's SHA-256), by which
    verdict (its SHA-256), and the frame's number in the run. Empty in journals of versions without a guard.
    """

    type: str
    to: PartyId
    size: int
    sha256: str
    purpose: str
    form: str = ""
    grants: tuple[str, ...] = ()
    lineage: str = ""
    verdict: str = ""
    number: int = -1


class Journal(Protocol):
    """Where the exit writes down each frame before it leaves."""

    def append(self, entry: Entry) -> None:
        """Write one line. What it raises keeps the frame from leaving."""


class MemoryJournal:
    """A journal for tests and benchmarks."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def append(self, entry: Entry) -> None:
        """Keep one entry."""
        self.entries.append(entry)


class FileJournal:
    """The journal of one run in a file of mode 0600.

    `close` makes it durable, and `append` what is older than a second: to a grant's limit of bytes a power
    loss can hide no more than that.
    """

    def __init__(self, path: Path) -> None:
        """Raises `JournalCorrupt` for a file that is not a journal with at most half a line at its end."""
        self._lock = threading.Lock()
        if path.exists():
            _cut_to_whole_lines(path)
        new = not path.exists()
        self._head = bytes(32) if new else verify(path)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if new:
            files.sync_folder(path.parent)
        self._synced = time.monotonic()
        self.path = path

    def append(self, entry: Entry) -> None:
        """Write one line. An OSError (a full disk) reaches the caller, and nothing is sent then."""
        with self._lock:
            line = json.dumps({"previous": self._head.hex(), **asdict(entry)}, ensure_ascii=True).encode()
            whole = os.fstat(self._file).st_size
            if os.write(self._file, line + b"\n") != len(line) + 1:
                os.ftruncate(self._file, whole)
                raise OSError(errno.ENOSPC, "the disk took only a part of a journal line", str(self.path))
            self._head = hashlib.sha256(line).digest()
            if time.monotonic() > self._synced + _SYNC_SECONDS:
                os.fsync(self._file)
                self._synced = time.monotonic()

    @property
    def head(self) -> bytes:
        """The SHA-256 of the last line: 32 zero bytes when there is none."""
        return self._head

    def close(self) -> None:
        """Make the lines durable and close the file."""
        os.fsync(self._file)
        os.close(self._file)


def _cut_to_whole_lines(path: Path) -> None:
    """Cut off half a line at the end: what a kill or a power cut left of one."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        from_, tail = size, b""
        while from_ > 0 and b"\n" not in tail:
            from_ = max(0, from_ - _TAIL)
            tail = os.pread(descriptor, size - from_, from_)
        whole = from_ + tail.rfind(b"\n") + 1
        if whole != size:
            os.ftruncate(descriptor, whole)
    finally:
        os.close(descriptor)


def read(path: Path) -> list[Entry]:
    """All entries of a journal that verifies."""
    verify(path)
    entries = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        fields = json.loads(line)
        del fields["previous"]
        try:
            entries.append(Entry(**{**fields, "grants": tuple(fields.get("grants", ()))}))
        except TypeError:
            raise JournalCorrupt(f"line {number} is not an entry", file=str(path)) from None
    return entries


def verify(path: Path) -> bytes:
    """Raise `JournalCorrupt` naming the first line that does not follow; return the head's digest.

    A change to the last line, or lines missing at the end, show in the head only: compare it with the one
    in the party's receipt.
    """
    head = bytes(32)
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
        try:
            previous = bytes.fromhex(json.loads(line)["previous"])
        except (ValueError, KeyError, TypeError):
            raise JournalCorrupt(f"line {number} cannot be read", file=str(path)) from None
        if previous != head:
            raise JournalCorrupt(f"line {number} does not follow the line before it", file=str(path))
        if not line.endswith(b"\n"):
            raise JournalCorrupt(f"line {number} was not written to its end", file=str(path))
        head = hashlib.sha256(line[:-1]).digest()
    return head
