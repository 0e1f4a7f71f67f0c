"""`Sums` without a session: members are threads of this process that meet and add up in plain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier, BrokenBarrierError
from typing import Any, TypeVar

import numpy as np

from crypto.private import Private
from federation.ids import PartyId
from federation.secure_sum.draws import Draws, NoisyGrid, within_norm
from federation.secure_sum.interface import Floats, Integers

T = TypeVar("T")

#: Steps of the grid from 0 to `clip`, about what 16 members have in a lane of 25 bits.
LEVELS = 1_000_000


@dataclass
class Meeting:
    """What the members of one group share. `calls` lists each call once: its kind, label and length."""

    members: tuple[PartyId, ...]
    barrier: Barrier
    parts: dict[PartyId, tuple[tuple[Any, ...], Any]] = field(default_factory=dict)
    calls: list[tuple[str, str, int]] = field(default_factory=list)


class PlainSums:
    """One member's seat: keeps the law of `Sums`, protects nothing, and is as coarse as a real grid."""

    def __init__(self, me: PartyId, meeting: Meeting) -> None:
        self._me = me
        self._meeting = meeting

    @property
    def me(self) -> PartyId:
        return self._me

    @property
    def members(self) -> tuple[PartyId, ...]:
        return self._meeting.members

    def total(self, label: str, values: Private[Floats], clip: float) -> Floats:
        plain = self._finite(values)
        steps = np.round(np.clip(plain, -clip, clip) * (LEVELS / clip)).astype(np.int64)
        parts = self._exchange(("total", label, len(plain), clip), steps)
        total: Floats = np.sum(parts, axis=0) * (clip / LEVELS)
        return total

    def noisy_total(self, label: str, values: Private[Floats], clip: float, multiplier: float) -> Floats:
        """Noise as in a real sum, but the same in every test: it follows from member, label and values."""
        grid = NoisyGrid.within(LEVELS, multiplier)
        plain = within_norm(Private(self._finite(values)), clip).open_locally()
        steps = Private(np.round(plain * (grid.levels / clip)).astype(np.int64))
        source = Draws(hashlib.sha256(self._me.encode()).digest()).noise(label, grid, steps)
        noisy = grid.add_noise(steps, source).open_locally()
        parts = self._exchange(("noisy", label, len(plain), clip, multiplier), noisy)
        total: Floats = np.sum(parts, axis=0) * (clip / grid.levels)
        return total

    def counts(self, label: str, values: Private[Integers], bound: int) -> Integers:
        plain = values.open_locally()
        if plain.dtype != np.int64 or plain.ndim != 1:
            raise TypeError("counts are a flat array of int64")
        if np.abs(plain).max(initial=0) > bound:
            raise ValueError("a count lies beyond the bound")
        total: Integers = np.sum(self._exchange(("counts", label, len(plain), bound), plain), axis=0)
        return total

    def mean(
        self,
        label: str,
        values: Private[Floats],
        clip: float,
        weight: float,
        shares: Private[Floats] | None = None,
    ) -> Floats:
        plain = np.clip(self._finite(values), -clip, clip)
        weighed = plain * (weight if shares is None else self._finite(shares))
        parts = self._exchange(("mean", label, len(plain), clip), (weight, weighed))
        total: Floats = np.sum([each for _, each in parts], axis=0)
        return total / sum(each for each, _ in parts)

    @staticmethod
    def _finite(values: Private[Floats]) -> Floats:
        plain = values.open_locally()
        if plain.dtype != np.float64 or plain.ndim != 1 or not np.isfinite(plain).all():
            raise ValueError("values are a flat array of finite float64")
        return plain

    def _exchange(self, call: tuple[Any, ...], part: Any) -> list[Any]:
        meeting = self._meeting
        meeting.parts[self._me] = (call, part)
        meeting.barrier.wait(120)
        given = [meeting.parts[member] for member in meeting.members]
        if self._me == meeting.members[0]:
            meeting.calls.append(call[:3])
        meeting.barrier.wait(120)
        if any(other != call for other, _ in given):
            raise ValueError(f"members differ in what they sum: {[other for other, _ in given]}")
        return [each for _, each in given]


def run_members(
    parts: dict[str, Callable[[PlainSums], T]], calls: list[tuple[str, str, int]] | None = None
) -> dict[str, T]:
    """Run each member's part in a thread of its own; the first real error of any is raised.

    `calls`, where given, is filled with the kind, label and length of every sum, in order.
    """
    members = tuple(PartyId(name) for name in parts)
    meeting = Meeting(members, Barrier(len(members)))

    def play(name: str) -> T:
        try:
            return parts[name](PlainSums(PartyId(name), meeting))
        except BaseException:
            meeting.barrier.abort()
            raise

    with ThreadPoolExecutor(len(members)) as pool:
        running = {name: pool.submit(play, name) for name in parts}
    errors = [error for each in running.values() if (error := each.exception()) is not None]
    if errors:
        raise next((error for error in errors if not isinstance(error, BrokenBarrierError)), errors[0])
    if calls is not None:
        calls.extend(meeting.calls)
    labels = [(kind, label) for kind, label, _ in meeting.calls]
    if len(set(labels)) != len(labels):
        raise ValueError("a label is used twice")
    return {name: each.result() for name, each in running.items()}
