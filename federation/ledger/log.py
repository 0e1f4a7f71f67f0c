"""A role's log on its disk: entries that are only ever added, under an RFC 6962 root.

    ledger/log.jsonl              one entry a line (`federation.ledger.entries`), mode 0600
    ledger/head                   the last signed checkpoint: what the file must still agree with
    ledger/checkpoints/SIZE.note  every signed checkpoint, with the cosignatures that it got
    ledger/witnessed/             what this role last saw of the others' logs (`federation.ledger.witness`)

Several processes may add entries: a command while the node runs. Each does so under a lock on the file,
having read what the others added. An entry is written whole or not at all; a line that a killed process left
without its end was never acknowledged, and is cut off.

What is written is found changed, dropped or put elsewhere when the log is opened, up to the last checkpoint.
Who holds the file and the key can write another log, and sign it: that the other roles saw this one is what
shows it then.
"""

from __future__ import annotations

import datetime as dt
import errno
import fcntl
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crypto import note
from crypto.codes import Code, of_system
from crypto.identity import Identity, PublicIdentity, SignatureRefused
from crypto.merkle import Tree, leaf_hash
from crypto.note import Checkpoint, NoteMalformed
from federation import files
from federation.errors import Refusal, UsageError
from federation.ledger.entries import EntryBytes, Value, entry, parsed

_FEDERATION = re.compile(r"[A-Za-z0-9._-]{1,80}")


class LedgerCorrupt(Refusal):
    """The log's file is not what this role wrote."""

    code = Code.LEDGER
    advice = "Keep the file as evidence, and restore the ledger's folder from a backup that is no older."


def origin(federation: str, role: str) -> str:
    """The name under which a role's log is known to the others."""
    return f"isthmus/{federation}/{role}"


def check_federation(name: str) -> None:
    """Raise `UsageError` for a name of a federation under which no log can be known."""
    if not _FEDERATION.fullmatch(name):
        raise UsageError(
            "a federation's name is of 1 to 80 letters, digits, dots, hyphens and underscores",
            advice="Choose such a name: the members' ledgers are known by it.",
        )


class Ledger:
    """The log in `folder`, of the role that `origin` names.

    Raises `LedgerCorrupt` where it does not agree with its last checkpoint. `owner`: whose signature that
    must bear, where it is known here.
    """

    def __init__(
        self,
        folder: Path,
        origin: str,
        owner: PublicIdentity | None = None,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self.folder = folder
        self.origin = origin
        self._clock = clock
        self._tree = Tree()
        self._read = 0  # bytes of the file that the tree is over
        self._threads = threading.RLock()
        with self._held():
            self._check_head(owner)

    @property
    def size(self) -> int:
        """How many entries there are, those of other processes included."""
        with self._held():
            return self._tree.size

    def append(self, kind: str, **fields: Value) -> int:
        """Add an entry of this time and give its index. `UsageError` for what may not be in one, or a full
        disk; nothing was written then. It is durable after `sync` or `checkpoint`."""
        line = entry(kind, f"{self._clock():%Y-%m-%dT%H:%M:%SZ}", **fields)
        with self._held() as descriptor:
            try:
                if os.pwrite(descriptor, line + b"\n", self._read) != len(line) + 1:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            except OSError as error:
                os.ftruncate(descriptor, self._read)
                raise self._unwritable(error) from None
            self._read += len(line) + 1
            return self._tree.append(leaf_hash(line))

    def sync(self) -> None:
        """Make what was added so far durable."""
        with self._held() as descriptor:
            os.fsync(descriptor)

    def root(self, size: int | None = None) -> bytes:
        """The RFC 6962 root over the first `size` entries, or over all (32 bytes)."""
        with self._held():
            return self._tree.root(size)

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """The proof that entry `index` is among the first `size`."""
        with self._held():
            return self._tree.inclusion(index, size)

    def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """The proof that the first `old` entries begin the first `new`."""
        with self._held():
            return self._tree.consistency(old, new)

    def entries(self) -> list[EntryBytes]:
        """All entries, in order."""
        with self._held() as descriptor:
            return os.pread(descriptor, self._read, 0).split(b"\n")[:-1]

    def checkpoint(self, identity: Identity, name: str | None = None) -> str:
        """Make the log durable and sign its state; the note is kept. `name`: the origin, unless given."""
        with self._held() as descriptor:
            os.fsync(descriptor)
            state = Checkpoint(self.origin, self._tree.size, self._tree.root())
            signed = note.sign(state, identity, name or self.origin)
            self.write(self.note_file(state.size), signed)
            self.write(self.head_file, signed)
            return signed

    def keep(self, cosigned: str) -> None:
        """Keep a checkpoint of this log with the cosignatures that it got, in the place of the bare one."""
        with self._held():
            self.write(self.note_file(note.read(cosigned).size), cosigned)

    @property
    def file(self) -> Path:
        """The entries."""
        return self.folder / "log.jsonl"

    @property
    def head_file(self) -> Path:
        """The last signed checkpoint."""
        return self.folder / "head"

    def note_file(self, size: int) -> Path:
        """The checkpoint over `size` entries."""
        return self.folder / "checkpoints" / f"{size}.note"

    def write(self, path: Path, text: str) -> None:
        """Write a file of this folder whole, mode 0600; `UsageError` naming the role where that fails."""
        try:
            files.write_private(path, text.encode())
        except UsageError as error:
            error.party = self._role
            raise

    # -- the file ----------------------------------------------------------------------------------

    @contextmanager
    def _held(self) -> Iterator[int]:
        """The file's descriptor, locked, and the tree up to date with it."""
        with self._threads:
            try:
                files.make_folder(self.folder, files.SECRET_FOLDER)
                descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, files.SECRET_FILE)
            except OSError as error:
                raise self._unwritable(error) from None
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self._catch_up(descriptor)
                yield descriptor
            finally:
                os.close(descriptor)

    def _catch_up(self, descriptor: int) -> None:
        """Read what other processes have added, and cut off a line without its end."""
        length = os.fstat(descriptor).st_size
        if length < self._read:
            raise self._corrupt(f"it lost entries while it was open; it had {self._tree.size}")
        if length == self._read:
            return
        added = os.pread(descriptor, length - self._read, self._read)
        whole = added[: added.rfind(b"\n") + 1]
        for line in whole.split(b"\n")[:-1]:
            try:
                parsed(line)
            except UsageError:
                raise self._corrupt(f"entry {self._tree.size} is not what this program writes") from None
            self._tree.append(leaf_hash(line))
        self._read += len(whole)
        if len(whole) < len(added):
            os.ftruncate(descriptor, self._read)

    def _check_head(self, owner: PublicIdentity | None) -> None:
        """Raise `LedgerCorrupt` where the file is not over what the last checkpoint was."""
        if not self.head_file.exists():
            return
        try:
            text = files.read(self.head_file).decode("utf-8", "replace")
            head = note.read(text) if owner is None else note.opened(text, owner)
        except (NoteMalformed, SignatureRefused):
            raise self._corrupt("its last checkpoint is not one that this role signed") from None
        if head.size > self._tree.size:
            raise self._corrupt(
                f"entry {self._tree.size} is missing, the first of {head.size - self._tree.size} at the end"
            )
        if self._tree.root(head.size) != head.root:
            raise self._corrupt(f"{self._first_changed(head.size)} was changed, dropped or put elsewhere")

    def _first_changed(self, end: int) -> str:
        """The first entry that is not what was signed, or the few between two checkpoints it is among."""
        start = 0
        for size in sorted(int(path.stem) for path in self.folder.glob("checkpoints/*.note")):
            if size > end:
                break
            kept = note.read(files.read(self.note_file(size)).decode("utf-8", "replace"))
            if self._tree.root(size) != kept.root:
                end = size
                break
            start = size
        return f"entry {start}" if end - start == 1 else f"an entry from {start} to {end - 1}"

    @property
    def _role(self) -> str:
        return self.origin.rpartition("/")[2]

    def _corrupt(self, what: str) -> LedgerCorrupt:
        return LedgerCorrupt(f"the ledger of {self.origin}: {what}", party=self._role, file=str(self.file))

    def _unwritable(self, error: OSError) -> UsageError:
        return UsageError(
            f"cannot write the ledger: {error.strerror or type(error).__name__}",
            party=self._role,
            file=str(self.file),
            advice="Free space on that disk, or restore the folder's modes; nothing was half-written.",
            code=of_system(error),
        )
