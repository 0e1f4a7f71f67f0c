"""What was saved is read back strictly."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parties.features.saved import finite, flag, position, text, texts


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        *((finite, wrong) for wrong in (float("nan"), float("inf"), 10**400, "1", None, True)),
        *((text, wrong) for wrong in (1, None, ["a"])),
        *((texts, wrong) for wrong in ("ab", ["a", "a"], [1], None)),
        *((flag, wrong) for wrong in (0, 1, "true", None)),
        *((lambda value: position(value, 3), wrong) for wrong in (-1, 3, 1.0, True, "1")),
    ],
)
def test_anything_else_is_refused(read: Callable[[object], object], wrong: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        read(wrong)


def test_what_was_saved_is_read() -> None:
    assert finite(2) == 2.0
    assert texts(["a", "b"]) == ("a", "b")
    assert flag(False) is False
    assert position(2, 3) == 2
