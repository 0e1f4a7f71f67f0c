"""What all members of a horizontal round know after each training round: equal bit for bit at every one.

It follows from opened sums and the plan alone, so a member that was lost can be told it again, and a member
that holds something else has gone wrong. It stays with the members: the aggregator knows none of it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from crypto.errors import UsageError
from federation import files
from federation.errors import MessageRefused
from federation.secure_sum.interface import Floats
from parties.horizontal.encoding import CommonEncoding

#: The version of the saved form.
VERSION = 1


@dataclass(frozen=True, slots=True)
class Point:
    """One training round: the L2 norm of the mean update, and the mean log loss over all parties before it.

    `loss` is over validation rows where the plan stops early, else over training rows; None with noise on.
    """

    number: int
    loss: float | None
    update_norm: float


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Best:
    """The round whose vector had the lowest validation loss so far."""

    number: int
    loss: float
    vector: Floats


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class RoundState:
    """After round `number` (0: after the statistics): the encoding, the model's vector (size,), the rest.

    `statistics` and `optimiser` are plain values as `Statistics.to_dict` and `ServerOptimiser.to_dict` give
    them. `vector` holds float32 values.
    """

    number: int
    encoding: CommonEncoding
    statistics: Mapping[str, Any]
    vector: Floats
    optimiser: Mapping[str, Any]
    history: tuple[Point, ...] = ()
    best: Best | None = None

    def after(
        self, vector: Floats, optimiser: Mapping[str, Any], point: Point, best: Best | None
    ) -> RoundState:
        """The state one round on."""
        return replace(
            self,
            number=self.number + 1,
            vector=vector,
            optimiser=optimiser,
            history=(*self.history, point),
            best=best,
        )

    @property
    def digest(self) -> bytes:
        """SHA-256 of `to_bytes`, by which members compare."""
        return hashlib.sha256(self.to_bytes()).digest()

    def to_bytes(self) -> bytes:
        """The canonical form: one for each state."""
        best = self.best
        return files.canonical_json(
            {
                "isthmus_state": VERSION,
                "number": self.number,
                "encoding": self.encoding.to_dict(),
                "statistics": dict(self.statistics),
                "vector": _packed(self.vector),
                "optimiser": dict(self.optimiser),
                "history": [[point.number, point.loss, point.update_norm] for point in self.history],
                "best": None if best is None else [best.number, best.loss, _packed(best.vector)],
            }
        )

    @staticmethod
    def from_bytes(data: bytes) -> RoundState:
        """What `to_bytes` gave; `MessageRefused` for anything else."""
        try:
            fields = json.loads(data)
            if fields["isthmus_state"] != VERSION:
                raise ValueError("another version")
            best = fields["best"]
            state = RoundState(
                number=_whole(fields["number"]),
                encoding=CommonEncoding.from_dict(fields["encoding"]),
                statistics=dict(fields["statistics"]),
                vector=_unpacked(fields["vector"]),
                optimiser=dict(fields["optimiser"]),
                history=tuple(_point(*point) for point in fields["history"]),
                best=None if best is None else Best(_whole(best[0]), _finite(best[1]), _unpacked(best[2])),
            )
        except (ValueError, KeyError, TypeError, RecursionError, binascii.Error, UsageError):
            raise MessageRefused("this is not the state of a horizontal round of this version") from None
        if state.to_bytes() != data:
            raise MessageRefused("the state of a horizontal round is not in its canonical form")
        return state

    def save(self, path: Path) -> None:
        """Keep it, mode 0600; durable when this returns."""
        files.write_private(path, self.to_bytes())

    @staticmethod
    def load(path: Path) -> RoundState | None:
        """What was kept, or None where nothing was. `UsageError` for a damaged file."""
        if not path.exists():
            return None
        try:
            return RoundState.from_bytes(files.read(path))
        except MessageRefused as refusal:
            raise UsageError(
                refusal.what,
                file=str(path),
                advice="Delete that file; the other parties tell this one again.",
            ) from None


def _packed(vector: Floats) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")


def _unpacked(text: str) -> Floats:
    vector = np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4").astype(np.float64)
    if not np.isfinite(vector).all():
        raise ValueError("a value is not finite")
    return vector


def _point(number: Any, loss: Any, norm: Any) -> Point:
    return Point(_whole(number), None if loss is None else _finite(loss), _finite(norm))


def _whole(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("not a whole number")
    return value


def _finite(value: Any) -> float:
    if type(value) is not float or not math.isfinite(value):
        raise ValueError("not a finite number")
    return value
