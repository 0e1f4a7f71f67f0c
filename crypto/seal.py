"""SEAL objects to bytes and back, in memory.

`sealapi` saves and loads by path only. An anonymous memory file, one a thread, keeps it off the disk.

A saved object is a header of 16 bytes (SEAL 4, serialization.h: magic, header size, version, compression,
whole size) and a content, which SEAL compresses with Zstandard (RFC 8878). Coefficients of 60 bits do not
shrink, so what comes out is a frame of one raw block. `content` takes the content out of it and `stored`
wraps a content as an object that is not compressed: who knows the layout of the content can keep to it
byte by byte and leave nothing else to SEAL's parser.
"""

from __future__ import annotations

import os
import struct
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Any

from tenseal import sealapi

from crypto.sealed import Wire, WireRefused, wire_bytes

#: No single SEAL object of ours is larger than this many bytes.
PART_LIMIT = 4 << 20

_HEADER = struct.Struct("<HBBBBHQ")  # magic, header size, version, version, compression, -, size
_MAGIC = 0xA15E
_PLAIN, _ZSTD = 0, 2
#: Frames that say their size and hold no checksum or dictionary: 1, 2, 4 or 8 bytes of size, one segment.
#: The largest block of a frame (RFC 8878, 3.1.1.2.3).
_RAW_BLOCK = 1 << 17
_ZSTD_MAGIC = bytes.fromhex("28b52ffd")
_ZSTD_SIZE_BYTES = {0x20: 1, 0x60: 2, 0xA0: 4, 0xE0: 8}


class _Scratch(threading.local):
    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):
            self.descriptor = os.memfd_create("isthmus", os.MFD_CLOEXEC)
            self.path = f"/proc/self/fd/{self.descriptor}"
        else:  # No memory files on this system: a private temporary file. Only ciphertexts pass through it.
            self.descriptor, self.path = tempfile.mkstemp(prefix="isthmus-")

    def __del__(self) -> None:
        os.close(self.descriptor)
        if not self.path.startswith("/proc/"):
            Path(self.path).unlink(missing_ok=True)


_scratch = _Scratch()


def _renew() -> None:
    """A process that was forked has a file of its own: in the shared one each would read the other's."""
    global _scratch
    _scratch = _Scratch()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)


def secure_context(parameters: Any, *, levels: bool = True) -> Any:
    """SEAL's context of these parameters; ValueError where they give less than 128-bit security.

    `levels`: also those below the first, to which ciphertexts are switched.
    """
    made = sealapi.SEALContext(parameters, levels, sealapi.SEC_LEVEL_TYPE.TC128)
    if not made.parameters_set():
        raise ValueError(f"SEAL refuses the parameters: {made.parameters_error_message()}")
    return made


def save(seal_object: Any) -> bytes:
    """The object as SEAL writes it."""
    os.ftruncate(_scratch.descriptor, 0)
    seal_object.save(_scratch.path)
    return os.pread(_scratch.descriptor, PART_LIMIT, 0)


def load(seal_object: Any, context: Any, data: bytes) -> None:
    """Read `data` into the object; `WireRefused` when SEAL finds it damaged or of other parameters."""
    os.ftruncate(_scratch.descriptor, 0)
    os.pwrite(_scratch.descriptor, data, 0)
    try:
        seal_object.load(context, _scratch.path)
    except (RuntimeError, ValueError, IndexError, MemoryError):
        raise WireRefused("a SEAL object is damaged or has other parameters") from None


def whole_object(wire: Wire, of: str) -> bytes:
    """Bytes that are one whole SEAL object by their own header; SEAL checks the coefficients on loading."""
    data = wire_bytes(wire, of=of)
    if not _HEADER.size <= len(data) <= PART_LIMIT:
        raise WireRefused(f"{of}: a part of {len(data)} bytes")
    magic, header, _, _, compression, _, size = _HEADER.unpack_from(data)
    if magic != _MAGIC or header != _HEADER.size or compression > _ZSTD or size != len(data):
        raise WireRefused(f"{of}: not one whole SEAL object")
    return data


def content(saved: bytes) -> bytes | None:
    """The content of an object of our own that `save` gave; None in the rare case that it was compressed."""
    body = saved[_HEADER.size :]
    if saved[5] == _PLAIN:
        return body
    start = 5 + _ZSTD_SIZE_BYTES.get(body[4], len(body))  # After the frame's magic, descriptor and size.
    block = int.from_bytes(body[start : start + 3], "little")
    last, kind, size = block & 1, block >> 1 & 3, block >> 3
    raw = body[start + 3 :]
    if body[:4] != _ZSTD_MAGIC or not last or kind != 0 or size != len(raw):
        return None
    return raw


def raw_content(saved: bytes) -> bytes | None:
    """The content of an object that SEAL wrote in raw blocks, each as large as can be; None for any other.

    Header and frame have one form for a content of that length, so nothing is hidden in them.
    """
    start = _HEADER.size
    size = int.from_bytes(saved[start + 5 : start + 9], "little")
    blocks = [min(_RAW_BLOCK, size - at) for at in range(0, size, _RAW_BLOCK)] if size <= len(saved) else []
    at = start + 9
    if len(saved) != at + size + 3 * len(blocks) or not blocks:
        return None
    if saved[:start] != _HEADER.pack(_MAGIC, start, *_version(), _ZSTD, 0, len(saved)):
        return None
    if saved[start : start + 5] != _ZSTD_MAGIC + b"\xa0":
        return None
    pieces = []
    for i, length in enumerate(blocks):
        if int.from_bytes(saved[at : at + 3], "little") != length << 3 | (i == len(blocks) - 1):
            return None
        pieces.append(memoryview(saved)[at + 3 : at + 3 + length])
        at += 3 + length
    return b"".join(pieces)


def stored(inside: bytes) -> bytes:
    """A SEAL object of this content, not compressed."""
    return _HEADER.pack(_MAGIC, _HEADER.size, *_version(), _PLAIN, 0, _HEADER.size + len(inside)) + inside


@cache
def _version() -> tuple[int, int]:
    """SEAL's own, as it writes it: other versions' objects have other contents."""
    _, _, major, minor, _, _, _ = _HEADER.unpack_from(save(sealapi.Plaintext()))
    return major, minor
