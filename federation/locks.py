"""One process for one folder: a lock that also tells which process holds it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crypto.codes import Code
from federation.errors import UsageError


@contextmanager
def held(path: Path, what: str, stop_command: str) -> Iterator[None]:
    """An exclusive lock on `path`, holding this process's id; `UsageError` when another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            process = _named(descriptor)
            raise UsageError(
                f"{what} in this folder is running already"
                + (f", as process {process}" if process is not None else ""),
                file=str(path.parent),
                advice=f"Stop it with `{stop_command}` before you start it again.",
                code=Code.FOLDER_HELD,
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def holder(path: Path) -> int | None:
    """The process that holds `path`, or None when nobody does."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _named(descriptor)
    finally:
        os.close(descriptor)
    return None


def _named(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).decode("ascii", "ignore")
    return int(text) if text.isdigit() else None
