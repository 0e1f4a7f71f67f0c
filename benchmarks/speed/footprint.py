"""How much memory the roles of a sandbox hold: all processes of each together, looked at again and again."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

#: Seconds between two looks.
_EVERY = 0.25
_JOIN_SECONDS = 10.0


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
        held: dict[str, int] = {}
        parents = _parents()
        roles = {pid: role for pid in parents if (role := self._role(pid)) is not None}
        for pid in parents:
            above: int | None = pid
            while above is not None and above not in roles:
                above = parents.get(above)
            if above is not None:
                held[roles[above]] = held.get(roles[above], 0) + _resident(pid)
        for role, size in held.items():
            self.peaks[role] = max(self.peaks.get(role, 0), size)

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


def _resident(pid: int) -> int:
    """Bytes; none for a process that has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmRSS:"))
