"""What the roles of a sandbox hold: all processes of each together, looked at once or again and again."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

#: Seconds between two looks.
_EVERY = 0.25
_JOIN_SECONDS = 10.0
#: The database of `federation.flower.superlink`, with what SQLite lays beside it.
_DATABASE = re.compile(r"/state\.db(-wal|-shm)?$")


@dataclass(frozen=True, slots=True)
class Held:
    """What a role's processes hold together at one time.

    memory_bytes: VmRSS of proc(5); memory that two of them share counts twice. descriptors: of any kind but
    pooled; sockets are among them. pooled: of the SuperLink's database, whose connections Flower keeps.
    """

    processes: int = 0
    threads: int = 0
    descriptors: int = 0
    sockets: int = 0
    pooled: int = 0
    memory_bytes: int = 0

    def __add__(self, other: Held) -> Held:
        return Held(
            self.processes + other.processes,
            self.threads + other.threads,
            self.descriptors + other.descriptors,
            self.sockets + other.sockets,
            self.pooled + other.pooled,
            self.memory_bytes + other.memory_bytes,
        )


class Footprint:
    """`with Footprint({role: its home}) as seen:` follows the child processes that name these folders.

    `peaks`: role -> the most bytes that its processes, with all that they started, held at one time (VmRSS of
    proc(5); memory that two of them share counts twice). Empty on a system without /proc.
    """

    def __init__(self, homes: Mapping[str, Path]) -> None:
        self._homes = {str(home): role for role, home in homes.items()}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="footprint", daemon=True)
        self.peaks: dict[str, int] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join(_JOIN_SECONDS)

    def _follow(self) -> None:
        while not self._end.wait(_EVERY):
            self.look()

    def look(self) -> None:
        """Take note of what is held now."""
        for role, held in self.now().items():
            self.peaks[role] = max(self.peaks.get(role, 0), held.memory_bytes)

    def now(self) -> dict[str, Held]:
        """Role -> what it holds at this moment."""
        held: dict[str, Held] = {}
        parents = _parents()
        roles = {pid: role for pid in parents if (role := self._role(pid)) is not None}
        for pid in parents:
            above: int | None = pid
            while above is not None and above not in roles:
                above = parents.get(above)
            if above is not None:
                held[roles[above]] = held.get(roles[above], Held()) + _held(pid)
        return held

    def _role(self, pid: int) -> str | None:
        """Whose service this process is."""
        try:
            words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        except OSError:
            return None
        return self._homes.get(words[words.index("--home") + 1]) if "--home" in words[:-1] else None


def _parents() -> dict[int, int]:
    """Every process below this one, and its parent."""
    found: dict[int, int] = {}
    below = [os.getpid()]
    while below:
        parent = below.pop()
        try:
            tasks = list(Path(f"/proc/{parent}/task").iterdir())
            children = [int(pid) for task in tasks for pid in (task / "children").read_text().split()]
        except OSError:
            continue  # It has ended.
        found |= dict.fromkeys(children, parent)
        below += children
    return found


def _held(pid: int) -> Held:
    """Of one process; nothing of one that has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        descriptors = [_target(each) for each in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return Held()
    told = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    pooled = sum(_DATABASE.search(each) is not None for each in descriptors)
    return Held(
        processes=1,
        threads=int(told.get("Threads", "0")),
        descriptors=len(descriptors) - pooled,
        sockets=sum(each.startswith("socket:") for each in descriptors),
        pooled=pooled,
        memory_bytes=int(told.get("VmRSS", "0 kB").split()[0]) * 1024,
    )


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""  # Closed meanwhile.
