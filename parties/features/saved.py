"""Values read back from JSON. Each raises `TypeError` or `ValueError` for what was never saved."""

from __future__ import annotations

import math


def finite(value: object) -> float:
    """A finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError("not a number")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("not finite") from None
    if not math.isfinite(number):
        raise ValueError("not finite")
    return number


def text(value: object) -> str:
    """A text."""
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def texts(value: object) -> tuple[str, ...]:
    """A list of different texts."""
    if not isinstance(value, list):
        raise TypeError("not a list")
    found = tuple(text(item) for item in value)
    if len(set(found)) != len(found):
        raise ValueError("a text stands twice")
    return found


def flag(value: object) -> bool:
    """A truth value."""
    if not isinstance(value, bool):
        raise TypeError("not a truth value")
    return value


def position(value: object, below: int) -> int:
    """A position in a list of `below` entries."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("not a whole number")
    if not 0 <= value < below:
        raise ValueError("out of range")
    return value
