"""One pack, for those who judge or show it: its log, its attempts, who took part, who co-signed.

Nothing is judged here. `lines` reads single lines; every view of the pack is made at its first use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crypto import note
from crypto.codes import Code
from crypto.errors import Refusal
from crypto.identity import PublicIdentity
from crypto.merkle import Tree, leaf_hash
from federation.errors import UsageError
from federation.ids import AGGREGATOR
from federation.ledger.lines import Attempt, Frame, Logged, attempts, read_entries, read_frames
from federation.ledger.pack import Pack
from federation.ledger.sent import by_attempt

_PLACE = re.compile(r"[A-Z]{2}")


@dataclass(frozen=True, slots=True)
class Seat:
    """One that took part: its identity's public key, and where it is (ISO 3166-1; empty where not said)."""

    identity: PublicIdentity
    place: str


class Reading:
    """One pack, read once. Every view is made at its first use."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack

    @property
    def is_aggregator(self) -> bool:
        """Whether it is the coordinator's, who has no data, no manifest and no grant."""
        return self.pack.party == AGGREGATOR

    @property
    def origin(self) -> str:
        """What its checkpoints begin with."""
        return origin(self.pack.statement.federation, self.pack.party)

    @cached_property
    def entries(self) -> list[Logged]:
        """The whole log."""
        return read_entries(self.pack.lines("log.jsonl"))

    @cached_property
    def tree(self) -> Tree:
        """Over the log's lines as they stand."""
        return Tree(map(leaf_hash, self.pack.lines("log.jsonl")))

    @cached_property
    def frames(self) -> list[Frame]:
        """The guard log; up to its first line that is none of one, where there is such a line."""
        return read_frames(self.pack.lines("guard.jsonl"))

    @cached_property
    def guard_tree(self) -> Tree:
        """Over the guard log's lines."""
        return Tree(map(leaf_hash, self.pack.lines("guard.jsonl")))

    @cached_property
    def members(self) -> dict[str, Seat]:
        """Who took part, as the pack says. `UsageError` where members.json says something else."""
        return {name: _seat(name, value) for name, value in self.pack.document("members.json").items()}

    @cached_property
    def known(self) -> dict[str, PublicIdentity]:
        """The key of each that took part."""
        return {name: seat.identity for name, seat in self.members.items()}

    @cached_property
    def attempts(self) -> list[Attempt]:
        """The attempts at the pack's run."""
        return attempts(self.entries, self.pack.run)

    @cached_property
    def sent(self) -> Mapping[int, list[Frame]]:
        """Attempt -> the lines of the guard log that left in it."""
        return by_attempt(self.attempts, self.frames, self.pack)

    @cached_property
    def plan(self) -> Mapping[str, Any]:
        """The plan's fields. `UsageError` where plan.json is not one JSON object."""
        return self.pack.document("plan.json")

    def checkpoints(self) -> dict[int, str]:
        """The role's own checkpoints: size -> signed note, by size."""
        found = {
            int(name.removesuffix(".note")): data for name, data in self.pack.under("checkpoints").items()
        }
        return {size: _text(found[size]) for size in sorted(found)}

    @cached_property
    def cosigners(self) -> dict[int, tuple[str, ...]]:
        """Size of each own checkpoint -> the other members whose cosignatures on it are valid.

        None counts where one of them is not valid.
        """
        known = {name: key for name, key in self.known.items() if name != self.pack.party}
        return {size: _cosigners(text, known) for size, text in self.checkpoints().items()}

    def witnessed(self, ending: str = "note") -> dict[tuple[str, int], str]:
        """Others' checkpoints that it co-signed, or with `ending` "fork" refused: (name, size) -> note."""
        found = {}
        for file, data in self.pack.under("witnessed").items():
            state, _, kind = file.rpartition(".")
            name, _, size = state.rpartition("-")
            if kind == ending:
                found[name, int(size)] = _text(data)
        return dict(sorted(found.items()))


def origin(federation: str, party: str) -> str:
    """The first line of a role's checkpoints: which log of the world it is."""
    return f"isthmus/{federation}/{party}"


def _seat(name: str, value: object) -> Seat:
    try:
        key, place = value["key"], value["place"]  # type: ignore[index]
        if place != "" and not _PLACE.fullmatch(place):
            raise ValueError
        return Seat(PublicIdentity(bytes.fromhex(key)), place)
    except (TypeError, ValueError, KeyError, UsageError):
        raise UsageError(
            f"members.json does not give a key and a place of {name[:64]!r}",
            advice="Ask whoever made the pack for it again.",
            code=Code.PACK_MALFORMED,
        ) from None


def _cosigners(text: str, known: Mapping[str, PublicIdentity]) -> tuple[str, ...]:
    try:
        return note.cosigners(text, known)
    except Refusal:
        return ()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
