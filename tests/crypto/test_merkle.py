"""The tree agrees with the published vectors, and a proof shows nothing but what is so."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import UsageError
from crypto.merkle import EMPTY_ROOT, ProofRefused, Tree, leaf_hash, verify_consistency, verify_inclusion

#: The eight entries, and the roots over the first 1 to 8 of them, of certificate-transparency's own tests
#: (merkletree/merkle_tree_test.cc, taken over by transparency-dev/merkle).
VECTORS = [bytes.fromhex(h) for h in ("", "00", "10", "2021", "3031", "40414243")]
VECTORS += [bytes.fromhex(h) for h in ("5051525354555657", "606162636465666768696a6b6c6d6e6f")]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION_5_OF_8 = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
CONSISTENCY_6_TO_8 = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
CONSISTENCY_2_TO_5 = [
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
]
MOST = 130


def tree(size: int) -> Tree:
    return Tree(leaf_hash(number.to_bytes(2, "big")) for number in range(size))


WHOLE = tree(MOST)


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, as its text has it."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def test_the_roots_are_those_of_certificate_transparency() -> None:
    grown = Tree()
    assert grown.root() == EMPTY_ROOT == hashlib.sha256(b"").digest()
    for entry, root in zip(VECTORS, ROOTS, strict=True):
        grown.append(leaf_hash(entry))
        assert grown.root().hex() == root
    assert [grown.root(size).hex() for size in range(1, 9)] == ROOTS


def test_the_proofs_are_those_of_certificate_transparency() -> None:
    grown = Tree(map(leaf_hash, VECTORS))
    assert [node.hex() for node in grown.inclusion(5, 8)] == INCLUSION_5_OF_8
    assert [node.hex() for node in grown.consistency(6, 8)] == CONSISTENCY_6_TO_8
    assert [node.hex() for node in grown.consistency(2, 5)] == CONSISTENCY_2_TO_5


def test_every_root_is_that_of_the_definition() -> None:
    leaves = [number.to_bytes(2, "big") for number in range(MOST)]
    for size in range(MOST + 1):
        assert WHOLE.root(size) == naive_root(leaves[:size]) == tree(size).root()


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_every_proof_of_every_size_is_accepted(size: int) -> None:
    root = WHOLE.root(size)
    for index in range(size):
        leaf = leaf_hash(index.to_bytes(2, "big"))
        verify_inclusion(leaf, index, size, WHOLE.inclusion(index, size), root)
    for old in range(size + 1):
        verify_consistency(old, size, WHOLE.root(old), root, WHOLE.consistency(old, size))


@st.composite
def proofs(draw: st.DrawFn) -> tuple[int, int, int]:
    new = draw(st.integers(2, MOST))
    return draw(st.integers(1, new - 1)), new, draw(st.integers(0, 255))


@settings(max_examples=300)
@given(proofs(), st.integers(0, 7), st.booleans())
def test_a_proof_with_one_bit_changed_or_a_node_more_or_fewer_is_refused(
    case: tuple[int, int, int], place: int, shorter: bool
) -> None:
    old, new, bit = case
    index, root = old, WHOLE.root(new)
    leaf = leaf_hash(index.to_bytes(2, "big"))
    inclusion, consistency = WHOLE.inclusion(index, new), WHOLE.consistency(old, new)
    for bad in altered(inclusion, place, bit, shorter):
        with pytest.raises(ProofRefused):
            verify_inclusion(leaf, index, new, bad, root)
    for bad in altered(consistency, place, bit, shorter):
        with pytest.raises(ProofRefused):
            verify_consistency(old, new, WHOLE.root(old), root, bad)


def altered(proof: tuple[bytes, ...], place: int, bit: int, shorter: bool) -> list[list[bytes]]:
    nodes, place = list(proof), place % len(proof)
    changed = bytearray(nodes[place])
    changed[bit // 8] ^= 1 << bit % 8
    resized = nodes[:-1] if shorter else [*nodes, nodes[0]]
    return [[*nodes[:place], bytes(changed), *nodes[place + 1 :]], resized]


@settings(max_examples=200)
@given(proofs(), st.integers(0, MOST))
def test_a_proof_is_of_its_own_entry_place_size_and_roots_only(
    case: tuple[int, int, int], other: int
) -> None:
    index, size, _ = case
    leaf, proof, root = leaf_hash(index.to_bytes(2, "big")), WHOLE.inclusion(index, size), WHOLE.root(size)
    if other != index:
        with pytest.raises(ProofRefused):
            verify_inclusion(leaf_hash(other.to_bytes(2, "big")), index, size, proof, root)
        with pytest.raises(ProofRefused):
            verify_inclusion(leaf, other, size, proof, root)
    if other != size:
        with pytest.raises(ProofRefused):
            verify_inclusion(leaf, index, size, proof, WHOLE.root(other))
    old, steps = index, WHOLE.consistency(index, size)
    if other != old:
        with pytest.raises(ProofRefused):
            verify_consistency(old, size, WHOLE.root(other), root, steps)
    if other != size:
        with pytest.raises(ProofRefused):
            verify_consistency(old, size, WHOLE.root(old), WHOLE.root(other), steps)


def test_a_list_that_shrank_or_was_forked_at_the_same_size_is_refused() -> None:
    with pytest.raises(ProofRefused, match="shrank from 5 entries to 4"):
        verify_consistency(5, 4, WHOLE.root(5), WHOLE.root(4), ())
    with pytest.raises(ProofRefused, match="two roots over 5"):
        verify_consistency(5, 5, WHOLE.root(5), WHOLE.root(4), ())
    with pytest.raises(ProofRefused, match="two roots over 0"):
        verify_consistency(0, 5, WHOLE.root(1), WHOLE.root(5), ())
    with pytest.raises(ProofRefused, match="two roots over 5"):
        verify_consistency(5, 5, WHOLE.root(5), WHOLE.root(5), (bytes(32),))


def test_an_inner_node_is_no_entry() -> None:
    """The 0x00 and 0x01 of RFC 6962: without them a node's two children would be an entry with its hash."""
    two = Tree([leaf_hash(b"a"), leaf_hash(b"b")])
    with pytest.raises(ProofRefused):
        verify_inclusion(leaf_hash(leaf_hash(b"a") + leaf_hash(b"b")), 0, 1, (), two.root())


def test_what_the_list_does_not_have_cannot_be_asked_for() -> None:
    with pytest.raises(UsageError, match="has 130 entries, not 131"):
        WHOLE.root(131)
    with pytest.raises(UsageError, match="entry 7 is not among 7"):
        WHOLE.inclusion(7, 7)
    with pytest.raises(UsageError, match="8 entries are more than 7"):
        WHOLE.consistency(8, 7)
