"""What must not leave: the wrapper that no message accepts."""

from __future__ import annotations

from typing import Generic, NoReturn, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Private(Generic[T_co]):
    """A value that stays with the party that holds it.

    It cannot be printed, compared, iterated, pickled or put into a message: `Egress.send` takes a
    `Message`, and a message's fields are sealed or public (`federation.message`). The one way in is
    `open_locally()`, so a search for that name finds every place where plaintext is touched.
    """

    __slots__ = ("_value",)

    def __init__(self, value: T_co) -> None:
        self._value = value

    def open_locally(self) -> T_co:
        """The value, for computing inside this party."""
        return self._value

    def __repr__(self) -> str:
        return "Private(...)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Private value is never serialised")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a Private value is never serialised")

    def __iter__(self) -> NoReturn:
        raise TypeError("a Private value is opened with open_locally(), not iterated")

    def __bool__(self) -> NoReturn:
        raise TypeError("a Private value is opened with open_locally(), not tested")

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("Private values are opened with open_locally(), not compared")
