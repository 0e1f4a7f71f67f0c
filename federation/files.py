"""Files that are never half-written, and keys that only their owner can read."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import re
import secrets
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto.codes import Code, of_system
from federation.errors import IsthmusError, UsageError

#: The mode of key files and of the folders that hold them.
SECRET_FILE, SECRET_FOLDER = 0o600, 0o700

#: The name of what `write` has not finished: .NAME.PROCESS.RANDOM
_UNFINISHED = re.compile(r"\..+\.([1-9][0-9]*)\.[0-9a-f]{8}")
#: The names that this process writes to now.
_writing: set[str] = set()


def write(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write to a temporary file beside `path`, make it durable, and rename it into place, durably too.

    Raises `UsageError` naming the file when the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    _writing.add(temporary.name)
    try:
        make_folder(path.parent)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise UsageError(
            f"cannot write: {error.strerror or type(error).__name__}",
            file=str(path),
            advice="Free space on that disk or choose another folder; nothing was half-written.",
            code=of_system(error),
        ) from None
    finally:
        _writing.discard(temporary.name)


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Make `folder`, with `mode`, and the folders above it that are missing; they outlast a power loss."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=mode, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable: that a file in it is, does not make its name so (fsync(2))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def swept(folder: Path) -> Iterator[None]:
    """`sweep` the folder now and again at the end."""
    sweep(folder)
    try:
        yield
    finally:
        sweep(folder)


def sweep(folder: Path) -> None:
    """Remove what killed processes left of their `write`s anywhere below `folder`; nothing else.

    The processes are those of this machine (or container). What a living one writes stays; so does what
    cannot be removed.
    """
    for place, _, names in os.walk(folder):
        for name in names:
            match = _UNFINISHED.fullmatch(name)
            if match is not None and name not in _writing and not _lives(int(match[1])):
                with contextlib.suppress(OSError):
                    Path(place, name).unlink()


def _lives(process: int) -> bool:
    """Whether another process lives. A killed one may have had this one's number, as in a container."""
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # Another user's.
        return True
    return True


def write_private(path: Path, data: bytes) -> None:
    """`write` with mode 0600: a file that only this user may read, replaced when it is there."""
    write(path, data, SECRET_FILE)


def write_secret(path: Path, data: bytes) -> None:
    """Write a key: mode 0600, in a folder of mode 0700. An existing key is never overwritten."""
    if path.exists():
        raise UsageError(
            "there is a key already",
            file=str(path),
            advice="Use another folder; a key is never replaced.",
            code=Code.KEY_EXISTS,
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(SECRET_FOLDER)
    write(path, data, SECRET_FILE)


def read_secret(path: Path) -> bytes:
    """Read a key; refuse one that others on this machine can read."""
    data = read(path)
    if path.stat().st_mode & 0o077:
        raise UsageError(
            "others on this machine can read this key",
            file=str(path),
            advice=f"Run `chmod 600 {path}` and find out who has read it.",
            code=Code.KEY_READABLE,
        )
    return data


def read(path: Path, advice: str = "Check the folder that you gave.") -> bytes:
    """The file's bytes, or a `UsageError` that names it."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UsageError(
            "there is no such file", file=str(path), advice=advice, code=Code.FILE_MISSING
        ) from None
    except OSError as error:
        raise UsageError(
            f"cannot read: {error.strerror or type(error).__name__}",
            file=str(path),
            advice=advice,
            code=of_system(error),
        ) from None


def sha256(path: Path, advice: str = "Check the folder that you gave.") -> str:
    """The SHA-256 of a file, in hexadecimal; a `UsageError` that names it where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(
            f"cannot read: {error.strerror or type(error).__name__}",
            file=str(path),
            advice=advice,
            code=of_system(error),
        ) from None


def canonical_json(value: Any) -> bytes:
    """One byte form for one value: sorted keys, no spaces, ASCII. What is signed and hashed."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode()


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON for people and programs, replaced when it is there."""
    write(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n")


def read_json(path: Path, advice: str | None = None) -> Any:
    """Parse a JSON file, or a `UsageError` that names it. NaN and infinities are no JSON."""
    data = read(path) if advice is None else read(path, advice)
    try:
        return json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise UsageError(
            "this is not JSON", file=str(path), advice=advice or restored(path), code=Code.FILE_DAMAGED
        ) from None


def restored(path: Path) -> str:
    """The next step where a file that Isthmus wrote is damaged and nothing but a backup can mend it."""
    return f"Restore {path} from a backup: it was whole when Isthmus wrote it."


@contextlib.contextmanager
def intact(path: Path, advice: str) -> Iterator[None]:
    """Name `path`, and how to mend it, where what it holds turns out to be damaged while it is taken apart.

    What parsing raises becomes a `UsageError`; an `IsthmusError` that names no file gets both.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise UsageError(
            "this file is damaged", file=str(path), advice=advice, code=Code.FILE_DAMAGED
        ) from None
    except IsthmusError as error:
        if error.file is None:
            error.file, error.advice = str(path), advice
        raise


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def write_arrays(path: Path, **arrays: npt.NDArray[Any]) -> None:
    """Named numpy arrays of plain types, mode 0600."""
    write_private(path, array_bytes(**arrays))


def array_bytes(**arrays: npt.NDArray[Any]) -> bytes:
    """What `write_arrays` writes."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_arrays(path: Path, advice: str, damaged: str | None = None) -> dict[str, npt.NDArray[Any]]:
    """What `write_arrays` wrote; `UsageError` with `advice` where there is no file, else with `damaged`."""
    return arrays_in(read(path, advice), path, damaged or restored(path))


def arrays_in(data: bytes, path: Path, advice: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays in what was read from `path`; `UsageError` naming it when there are none."""
    try:
        with np.lib.npyio.NpzFile(io.BytesIO(data), allow_pickle=False) as saved:
            return dict(saved)
    except (ValueError, zipfile.BadZipFile, zlib.error, EOFError):
        raise UsageError(
            "this file does not hold arrays", file=str(path), advice=advice, code=Code.FILE_DAMAGED
        ) from None
