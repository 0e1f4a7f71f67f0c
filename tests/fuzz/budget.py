"""How long is fuzzed: half a second a target in the suite, ISTHMUS_FUZZ_SECONDS each in `make fuzz`."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest

SECONDS = float(os.environ.get("ISTHMUS_FUZZ_SECONDS", "0.5"))
#: The first seed; a failing input is printed by the test, and this gives it again.
SEED = int(os.environ.get("ISTHMUS_FUZZ_SEED", str(time.time_ns() % (1 << 32))))


def inputs(record: pytest.FixtureRequest, share: float = 1.0) -> Iterator[random.Random]:
    """A source of randomness for each input, until the time is up; the count is told at the end."""
    until, count = time.monotonic() + SECONDS * share, 0
    while time.monotonic() < until or count == 0:
        yield random.Random(SEED + count)
        count += 1
    record.node.user_properties.append(("inputs", count))
    told(f"{record.node.name}: {count:,} inputs from seed {SEED}")


def told(line: str) -> None:
    """What `make fuzz` shows."""
    sys.stdout.write(f"{line}\n")


def mutated(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """`data` with one to four things wrong with it; `other` lends pieces."""
    for _ in range(rng.randint(1, 4)):
        data = rng.choice(_MUTATIONS)(rng, data, other)
    return data


def _flip(rng: random.Random, data: bytes, other: bytes) -> bytes:
    if not data:
        return rng.randbytes(4)
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def _cut(rng: random.Random, data: bytes, other: bytes) -> bytes:
    at, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:at] + data[end:]


def _repeat(rng: random.Random, data: bytes, other: bytes) -> bytes:
    at, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    return data[:end] + data[at:end][:1000] + data[end:]


def _lend(rng: random.Random, data: bytes, other: bytes) -> bytes:
    at, end = sorted(rng.randrange(len(other) + 1) for _ in range(2))
    place = rng.randrange(len(data) + 1)
    return data[:place] + other[at:end] + data[place + rng.choice((0, end - at)) :]


def _number(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """A length or a count that is as large or as small as it can be."""
    size = rng.choice((1, 2, 4, 8))
    value = rng.choice((0, 1, (1 << (8 * size - 1)) - 1, (1 << (8 * size)) - 1, rng.getrandbits(8 * size)))
    at = rng.randrange(len(data) + 1)
    return data[:at] + value.to_bytes(size, rng.choice(("big", "little"))) + data[at + size :]


def _noise(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return rng.randbytes(rng.randrange(200))


def _restructured(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """One value of a MessagePack document replaced by a value of any kind."""
    try:
        value = msgpack.unpackb(data, strict_map_key=False)
        packed: bytes = msgpack.packb(_replaced(rng, value))
    except (ValueError, TypeError, OverflowError, msgpack.exceptions.UnpackException):
        return _flip(rng, data, other)
    return packed


def _replaced(rng: random.Random, value: Any) -> Any:
    if isinstance(value, list) and value and rng.random() < 0.85:
        at = rng.randrange(len(value))
        return [*value[:at], _replaced(rng, value[at]), *value[at + 1 :]]
    deep: Any = 1
    for _ in range(rng.randrange(400)):
        deep = [deep]
    texts, numbers = ["", "\x00\u202e", "a" * 500], [0, -1, 1 << 63, 1.5, float("nan")]
    others = [None, True, [], {}, {"a": 1}, deep, [value, value]]
    raw = [b"", b"\xff" * 32, rng.randbytes(16), msgpack.ExtType(5, b"x"), msgpack.Timestamp(1)]
    return rng.choice([*texts, *numbers, *others, *raw])


_MUTATIONS = (_flip, _flip, _cut, _repeat, _lend, _number, _noise, _restructured, _restructured)
