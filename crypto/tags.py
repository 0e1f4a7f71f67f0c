"""Tags: what the aggregator matches without knowing what they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crypto.errors import Refusal, UsageError
from crypto.sealed import Sealed, Wire, wire_bytes
from crypto.x25519 import TAG_BYTES

_ADVICE = "Ask that role to run the same version of Isthmus; then launch the round again."


@dataclass(frozen=True, slots=True, repr=False)
class Tags(Sealed):
    """One 16-byte tag per element of a set, laid end to end; no two are equal.

    Without every party's key a tag tells nothing about its identifier, not even to a party that can guess
    the identifier, and tags of two runs cannot be linked. It does not hide the size of the set, nor, from
    whoever holds the tags of several sets, how large each of their overlaps is. Who holds those *and* the
    identifiers of one set learns which of these identifiers each other set has: the matcher when it
    colludes with a party, and a party that is given its own tags when it made another's. Unless they are
    `sorted()`, tags also stand in the order of rows.
    """

    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) % TAG_BYTES:
            raise Refusal("tags do not come in whole numbers of 16 bytes", advice=_ADVICE)

    @classmethod
    def from_wire(cls, wire: Wire) -> Self:
        """Parse tags that another role sent. Raises `Refusal` for a wrong length or a repeated tag."""
        tags = cls(wire_bytes(wire, of="Tags"))
        ordered = np.sort(_keys(tags))
        if (ordered[1:] == ordered[:-1]).any():
            raise Refusal("a tag stands twice in one set", advice=_ADVICE)
        return tags

    def to_wire(self) -> Wire:
        return self.data

    def __len__(self) -> int:
        return len(self.data) // TAG_BYTES

    def __repr__(self) -> str:
        return "Tags(...)"

    def sorted(self) -> Tags:
        """The same tags in ascending order: they no longer show the order of rows."""
        return Tags(np.sort(_keys(self)).tobytes())


def match(tag_sets: Sequence[Tags]) -> Tags:
    """The tags that are in every set, in ascending order. Needs two sets at least, else `UsageError`."""
    if len(tag_sets) < 2:
        raise UsageError("one set of tags has nothing to be matched with", advice="Admit a second party.")
    common, *others = sorted((np.sort(_keys(tags)) for tags in tag_sets), key=len)
    for other in others:
        common = common[_found(common, other)]
    return Tags(common.tobytes())


def positions(common: Tags, own: Tags) -> NDArray[np.int64]:
    """For each common tag, in ascending order, its place in `own`: int64, one per common tag.

    The order of the common tags is the order of rows in everything that follows, so a matcher that sent them
    in another order to each party would pair rows of different subjects. Raises `Refusal` unless they ascend
    strictly and are all among this party's own.
    """
    keys, order = _keys(common), np.argsort(_keys(own))
    if not (keys[1:] > keys[:-1]).all():
        raise Refusal("the common tags do not stand in ascending order", advice=_ADVICE)
    ordered = _keys(own)[order]
    if not _found(keys, ordered).all():
        raise Refusal("a common tag is not among this party's own", advice=_ADVICE)
    return order[np.searchsorted(ordered, keys)].astype(np.int64)


def _found(keys: NDArray[np.bytes_], ordered: NDArray[np.bytes_]) -> NDArray[np.bool_]:
    """For each key, whether it is in `ordered`."""
    if not len(ordered):
        return np.zeros(len(keys), dtype=np.bool_)
    places = np.minimum(np.searchsorted(ordered, keys), len(ordered) - 1)
    found: NDArray[np.bool_] = ordered[places] == keys
    return found


def _keys(tags: Tags) -> NDArray[Any]:
    """The tags as fixed-width byte strings, which numpy sorts as `memcmp` does.

    numpy drops trailing zero bytes when it *returns* such a string, but compares all strings of one width
    alike, and `tobytes` returns every byte.
    """
    return np.frombuffer(tags.data, dtype=f"S{TAG_BYTES}")
