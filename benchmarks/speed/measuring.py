"""What the measurements share: whose processor seconds, how much memory, medians over repetitions.

All roles run in one process, each in its own thread, and each thread's processor seconds are its role's.
numpy's BLAS is held to one thread meanwhile: what its own threads compute would be nobody's. `Meter` takes
the whole process's seconds beside the roles' and refuses figures that do not add up.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from threadpoolctl import threadpool_limits

from benchmarks.errors import Mismeasured
from federation.ids import AGGREGATOR, PartyId, party_id
from federation.message import Role
from parties.round.memory import peak_memory_bytes

T = TypeVar("T")
#: A measurement's figures by their names, as they are printed.
Figures = dict[str, Any]

#: The process may have spent this share, and this many seconds, beyond what the roles say.
_SHARE, _SECONDS = 0.1, 0.5

_NAMES = ("bank", "platform", "public")


def cast(parties: int) -> dict[PartyId, Role]:
    """Seats for `parties` data parties, the label party first, and the aggregator."""
    names = [_NAMES[i] if i < len(_NAMES) else f"public-{i - 1}" for i in range(parties)]
    roles = [Role.LABEL, Role.HELPER, *[Role.FEATURE] * parties][:parties]
    return {**dict(zip(map(party_id, names), roles, strict=True)), AGGREGATOR: Role.AGGREGATOR}


class Meter:
    """`with Meter() as meter:` the processor seconds of everything inside, ended child processes included."""

    def __init__(self) -> None:
        self._one_thread = threadpool_limits(limits=1, user_api="blas")
        self._started = 0.0
        self.cpu_seconds = 0.0

    def __enter__(self) -> Self:
        self._one_thread.__enter__()
        self._started = _process_seconds()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cpu_seconds = _process_seconds() - self._started
        self._one_thread.__exit__(kind, error, trace)

    def check(self, by_role: Mapping[PartyId, float]) -> None:
        """Raise `Mismeasured` unless the roles' seconds are nearly all that the process spent."""
        told = sum(by_role.values())
        gap = self.cpu_seconds - told
        if abs(gap) > _SHARE * self.cpu_seconds + _SECONDS:
            raise Mismeasured(
                f"the roles account for {told:.1f} of the process's {self.cpu_seconds:.1f} CPU seconds"
            )


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result of `work` and its processor seconds; nothing else may be running in this process."""
    with Meter() as meter:
        result = work()
    return result, meter.cpu_seconds


def peak_memory_mb(*process_ids: int) -> float:
    """The most memory that these running processes have held, added up; this process when none is given.

    10^6 bytes; 0 on a system that does not tell.
    """
    return (peak_memory_bytes(*process_ids) or 0) / 1e6


def medians(runs: list[Figures]) -> Figures:
    """The runs' figures as one: numbers by their median (a whole number stays one that was seen), flags
    true when true in every run, groups figure by figure."""
    return {name: _middle([run[name] for run in runs]) for name in runs[0]}


def _middle(values: list[Any]) -> Any:
    first = values[0]
    if isinstance(first, dict):
        return medians(values)
    if isinstance(first, bool):
        return all(values)
    if isinstance(first, int):
        return statistics.median_low(values)
    return float(statistics.median(values))


def _process_seconds() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime
