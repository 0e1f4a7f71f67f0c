"""Matching, against Python's own sets."""

from __future__ import annotations

import numpy as np
import pytest

from crypto.errors import Refusal, UsageError
from crypto.tags import Tags, match, positions


def split(tags: Tags) -> list[bytes]:
    return [tags.data[at : at + 16] for at in range(0, len(tags.data), 16)]


def some_tags(rng: np.random.Generator, alphabet: bytes, size: int) -> Tags:
    """Distinct tags over few byte values: many share a long prefix, or end in zeros, or are zero."""
    drawn = {bytes(rng.choice(list(alphabet), size=16).astype(np.uint8)) for _ in range(size)}
    short = {bytes(each[:cut]).ljust(16, b"\0") for each in drawn for cut in (1, 15)}
    everything = sorted(drawn | short)
    return Tags.from_wire(b"".join(everything[index] for index in rng.permutation(len(everything))))


@pytest.mark.parametrize("alphabet", [b"\0\1", b"\0\xff", b"\x7f\x80\0", bytes(range(256))])
@pytest.mark.parametrize("size", [0, 1, 50, 700])
def test_match_and_positions_agree_with_pythons_sets(alphabet: bytes, size: int) -> None:
    rng = np.random.default_rng(size)
    pool = split(some_tags(rng, alphabet, size))
    sets = [
        Tags(b"".join(pool[index] for index in rng.permutation(len(pool))[: len(pool) * 3 // 4]))
        for _ in range(3)
    ]
    common = match(sets)
    assert split(common) == sorted(set(split(sets[0])) & set(split(sets[1])) & set(split(sets[2])))
    for own in sets:
        rows = positions(common, own)
        assert rows.dtype == np.int64
        assert [split(own)[row] for row in rows] == split(common)


def test_a_party_with_no_rows_matches_nothing() -> None:
    some = Tags(bytes(range(32)))
    assert len(match([some, Tags(b"")])) == 0
    assert len(match([Tags(b""), some, some])) == 0
    assert positions(Tags(b""), some).shape == (0,)


def test_one_set_alone_is_not_matched() -> None:
    with pytest.raises(UsageError, match="nothing to be matched with"):
        match([Tags(bytes(16))])


def test_a_common_tag_that_is_not_ones_own_is_refused() -> None:
    own = Tags(b"\2" * 16 + b"\1" * 16)
    for foreign in (b"\0" * 16, b"\1" * 15 + b"\2", b"\3" * 16):
        with pytest.raises(Refusal, match="not among"):
            positions(Tags(foreign), own)
    with pytest.raises(Refusal, match="not among"):
        positions(Tags(b"\1" * 16), Tags(b""))


def test_a_matcher_cannot_pair_rows_of_different_subjects_by_reordering() -> None:
    own = Tags(b"\2" * 16 + b"\1" * 16)
    with pytest.raises(Refusal, match="ascending"):
        positions(own, own)
    with pytest.raises(Refusal, match="ascending"):
        positions(Tags(b"\1" * 32), own)
    assert positions(own.sorted(), own).tolist() == [1, 0]


@pytest.mark.parametrize("data", [b"\0", bytes(15), bytes(17), bytes(47)])
def test_tags_of_a_wrong_length_are_refused(data: bytes) -> None:
    with pytest.raises(Refusal, match="16 bytes"):
        Tags.from_wire(data)


def test_a_repeated_tag_is_refused_without_naming_it() -> None:
    tag = b"\xab" * 16
    with pytest.raises(Refusal, match="twice") as refused:
        Tags.from_wire(tag + bytes(16) + tag)
    assert "abab" not in repr(refused.value)
    assert "\\xab" not in repr(refused.value)


def test_tags_show_nothing_when_printed() -> None:
    assert repr(Tags(b"\xab" * 16)) == "Tags(...)"


def test_sorting_hides_the_order_and_loses_nothing() -> None:
    rng = np.random.default_rng(1)
    tags = some_tags(rng, b"\0\1\xff", 500)
    assert split(tags.sorted()) == sorted(split(tags))
    assert split(tags) != sorted(split(tags))
