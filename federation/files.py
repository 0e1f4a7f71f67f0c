"""Files that are never half-written, and keys that only their owner can read."""

from __future__ import annotations

import io
import json
import os
import secrets
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from federation.errors import UsageError

#: The mode of key files and of the folders that hold them.
SECRET_FILE, SECRET_FOLDER = 0o600, 0o700


def write(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write to a temporary file beside `path`, make it durable, and rename it into place.

    Raises `UsageError` naming the file when the disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
    except OSError as error:
        raise UsageError(
            f"cannot write: {error.strerror or type(error).__name__}",
            file=str(path),
            advice="Free space on that disk or choose another folder; nothing was half-written.",
        ) from None


def write_private(path: Path, data: bytes) -> None:
    """`write` with mode 0600: a file that only this user may read, replaced when it is there."""
    write(path, data, SECRET_FILE)


def write_secret(path: Path, data: bytes) -> None:
    """Write a key: mode 0600, in a folder of mode 0700. An existing key is never overwritten."""
    if path.exists():
        raise UsageError(
            "there is a key already", file=str(path), advice="Use another folder; a key is never replaced."
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
        )
    return data


def read(path: Path, advice: str = "Check the folder that you gave.") -> bytes:
    """The file's bytes, or a `UsageError` that names it."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UsageError("there is no such file", file=str(path), advice=advice) from None
    except OSError as error:
        raise UsageError(
            f"cannot read: {error.strerror or type(error).__name__}", file=str(path), advice=advice
        ) from None


def canonical_json(value: Any) -> bytes:
    """One byte form for one value: sorted keys, no spaces, ASCII. What is signed and hashed."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
    ).encode()


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON for people and programs, replaced when it is there."""
    write(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n")


def read_json(path: Path, advice: str = "Check the folder that you gave.") -> Any:
    """Parse a JSON file, or a `UsageError` that names it."""
    try:
        return json.loads(read(path, advice))
    except (ValueError, RecursionError):
        raise UsageError("this is not JSON", file=str(path), advice=advice) from None


def write_arrays(path: Path, **arrays: npt.NDArray[Any]) -> None:
    """Named numpy arrays of plain types, mode 0600."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_private(path, buffer.getvalue())


def read_arrays(path: Path, advice: str) -> dict[str, npt.NDArray[Any]]:
    """What `write_arrays` wrote; `UsageError` when the file is none."""
    try:
        with np.lib.npyio.NpzFile(io.BytesIO(read(path, advice)), allow_pickle=False) as saved:
            return dict(saved)
    except (ValueError, zipfile.BadZipFile, zlib.error, EOFError):
        raise UsageError("this file does not hold arrays", file=str(path), advice=advice) from None
