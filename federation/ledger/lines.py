"""The lines of a ledger and of a guard log, as read: entries, frames, and the attempts that entries are of.

Nothing is judged here. A line that is no entry is read as one of the kind `UNREADABLE`, so that whoever
judges can name it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from federation.errors import UsageError
from federation.ledger import entries as forms

UNREADABLE = "unreadable"
#: Of each kind, the fields that say most; a timeline shows one digest of an entry.
_DIGESTS = ("root", "plan", "sha256", "digest")
#: The texts of a guard log's line.
_TEXTS = ("previous", "type", "to", "sha256", "purpose", "form", "lineage", "verdict")


@dataclass(frozen=True, slots=True)
class Logged:
    """One entry, where it stands in the log (counted from 0), and its fields."""

    index: int
    kind: str
    at: str
    fields: Mapping[str, Any]

    @property
    def run(self) -> str:
        """The run it is of; empty where it is of none."""
        return str(self.fields.get("run", ""))

    @property
    def attempt(self) -> int:
        """Which attempt at the run; 0 where it says none."""
        return int(self.fields.get("attempt", 0))

    @property
    def digest(self) -> str:
        """The digest that stands for what it is about; empty where it has none."""
        return next((str(self.fields[name]) for name in _DIGESTS if name in self.fields), "")


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of the guard log: a message that left, counted from 0."""

    index: int
    line: bytes
    fields: Mapping[str, Any]

    @property
    def type(self) -> str:
        """The message's name."""
        return str(self.fields.get("type", ""))

    @property
    def to(self) -> str:
        """Whom it was sealed for."""
        return str(self.fields.get("to", ""))

    @property
    def size(self) -> int:
        """Bytes, sealed."""
        size = self.fields.get("size", 0)
        return size if type(size) is int else -1

    @property
    def readable(self) -> bool:
        """Whether it has the fields of a guard log's line, each of its type."""
        typed = all(isinstance(self.fields.get(name), str) for name in _TEXTS)
        grants, number = self.fields.get("grants"), self.fields.get("number")
        named = isinstance(grants, list) and all(isinstance(name, str) for name in grants)
        return typed and named and type(number) is int and "size" in self.fields and self.size >= 0


@dataclass(slots=True)
class Attempt:
    """The entries of one attempt at a run, in the order of the log."""

    number: int
    entries: list[Logged] = field(default_factory=list)

    def of(self, kind: str) -> list[Logged]:
        """Its entries of one kind."""
        return [entry for entry in self.entries if entry.kind == kind]

    @property
    def plan(self) -> Logged | None:
        """Its first entry, where it has one."""
        return next(iter(self.of("plan")), None)

    @property
    def close(self) -> Logged | None:
        """Its last entry, where it has one."""
        return next(iter(self.of("close")), None)

    @property
    def finished(self) -> bool:
        """Whether it came to its end as planned."""
        return self.close is not None and self.close.fields["state"] == "finished"


def read_entries(lines: Iterable[bytes]) -> list[Logged]:
    """The entries of a log, those that cannot be read included."""
    return [_logged(index, line) for index, line in enumerate(lines)]


def read_frames(lines: Iterable[bytes]) -> list[Frame]:
    """The lines of a guard log. Nothing is read after one that is none of it, which is the last then."""
    found: list[Frame] = []
    for index, line in enumerate(lines):
        found.append(_frame(index, line))
        if not found[-1].readable:
            break
    return found


def attempts(entries: Sequence[Logged], run: str) -> list[Attempt]:
    """The attempts at one run, in the order of their first entries."""
    found: dict[int, Attempt] = {}
    for entry in entries:
        if entry.run == run and "attempt" in entry.fields:
            found.setdefault(entry.attempt, Attempt(entry.attempt)).entries.append(entry)
    return list(found.values())


def _logged(index: int, line: bytes) -> Logged:
    try:
        fields = forms.parsed(line)
    except UsageError:
        return Logged(index, UNREADABLE, "", {})
    return Logged(index, str(fields.pop("kind")), str(fields.pop("at")), fields)


def _frame(index: int, line: bytes) -> Frame:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        fields = None
    return Frame(index, line, fields if isinstance(fields, dict) else {})
