"""The Merkle tree of RFC 6962, section 2: one root over a list that only grows, and short proofs about it.

An inclusion proof shows that an entry stands at a place below a root; a consistency proof shows that a later
root is over the same entries and more. Both take a handful of digests (32 bytes, SHA-256), however long the
list is. The verifying algorithms are those of RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence

from crypto.codes import Code
from crypto.errors import Refusal, UsageError

#: The root of a tree without entries.
EMPTY_ROOT = hashlib.sha256().digest()


class ProofRefused(Refusal):
    """A proof does not show what it is said to show: the list was changed, cut or forked."""

    code = Code.PROOF
    advice = "Keep both sides' files as evidence; compare each with a backup."


def leaf_hash(entry: bytes) -> bytes:
    """The digest of an entry. The leading 0x00 keeps it apart from that of an inner node."""
    return hashlib.sha256(b"\x00" + entry).digest()


class Tree:
    """The digests of a growing list, and of every complete subtree of it."""

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]  # [height][place] -> the node over 2**height leaves
        for digest in leaf_hashes:
            self.append(digest)

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self._levels[0])

    def append(self, leaf_hash: bytes) -> int:
        """Add an entry by its `leaf_hash`; its index."""
        index, node = self.size, leaf_hash
        for level in self._levels:
            level.append(node)
            if len(level) % 2:
                return index
            node = _inner(level[-2], level[-1])
        self._levels.append([node])
        return index

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` entries; over all of them without a size."""
        end = self._within(self.size if size is None else size)
        return self._node(0, end) if end else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """The proof that entry `index` is among the first `size` (RFC 6962, section 2.1.1)."""
        end = self._within(self.size if size is None else size)
        if not 0 <= index < end:
            raise _outside(f"entry {index} is not among {end}")
        start, path = 0, []
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._node(middle, end))
                end = middle
            else:
                path.append(self._node(start, middle))
                start = middle
        return tuple(reversed(path))

    def consistency(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """The proof that the first `old` entries begin the first `new` (RFC 6962, section 2.1.2)."""
        end = self._within(self.size if new is None else new)
        if not 0 <= old <= end:
            raise _outside(f"{old} entries are more than {end}")
        if old in (0, end):
            return ()
        start, path, known = 0, [], True  # known: the verifier has the root over start to `old` already
        while old != end:
            middle = start + _split(end - start)
            if old <= middle:
                path.append(self._node(middle, end))
                end = middle
            else:
                path.append(self._node(start, middle))
                start, known = middle, False
        if not known:
            path.append(self._node(start, end))
        return tuple(reversed(path))

    def _node(self, start: int, end: int) -> bytes:
        """The root over the leaves from `start` to before `end`; `start` is where such a subtree begins."""
        width = end - start
        if width & (width - 1) == 0:
            return self._levels[width.bit_length() - 1][start // width]
        middle = start + _split(width)
        return _inner(self._node(start, middle), self._node(middle, end))

    def _within(self, size: int) -> int:
        if not 0 <= size <= self.size:
            raise _outside(f"the list has {self.size} entries, not {size}")
        return size


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Raise `ProofRefused` unless `proof` shows the leaf's digest at `index` below `root` over `size`."""
    if not 0 <= index < size:
        raise ProofRefused(f"entry {index} cannot be among {size}")
    place, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofRefused(f"the proof of entry {index} is too long")
        if place % 2 or place == last:
            node = _inner(sibling, node)
            while not place % 2 and place:
                place, last = place >> 1, last >> 1
        else:
            node = _inner(node, sibling)
        place, last = place >> 1, last >> 1
    if last != 0 or not hmac.compare_digest(node, root):
        raise ProofRefused(f"entry {index} is not among the {size} of this root")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Raise `ProofRefused` unless `proof` shows that the list of `old_root` begins that of `new_root`."""
    if not 0 <= old <= new:
        raise ProofRefused(f"the list shrank from {old} entries to {new}")
    if old == 0 or old == new:
        expected = EMPTY_ROOT if old == 0 else new_root
        if proof or not hmac.compare_digest(old_root, expected):
            raise ProofRefused(f"two roots over {old} entries differ")
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        raise ProofRefused("the consistency proof is too short")
    place, last = old - 1, new - 1
    while place % 2:
        place, last = place >> 1, last >> 1
    old_node = new_node = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofRefused("the consistency proof is too long")
        if place % 2 or place == last:
            old_node, new_node = _inner(sibling, old_node), _inner(sibling, new_node)
            while not place % 2 and place:
                place, last = place >> 1, last >> 1
        else:
            new_node = _inner(new_node, sibling)
        place, last = place >> 1, last >> 1
    same = hmac.compare_digest(old_node, old_root) and hmac.compare_digest(new_node, new_root)
    if last != 0 or not same:
        raise ProofRefused(f"the first {old} of {new} entries are not those that were seen before")


def _inner(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << ((width - 1).bit_length() - 1)


def _outside(what: str) -> UsageError:
    return UsageError(what, advice="Ask for a part of the list that there is.")
