"""What a sandbox round cost, from every role's own files: bytes by message, processor seconds, versions."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from federation import journal as journals
from federation.coordinator.record import RoundStatus
from federation.ids import AGGREGATOR, PartyId
from parties.report.data import CpuTime, Sent, Step, Version
from parties.sandbox.founding import Sandbox

_SOFTWARE = ("flwr", "tenseal", "cryptography", "numpy", "scikit-learn")


def sent_by_parties(sandbox: Sandbox, status: RoundStatus) -> tuple[Sent, ...]:
    """What every party sent, by message type, from its own journal; the most bytes first."""
    folders = {name: home.round_folder(status.run) for name, home in sandbox.parties.items()}
    return tuple(row for name, folder in folders.items() for row in _sent(name, folder))


def sent_by_all(sandbox: Sandbox, status: RoundStatus) -> tuple[Sent, ...]:
    """The same, and what the aggregator sent by itself: sums, not the frames that it relays."""
    relay = _sent(AGGREGATOR, sandbox.coordinator.round_folder(status.run))
    return (*sent_by_parties(sandbox, status), *relay)


def _sent(role: PartyId, folder: Path) -> list[Sent]:
    entries = journals.read(folder / "journal.jsonl")
    count, size = Counter(entry.type for entry in entries), Counter[str]()
    for entry in entries:
        size[entry.type] += entry.size
    return [Sent(role, kind, count[kind], size[kind]) for kind in sorted(size, key=lambda k: -size[k])]


def bytes_sent(sent: Iterable[Sent]) -> dict[str, int]:
    """Role -> all that it sent."""
    total = Counter[str]()
    for row in sent:
        total[row.party] += row.bytes
    return dict(total)


def cpu_times(spent: Mapping[PartyId, Mapping[str, Any]], status: RoundStatus) -> tuple[CpuTime, ...]:
    """Processor seconds of every party (`spent`: its spent.json) and of the aggregator."""
    times = [CpuTime(name, each["cpu_seconds"]) for name, each in spent.items()]
    return (*times, CpuTime(AGGREGATOR, status.cpu_seconds))


def longest_steps(spent: Mapping[PartyId, Mapping[str, Any]]) -> tuple[Step, ...]:
    """Each step with the longest time that a party took for it, in the order in which they were taken."""
    longest: dict[str, float] = {}
    for each in spent.values():
        for name, seconds in each["seconds"].items():
            longest[name] = max(longest.get(name, 0.0), seconds)
    return tuple(Step(name, seconds) for name, seconds in longest.items())


def versions(*more: str) -> tuple[Version, ...]:
    """Python and what the figures depend on, with `more` distributions."""
    named = [Version(name, metadata.version(name)) for name in (*_SOFTWARE, *more)]
    return (Version("Python", platform.python_version()), *named)
