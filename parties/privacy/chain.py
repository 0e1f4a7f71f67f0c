"""A ledger's file: lines that follow each other by hash, and a head that says where they end.

    privacy/ledger.jsonl   append-only JSON lines, each with the SHA-256 of the line before it
    privacy/ledger.head    how many bytes of it stand, and the SHA-256 of the last line
    privacy/ledger.lock    held by the process that writes

What was spent under grants is kept so too: governance/spent.jsonl (`parties.governance.spending`).

The head is written after the line is durable. So lines beyond the head were left by a crash between the two:
whole ones count, since a charge may only be too high, and a torn last one was never acted on. A file that is
shorter than its head, or does not end where the head says, is not what this party wrote, and is refused.

Not found: both files put back together to an older state. Whoever can do that is the party (docs/privacy.md).
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crypto.codes import Code, of_system
from crypto.errors import Refusal, UsageError
from federation import files, locks

_NOTHING = bytes(32)
#: How long to wait for another process of this party to write, in seconds.
PATIENCE = 30.0
_PAUSE = 0.05


class LedgerRefused(Refusal):
    """The privacy ledger is not what this party wrote, or cannot be read; nothing can be charged to it."""

    code = Code.PRIVACY_LEDGER
    advice = (
        "Keep the folder privacy/ as evidence and restore it from a backup made after the last run. "
        "Without one, move it away and lower each budget by what the earlier runs spent."
    )


@dataclass(frozen=True, slots=True)
class Lines:
    """What stands in the ledger: parsed lines without their `previous`, and where they end."""

    lines: tuple[Mapping[str, Any], ...]
    size: int
    head: bytes


class Chain:
    """The file `stem`.jsonl in `folder`, for `party`. Reads need no lock; `writing` holds it.

    `what` is how sentences call it, and `refusal` the error for one that is not what this party wrote.
    """

    def __init__(
        self,
        folder: Path,
        party: str,
        stem: str = "ledger",
        what: str = "the privacy ledger",
        refusal: type[Refusal] = LedgerRefused,
    ) -> None:
        self.party = party
        self._folder, self._what, self._refusal = folder, what, refusal
        self.file, self._head_file = folder / f"{stem}.jsonl", folder / f"{stem}.head"
        self._lock_file = folder / f"{stem}.lock"

    def read(self) -> Lines:
        """All lines; `LedgerRefused` when they are not what was written. No file at all is no line."""
        try:
            # The head first: another process may append a line in between, but never takes one away.
            told = self._head_file.read_bytes() if self._head_file.exists() else None
            data = self.file.read_bytes() if self.file.exists() else None
        except OSError as error:
            raise self._refused(f"cannot be read ({error.strerror or type(error).__name__})") from None
        if told is None:
            if data is not None:
                raise self._refused("has lost its head file")
            return Lines((), 0, _NOTHING)
        size, head = self._parse_head(told)
        if data is None and size:
            raise self._refused("is missing")
        return self._parse(data or b"", size, head)

    @contextlib.contextmanager
    def writing(self) -> Iterator[Lines]:
        """Hold the lock while a charge is decided and written; `UsageError` when another process keeps it."""
        with contextlib.ExitStack() as stack:
            deadline = time.monotonic() + PATIENCE
            while True:
                try:
                    files.make_folder(self._folder, files.SECRET_FOLDER)
                    held = locks.held(self._lock_file, "a charge", "isthmus party stop")
                    stack.enter_context(held)
                    break
                except UsageError:
                    if time.monotonic() > deadline:
                        raise UsageError(
                            f"waited {PATIENCE:g} s for another process that writes {self._what}",
                            party=self.party,
                            file=str(self.file),
                            advice=f"See which process of this party holds {self._lock_file.name} there, "
                            "then try again.",
                            code=Code.FOLDER_HELD,
                        ) from None
                    time.sleep(_PAUSE)
            yield self.read()

    def append(self, after: Lines, line: Mapping[str, Any]) -> None:
        """Write one line behind `after` and make it durable. Only inside `writing`.

        Raises `UsageError` when the disk is full or refuses; the line does not stand then.
        """
        text = files.canonical_json({"previous": after.head.hex(), **line})
        if not self._head_file.exists():
            self._write_head(0, _NOTHING)
        try:
            self._write(after.size, text + b"\n")
        except OSError as error:
            raise UsageError(
                f"{self._what} cannot be written: {error.strerror or type(error).__name__}",
                party=self.party,
                file=str(self.file),
                advice="Free space on that disk, or mend the rights on that folder; nothing was charged.",
                code=of_system(error),
            ) from None
        self._write_head(after.size + len(text) + 1, hashlib.sha256(text).digest())

    def _write(self, size: int, data: bytes) -> None:
        descriptor = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, files.SECRET_FILE)
        try:
            os.ftruncate(descriptor, size)  # A torn line, which was never acted on.
            try:
                if os.pwrite(descriptor, data, size) != len(data):
                    raise OSError(errno.ENOSPC, "the disk took only a part of a line")
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
        files.sync_folder(self._folder)  # So that a file that was just made is there after a power cut.

    def _write_head(self, size: int, head: bytes) -> None:
        files.write_private(self._head_file, files.canonical_json({"bytes": size, "head": head.hex()}))

    def _parse_head(self, told: bytes) -> tuple[int, bytes]:
        try:
            fields = json.loads(told)
            size, head = fields["bytes"], bytes.fromhex(fields["head"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self._refused("has a head file that cannot be read") from None
        if type(size) is not int or size < 0 or len(head) != len(_NOTHING):
            raise self._refused("has a head file that cannot be read")
        return size, head

    def _parse(self, data: bytes, size: int, head: bytes) -> Lines:
        if len(data) < size:
            raise self._refused("is shorter than it was")
        whole = data[: max(size, data.rfind(b"\n") + 1)]
        lines, end, last, met = [], 0, _NOTHING, size == 0 and head == _NOTHING
        for number, text in enumerate(whole.splitlines(keepends=True), start=1):
            lines.append(self._line(number, text, last))
            end, last = end + len(text), hashlib.sha256(text[:-1]).digest()
            met = met or (end == size and last == head)
        if not met:
            raise self._refused("does not end where its head file says")
        return Lines(tuple(lines), end, last)

    def _line(self, number: int, text: bytes, last: bytes) -> Mapping[str, Any]:
        try:
            fields = json.loads(text)
            previous = bytes.fromhex(fields.pop("previous"))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise self._refused(f"cannot be read at line {number}") from None
        if previous != last or not text.endswith(b"\n"):
            raise self._refused(f"was changed before or at line {number}")
        if not isinstance(fields, dict):
            raise self._refused(f"cannot be read at line {number}")
        return fields

    def _refused(self, what: str) -> Refusal:
        return self._refusal(f"{self._what} {what}", party=self.party, file=str(self.file))
