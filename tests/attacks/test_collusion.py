"""An aggregator and one client together: the group's key opens an upload, and masks are what it finds."""

from __future__ import annotations

import pytest

from crypto.controls import SharedKeyCkks
from crypto.sealed import Words64
from crypto.summation import ring
from crypto.summation.protection import SealedVector
from tests.attacks.members import SCHEMES, Group, correlation, updates

LENGTH = 20_000


@pytest.fixture(params=SCHEMES)
def group(request: pytest.FixtureRequest) -> Group:
    return Group(request.param)


def opened_alone(group: Group, upload: SealedVector) -> Words64:
    """The victim's words with all that the two can take off.

    The aggregator has the upload, and gives it the victim's weight; the client has the group's key, its own
    mask with the victim, and the victim's own mask, as after a sum that was opened.
    """
    scheme, count = group.scheme, group.lanes.words(LENGTH)
    total = scheme.add([upload], group.weights and group.weights[:1])
    words = scheme.open(group.key, "1", total, count).open_locally()
    words = ring.subtract(words, group.own_mask("victim", "1", count), scheme.modulus)
    return ring.add(words, shared_with_victim(group, "colluder", count), scheme.modulus)


def shared_with_victim(group: Group, name: str, count: int) -> Words64:
    """What `name` adds to its own words for the victim, who adds the opposite."""
    return group.masks(name).residues("1", frozenset({"victim"}), count, group.scheme.modulus)


def likeness(group: Group, words: Words64) -> float:
    return correlation(group.lane_values(words, LENGTH), updates(LENGTH)["victim"])


def test_one_upload_tells_aggregator_and_client_nothing(group: Group) -> None:
    upload = group.seal("victim", updates(LENGTH)["victim"])
    assert likeness(group, opened_alone(group, upload)) < 0.05


def test_control_without_the_masks_inside_the_two_read_it(group: Group) -> None:
    upload = group.seal("victim", updates(LENGTH)["victim"], masked=False)
    scheme = group.scheme
    words = scheme.open(group.key, "1", scheme.add([upload]), group.lanes.words(LENGTH)).open_locally()
    assert likeness(group, words) > 0.999


def test_control_with_the_honest_client_too_they_read_it(group: Group) -> None:
    """The mask shared with the honest client is all that hid it: between two members nothing would."""
    words = opened_alone(group, group.seal("victim", updates(LENGTH)["victim"]))
    words = ring.add(words, shared_with_victim(group, "honest", len(words)), group.scheme.modulus)
    assert likeness(group, group.times(words, group.factor("victim"))) > 0.999


def test_control_under_a_shared_key_alone_any_client_reads_any_upload() -> None:
    update = updates(LENGTH)["victim"]
    scheme = SharedKeyCkks()
    assert correlation(scheme.decrypt(scheme.encrypt(update))[:LENGTH], update) > 0.999
