"""What stands in the ledger: a run's charge to one data set, and by which marks that data set is known again.

A data set is known by its name in party.toml (or the `account` of its budget), the path of its file (or the
address of its table), its content, and the set of its keys. Charges that share one mark are of one account,
and so are charges joined through a third: renaming the table, moving the file, exporting it anew in another
format or under the same name start no new budget. What shares none of the four (a new export in a new file of
another set of firms under a new name) is another account, unless the owner gives both one `account`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast, get_args

from crypto import accounting
from crypto.accounting import Event, SampledGaussian
from crypto.errors import UsageError
from crypto.private import Private
from parties.dataset import DatasetConfig
from parties.dataset.budget import Unit

#: What a run's noise protects. "none": it adds none, and nothing bounds what it tells.
Protects = Literal["none", "record", "party"]
_PROTECTS: tuple[str, ...] = get_args(Protects)


@dataclass(frozen=True, slots=True)
class Marks:
    """How a data set is known again. None: not known, as the file could not be read."""

    name: str
    path: str | None = None
    content: str | None = None
    keys: str | None = None

    @staticmethod
    def of(
        dataset: DatasetConfig,
        home: Path,
        ids: Private[Sequence[bytes]] | None = None,
        content: str | None = None,
    ) -> Marks:
        """The marks of `dataset`, whose party's folder is `home` and whose normalised keys are `ids`.

        `content`: the digest of its snapshot; where none is given its source is read for it, and `UsageError`
        raised when it cannot be. The hash of the keys tells none of them to who has not the whole set.
        """
        return Marks(
            name=dataset.privacy.account or dataset.name if dataset.privacy else dataset.name,
            path=_whereabouts(dataset.source.where, home),
            content=content or dataset.digest(),
            keys=None if ids is None else _key_hash(ids.open_locally()),
        )

    def known(self) -> set[tuple[str, str]]:
        """The marks that are known, with their kinds."""
        return {(kind, value) for kind, value in self.to_json().items() if value is not None}

    def to_json(self) -> dict[str, str | None]:
        """The marks as they stand in the ledger."""
        return {"name": self.name, "path": self.path, "content": self.content, "keys": self.keys}


@dataclass(frozen=True, slots=True)
class Charge:
    """What one run may spend, or has spent, of one data set. `delta` is the plan's."""

    run: str
    plan: str  # The plan's digest, in hexadecimal digits.
    purpose: str
    dataset: str
    protects: Protects
    events: tuple[Event, ...]
    delta: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "events", accounting.composed(self.events))
        sampled = any(isinstance(event, SampledGaussian) for event in self.events)
        if self.protects not in _PROTECTS or (self.protects == "none" and self.events):
            wrong = "a run without noise has no events"
        elif self.protects == "party" and sampled:
            wrong = "sampling of records says nothing about a party"
        elif not 0 < self.delta < 1:
            wrong = "delta is not between 0 and 1"
        else:
            return
        raise UsageError(f"this is no charge: {wrong}", advice="Charge what the plan's events are.")

    def at(self, unit: Unit) -> tuple[Event, ...] | None:
        """The events as they bound what is told of one `unit`; None where nothing bounds it.

        Noise on a party's update hides a record too, but a record replaces the update by another one, which
        may be twice as far off as no update: twice the sensitivity. Noise for a record does not hide a party.
        """
        if self.protects == unit:
            return self.events
        if self.protects == "party":
            return accounting.scaled(self.events, 0.5)
        return None

    def to_json(self) -> dict[str, Any]:
        """The charge as it stands in the ledger."""
        return {
            "run": self.run,
            "plan": self.plan,
            "purpose": self.purpose,
            "dataset": self.dataset,
            "unit": self.protects,
            "delta": self.delta,
            "events": accounting.to_json(self.events),
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """A charge with the marks of its data set, and whether the run has told what it really spent."""

    charge: Charge
    marks: Marks
    settled: bool = False


def parse_charge(fields: Mapping[str, Any]) -> Charge:
    """What `Charge.to_json` wrote. Raises KeyError, TypeError or `UsageError` on anything else."""
    texts = {name: fields[name] for name in ("run", "plan", "purpose", "dataset", "unit")}
    delta = fields["delta"]
    if not all(isinstance(text, str) for text in texts.values()) or not isinstance(delta, float):
        raise TypeError
    protects = cast(Protects, texts.pop("unit"))
    return Charge(**texts, protects=protects, events=accounting.from_json(fields["events"]), delta=delta)


def parse_marks(fields: Mapping[str, Any]) -> Marks:
    """What `Marks.to_json` wrote. Raises KeyError or TypeError on anything else."""
    name = fields["name"]
    others = {kind: fields[kind] for kind in ("path", "content", "keys")}
    if not isinstance(name, str) or not all(isinstance(mark, str | None) for mark in others.values()):
        raise TypeError
    return Marks(name, **others)


def account(entries: Iterable[Entry], marks: Marks) -> tuple[Entry, ...]:
    """Those of `entries` that are charged to the data set with `marks`, directly or through one another."""
    everything, known, size = tuple(entries), marks.known(), 0
    while len(known) != size:
        size = len(known)
        known = known.union(*(entry.marks.known() for entry in everything if entry.marks.known() & known))
    return tuple(entry for entry in everything if entry.marks.known() & known)


def _whereabouts(where: Path | str, home: Path) -> str:
    """Where a data set lies; inside the party's folder relative to it, as the folder can be moved."""
    if isinstance(where, str):
        return where
    path = Path(os.path.relpath(where.resolve(), home.resolve()))
    return str(path if ".." not in path.parts else where.resolve())


def _key_hash(ids: Sequence[bytes]) -> str:
    """One hash for one set of keys, whatever their order: of the keys' sorted hashes."""
    digest = hashlib.sha256()
    for each in sorted({hashlib.sha256(key).digest() for key in ids}):
        digest.update(each)
    return digest.hexdigest()
