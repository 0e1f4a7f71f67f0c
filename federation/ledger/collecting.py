"""From a role's folder, what any role's pack of one run holds; a party's own documents come beside it."""

from __future__ import annotations

import datetime as dt
import json
import platform
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from crypto import note
from crypto.codes import Code
from crypto.errors import Refusal
from crypto.identity import PublicIdentity
from crypto.version import installed_version
from federation import files
from federation.errors import UsageError
from federation.home import Home
from federation.ids import RunId
from federation.ledger.keeping import kept
from federation.ledger.lines import Logged, read_entries
from federation.ledger.pack import Sources, split

_CHECKPOINT = re.compile(r"[0-9]{1,12}\.note")
_WITNESSED = re.compile(r"(?P<name>[a-z0-9][a-z0-9-]{0,62})-[0-9]{1,12}\.(note|fork)")


def collect(
    home: Home,
    run: RunId,
    party: str,
    federation: str,
    now: dt.datetime,
    documents: Mapping[str, bytes],
) -> Sources:
    """The sources of `party`'s pack of `run`. `documents`: what else belongs in it, by its name there.

    Raises `UsageError` where the run is not known here, or nothing was kept of it to show.
    """
    if run not in home.runs():
        known = ", ".join(home.runs()[-5:])
        raise UsageError(
            f"there is no run {run} here",
            party=party,
            file=str(home.folder),
            advice=f"Name one of these: {known}." if known else "Take part in a round first.",
            code=Code.NO_ROUND,
        )
    folder = home.round_folder(run)
    evidence = kept(folder)
    if "members.json" not in evidence:
        raise UsageError(
            f"of {run} it was not kept who took part: it is of an older version, or nothing of it began",
            party=party,
            file=str(folder),
            advice="Make packs of runs that began with this version.",
        )
    found = {
        "log.jsonl": _whole_lines(home.folder / "ledger" / "log.jsonl"),
        "guard.jsonl": _whole_lines(folder / "journal.jsonl"),
        "plan.json": files.read(folder / "plan.json"),
        **evidence,
        **documents,
    }
    found |= dict(_checkpoints(home.folder / "ledger" / "checkpoints", len(split(found["log.jsonl"]))))
    found |= dict(_witnessed(home.folder / "ledger" / "witnessed", _keys(evidence["members.json"])))
    versions = {"isthmus": installed_version(), "python": platform.python_version()}
    made_at = f"{now.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    return Sources(home.identity(), party, federation, run, made_at, versions, found)


def ledger_of(home: Home) -> tuple[list[Logged], dict[int, tuple[str, ...]]]:
    """A role's own ledger and, for each of its checkpoints, who co-signed it by the names on it, unchecked.

    `UsageError` where the folder has no ledger yet.
    """
    file = home.folder / "ledger" / "log.jsonl"
    if not file.exists():
        raise UsageError(
            "there is no ledger in this folder yet",
            file=str(file),
            advice="It begins with the first grant or run.",
            code=Code.NO_EVIDENCE,
        )
    lines = split(_whole_lines(file))
    notes = dict(_checkpoints(file.parent / "checkpoints", len(lines)))
    named = {int(Path(name).stem): _names(text.decode("utf-8", "replace")) for name, text in notes.items()}
    return read_entries(lines), named


def _names(text: str) -> tuple[str, ...]:
    """Who signed a checkpoint beside its owner, whose name there is the log's."""
    lines = (line.split(" ") for line in text.split("\n") if line.startswith("\u2014 "))
    return tuple(sorted({parts[1] for parts in lines if "/" not in parts[1]}))


def _whole_lines(path: Path) -> bytes:
    """A file that others may be adding to, up to its last whole line; empty where there is none."""
    data = path.read_bytes() if path.exists() else b""
    return data[: data.rfind(b"\n") + 1]


def _checkpoints(folder: Path, size: int) -> Iterator[tuple[str, bytes]]:
    """The role's own, over no more than `size` entries: the ledger may have grown since it was read."""
    for path in sorted(folder.glob("*.note")):
        if _CHECKPOINT.fullmatch(path.name) and int(path.stem) <= size:
            yield f"checkpoints/{path.name}", files.read(path)


def _witnessed(folder: Path, keys: Mapping[str, PublicIdentity]) -> Iterator[tuple[str, bytes]]:
    """What it saw of those that took part, under the keys that they have now."""
    for path in sorted(folder.glob("*")):
        match = _WITNESSED.fullmatch(path.name)
        if match is not None and match["name"] in keys:
            data = files.read(path)
            try:
                note.opened(data.decode("utf-8", "replace"), keys[match["name"]])
            except Refusal:
                continue
            yield f"witnessed/{path.name}", data


def _keys(members: bytes) -> dict[str, PublicIdentity]:
    return {name: PublicIdentity(bytes.fromhex(seat["key"])) for name, seat in json.loads(members).items()}
