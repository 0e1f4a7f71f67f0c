"""A Private value gives itself up in one way only."""

from __future__ import annotations

import copy
import json
import pickle

import msgpack
import pytest

from crypto.private import Private

SECRET = "91330100MA27XYZ12Q"


@pytest.mark.parametrize(
    "show", [repr, str, lambda p: f"{p}", lambda p: f"{p!r:>20}", lambda p: [p].__repr__()]
)
def test_no_way_of_printing_shows_the_value(show) -> None:  # type: ignore[no-untyped-def]
    assert SECRET not in show(Private(SECRET))


@pytest.mark.parametrize(
    "use",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        json.dumps,
        msgpack.packb,
        list,
        bool,
        hash,
        len,
        bytes,
        float,
        lambda p: p == p,
        lambda p: p != SECRET,
        lambda p: p + p,
        lambda p: p[0],
        lambda p: SECRET in p,
    ],
)
def test_it_is_not_serialised_copied_compared_or_iterated(use) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError) as refused:
        use(Private(SECRET))
    assert SECRET not in str(refused.value)


def test_it_has_no_dictionary_for_a_serialiser_to_walk() -> None:
    with pytest.raises(TypeError):
        vars(Private(SECRET))


def test_open_locally_gives_the_very_object() -> None:
    rows = [1, 2, 3]
    assert Private(rows).open_locally() is rows
