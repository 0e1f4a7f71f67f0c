"""A pack's file: one zip archive in one byte form, whose names and sizes are checked before the rest."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from federation import files
from federation.errors import UsageError

STATEMENT = "pack.dsse.json"
#: The statement of a judged run, which holds packs of several roles (`federation.compliance.packing`).
JUDGED = "border.dsse.json"

#: The largest pack that is read, and the most files in one.
MOST_BYTES = 512 << 20
MOST_FILES = 20_000
#: The longest line, and the largest file that is parsed as a whole.
MOST_LINE_BYTES = 64 << 10
MOST_DOCUMENT_BYTES = 8 << 20
#: The most lines of each file. A role's ledger is of its whole life, a guard log of one run.
MOST_LINES: Mapping[str, int] = {
    "log.jsonl": 500_000,
    "guard.jsonl": 200_000,
    "verdicts.jsonl": 10_000,
    "entities.jsonl": 1_000,
}

#: Of every pack; and those of a role that got as far, or that has data.
ALWAYS = ("guard.jsonl", "log.jsonl", "members.json", "plan.json", STATEMENT)
SOMETIMES = ("canaries.json", "entities.jsonl", "manifest.sha256", "policy.cedar", "verdicts.jsonl")
_NAME = r"[a-z0-9][a-z0-9-]{0,62}"
_NUMBERED = re.compile(
    rf"checkpoints/[0-9]{{1,12}}\.note|witnessed/{_NAME}-[0-9]{{1,12}}\.(note|fork)"
    rf"|(grants|revocations)/{_NAME}\.dsse\.json|cosignatures/{_NAME}\.json"
)
_ADVICE = "Ask whoever made the pack for it again; keep this file as it is."


def archived(members: Mapping[str, bytes]) -> bytes:
    """The one zip archive of these files: sorted, stored, of the earliest time that zip knows."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, members[name])
    return buffer.getvalue()


def members(data: bytes, name: str, may_hold: Callable[[str], bool] | None = None) -> dict[str, bytes]:
    """The archive's files, of which names and sizes are checked; `UsageError` naming the pack `name`.

    may_hold: which names there may be; those of a role's pack unless given.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_FILES:
                raise damaged(f"it has {len(entries)} files, more than any pack", name)
            found: dict[str, bytes] = {}
            for entry in entries:
                _check_entry(entry, found, len(data), name, may_hold or allowed)
                found[entry.filename] = archive.read(entry)
    except (zipfile.BadZipFile, struct.error, EOFError, ValueError, NotImplementedError, OSError):
        raise damaged("this is not a pack, or not all of one", name) from None
    for member, content in found.items():
        _check_bounds(member, content, name)
    return found


def read(path: Path) -> bytes:
    """The bytes of a pack's file; `UsageError` naming it where it is too large, or cannot be read."""
    try:
        size = path.stat().st_size
    except OSError:  # Reading it says why.
        size = 0
    if size > MOST_BYTES:
        raise damaged(f"it has {size} bytes, more than any pack", str(path))
    return files.read(path, "Check the name of the pack.")


def is_judged(path: Path) -> bool:
    """Whether a file says that it is a judged run; nothing of it is checked."""
    try:
        with zipfile.ZipFile(path) as archive:
            return JUDGED in archive.namelist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False


def _check_entry(
    entry: zipfile.ZipInfo, found: Mapping[str, bytes], most: int, name: str, may_hold: Callable[[str], bool]
) -> None:
    shown = entry.orig_filename.encode("ascii", "backslashreplace").decode("ascii")[:80]
    if not may_hold(entry.orig_filename):
        raise damaged(f"a pack has no file {shown!r}", name)
    if entry.filename in found:
        raise damaged(f"it has two files {shown!r}", name)
    if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
        raise damaged(f"{shown} is compressed or encrypted; a pack's files are neither", name)
    if entry.file_size != entry.compress_size or entry.file_size > most:
        raise damaged(f"{shown} says that it is larger than the pack", name)


def _check_bounds(member: str, content: bytes, name: str) -> None:
    if member.endswith(".jsonl"):
        if content and not content.endswith(b"\n"):
            raise damaged(f"{member} ends in the middle of a line", name)
        most = MOST_LINES.get(member, MOST_LINES["guard.jsonl"])
        if content.count(b"\n") > most:
            raise damaged(f"{member} has more than {most} lines", name)
        if any(len(line) > MOST_LINE_BYTES for line in content.split(b"\n")):
            raise damaged(f"{member} has a line of more than {MOST_LINE_BYTES} bytes", name)
    elif len(content) > MOST_DOCUMENT_BYTES and not member.endswith(".zip"):
        raise damaged(f"{member} has more than {MOST_DOCUMENT_BYTES} bytes", name)


def document(data: bytes, name: str) -> dict[str, Any]:
    """One JSON object; `UsageError` naming the file `name` for anything else."""
    try:
        value = json.loads(data, parse_constant=_no_number, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise damaged(f"{name} is not one JSON object")
    return value


def allowed(name: str) -> bool:
    """Whether a pack may hold a file of this name."""
    return name in ALWAYS or name in SOMETIMES or _NUMBERED.fullmatch(name) is not None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def damaged(what: str, file: str | None = None) -> UsageError:
    """What is refused of a pack, with the next step."""
    return UsageError(what, file=file, advice=_ADVICE)
