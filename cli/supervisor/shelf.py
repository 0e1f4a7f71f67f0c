"""The packs of a folder, read and verified once; what changed since is read again at the next look."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from cli.supervisor.facts import RunFacts, Shown, Unread
from cli.supervisor.gathering import gather
from crypto.errors import IsthmusError
from federation import files
from federation.errors import UsageError
from federation.ledger import archive
from federation.ledger import pack as packs
from federation.ledger.pack import Pack

#: The most packs that are shown of one folder.
MOST_PACKS = 400
ENDING = ".zip"
#: What a role is called; it stands in addresses.
_ROLE = re.compile(r"[a-z][a-z0-9-]{0,62}")

#: A file, its size and its time of change: as long as these stay, it is not read again.
_Stamp: TypeAlias = tuple[tuple[str, int, int], ...]

_DAMAGED = "Ask whoever made the pack for it again; keep this file as it is."
#: What taking a pack apart may trip over, where it was signed with contents that no role writes.
_CANNOT_BE_SHOWN = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    RecursionError,
    OverflowError,
)


class Shelf:
    """A folder of packs. `trusted`: name -> fingerprint that the reader got from that role itself."""

    def __init__(self, folder: Path, trusted: Mapping[str, str]) -> None:
        self._folder, self._trusted = folder, dict(trusted)
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._shown = Shown((), ())

    def look(self) -> Shown:
        """What is on it now. `UsageError` where the folder cannot be listed."""
        with self._lock:
            stamp = self._stamped()
            if stamp != self._stamp:
                paths = [self._folder / name for name, _, _ in stamp]
                self._shown = shown(paths, self._trusted)
                self._stamp = stamp
            return self._shown

    def _stamped(self) -> _Stamp:
        found = []
        try:
            for path in sorted(self._folder.glob(f"*{ENDING}")):
                if path.is_file():
                    facts = path.stat()
                    found.append((path.name, facts.st_size, facts.st_mtime_ns))
        except OSError:
            self._refuse()
        if not self._folder.is_dir():
            self._refuse()
        return tuple(found)

    def _refuse(self) -> None:
        raise UsageError(
            "the folder of packs cannot be listed",
            file=str(self._folder),
            advice="Give the folder in which the packs (*.zip) are.",
        )


def shown(paths: Sequence[Path], trusted: Mapping[str, str]) -> Shown:
    """The packs in these files, by run; each that cannot be read or shown, with the reason."""
    good: list[Pack] = []
    unread: list[Unread] = []
    digests: dict[str, str] = {}
    names = _names(paths)
    for path in paths[:MOST_PACKS]:
        try:
            found = replace(packs.read(path), name=names[path])
            if not _ROLE.fullmatch(found.party):
                raise UsageError("it does not say properly whose it is", advice=_DAMAGED)
            digests[found.name] = files.sha256(path)
            good.append(found)
        except UsageError as error:
            unread.append(Unread(names[path], error.what, error.advice))
    if len(paths) > MOST_PACKS:
        what = f"and {len(paths) - MOST_PACKS} more files, which are not shown"
        unread.append(Unread("…", what, f"Show at most {MOST_PACKS} packs at once."))
    runs: list[RunFacts] = []
    for place, each in _by_run(good):
        try:
            facts = gather(each, digests, trusted)
            runs.append(replace(facts, key=f"{facts.key}-{place + 1}") if place else facts)
        except (*_CANNOT_BE_SHOWN, IsthmusError) as error:
            unread += [Unread(pack.name, _reason(error), _DAMAGED) for pack in each]
    newest_first = sorted(runs, key=lambda run: (run.began, run.key), reverse=True)
    return Shown(tuple(newest_first), tuple(sorted(unread, key=lambda each: each.file)))


def _names(paths: Sequence[Path]) -> dict[Path, str]:
    """What each file is called: its name alone where no other file has the same."""
    count = Counter(path.name for path in paths)
    return {path: path.name if count[path.name] == 1 else str(path) for path in paths}


def _by_run(found: Sequence[Pack]) -> Iterator[tuple[int, list[Pack]]]:
    """The packs that are verified together: one of each role. A role's further packs make sets of their own,
    which are counted from 0.

    Of two that their maker signed alike, as when a witness has added its cosignature, the fuller one stays.
    """
    runs: dict[tuple[str, str], dict[str, list[Pack]]] = {}
    for pack in sorted(found, key=lambda each: (len(each.files), each.statement.made_at), reverse=True):
        roles = runs.setdefault((pack.statement.federation, pack.run), {})
        same = roles.setdefault(pack.party, [])
        if pack.files[archive.STATEMENT] not in [each.files[archive.STATEMENT] for each in same]:
            same.append(pack)
    for roles in runs.values():
        for place in range(max(map(len, roles.values()))):
            extra = [same[place] for same in roles.values() if len(same) > place]
            rest = [same[0] for role, same in roles.items() if place and len(same) <= place]
            yield place, sorted([*extra, *rest], key=lambda pack: pack.party)


def _reason(error: Exception) -> str:
    if isinstance(error, IsthmusError):
        return error.what
    return "a file in it does not say what it should, so that it cannot be shown"
