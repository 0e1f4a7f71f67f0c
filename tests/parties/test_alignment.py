"""Alignment from every seat: the same firms in the same order, and nobody sees more than that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from crypto.curve import BlindedPoints, RingKey, Tags
from crypto.errors import Refusal
from crypto.private import Private
from crypto.sealed import RowPositions
from federation import codec
from federation.errors import EgressRefused, MessageRefused, PlanRefused, SessionEnded
from federation.ids import AGGREGATOR, PartyId
from federation.messages.alignment import CommonRows, RingPoints, RingTags
from federation.protocols.matching import common_rows
from federation.session import Session
from parties.alignment import _shuffled, align
from tests.seats import FOUR, THREE, TWO, run_seats

MINIMUM = 20
Part = Callable[[Session], Any]


def held(names: Sequence[str], size: int = 120) -> dict[str, list[bytes]]:
    """Overlapping sets in random order; 40 firms or more are common to all."""
    rng = np.random.default_rng(len(names))
    sets = {}
    for number, name in enumerate(names):
        firms = [*range(40), *range(100 + 30 * number, 100 + 30 * number + size - 40)]
        sets[name] = [f"91330100MA{firm:08d}".encode() for firm in rng.permutation(firms)]
    return sets


def party(ids: list[bytes], minimum: int = MINIMUM) -> Part:
    return lambda session: align(session, Private(ids), minimum).open_locally()


def matcher(session: Session) -> dict[PartyId, Tags]:
    """The aggregator's part, keeping what it saw."""
    told = session.gather(session.seating.parties, RingTags)
    tags = {message.owner: message.tags for message in told.values()}
    for name, rows in common_rows(tags, MINIMUM).items():
        session.send(name, rows)
    return tags


def parties_of(roles: dict[str, Any]) -> list[str]:
    return [name for name in roles if name != AGGREGATOR]


@pytest.mark.parametrize("roles", [TWO, THREE, FOUR], ids=["two", "three", "four"])
def test_all_parties_find_the_exact_intersection_in_one_order(roles: dict[str, Any]) -> None:
    sets = held(parties_of(roles))
    out = run_seats(roles, {**{n: party(ids) for n, ids in sets.items()}, AGGREGATOR: matcher})
    orders = [[ids[row] for row in out[name]] for name, ids in sets.items()]
    assert all(order == orders[0] for order in orders)
    expected = set.intersection(*(set(ids) for ids in sets.values()))
    assert set(orders[0]) == expected and len(orders[0]) == len(expected)
    assert orders[0] != sorted(orders[0])  # The common order tells nothing about the identifiers.


class Wire:
    """Every envelope, and what each role can open of it with its own keys."""

    def __init__(self) -> None:
        self.frames: list[tuple[PartyId, PartyId, bytes]] = []
        self._lock = threading.Lock()

    def tap(self, sender: PartyId, to: PartyId, envelope: bytes) -> None:
        with self._lock:
            self.frames.append((sender, to, envelope))


def test_the_aggregators_view_holds_no_identifier_and_no_row_order(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire()
    opened: list[Any] = []
    decode = codec.decode

    def watched(data: bytes, *kinds: Any) -> Any:
        message = decode(data, *kinds)
        with wire._lock:
            opened.append((message, data))
        return message

    monkeypatch.setattr(codec, "decode", watched)
    sets = held(parties_of(THREE))
    tags: dict[PartyId, Tags] = run_seats(
        THREE, {**{n: party(ids) for n, ids in sets.items()}, AGGREGATOR: matcher}, tap=wire.tap
    )["aggregator"]
    everything = b"".join(envelope for _, _, envelope in wire.frames)
    everything += b"".join(data for _, data in opened)
    for ids in sets.values():
        assert not any(each in everything for each in ids)
    # Row order: had a party not shuffled, equal firms would stand at equal places in two runs.
    again: dict[PartyId, Tags] = run_seats(
        THREE, {**{n: party(ids) for n, ids in sets.items()}, AGGREGATOR: matcher}
    )["aggregator"]
    for name in tags:
        assert len(tags[name]) == len(again[name]) == len(sets[name])
        assert not set(split(tags[name])) & set(split(again[name]))  # Two runs cannot be linked.


def split(tags: Tags) -> list[bytes]:
    return [tags.data[at : at + 16] for at in range(0, len(tags.data), 16)]


def test_the_shuffle_takes_a_word_from_the_system_for_each_row_and_no_generators_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drawn: list[int] = []

    def words(size: int) -> bytes:
        drawn.append(size)
        return np.arange(size // 8, 0, -1, dtype=np.uint64).tobytes()

    monkeypatch.setattr("os.urandom", words)
    assert _shuffled(1000).tolist() == [*range(999, -1, -1)]
    assert sum(drawn) == 8000


def test_rows_stand_in_a_fresh_random_order_before_the_neighbour_sees_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The maker of a set's tags matches places with the owner's rows: they agree by chance only."""
    orders: list[Any] = []

    def watched(count: int) -> Any:
        orders.append(_shuffled(count))
        return orders[-1]

    monkeypatch.setattr("parties.alignment._shuffled", watched)
    sets = held(parties_of(TWO))
    run_seats(TWO, {**{n: party(ids) for n, ids in sets.items()}, AGGREGATOR: matcher})
    assert len(orders) == 2
    for order in orders:
        assert sorted(order) == [*range(120)]
        assert np.abs(np.corrcoef(order, np.arange(120))[0, 1]) < 0.5
        assert (order == np.arange(120)).sum() < 15
    assert (orders[0] != orders[1]).any()


def test_points_go_round_the_ring_and_tags_go_to_the_aggregator_only() -> None:
    sent: list[tuple[str, str, str]] = []

    def watching(ids: list[bytes]) -> Part:
        def play(session: Session) -> Any:
            send = session.egress.send

            def watched(to: PartyId, message: Any) -> None:
                sent.append((session.me, to, message.NAME))
                send(to, message)

            session.egress.send = watched  # type: ignore[method-assign]
            return align(session, Private(ids), MINIMUM)

        return play

    sets = held(parties_of(FOUR))
    run_seats(FOUR, {**{n: watching(ids) for n, ids in sets.items()}, AGGREGATOR: matcher})
    ring = parties_of(FOUR)
    following = dict(zip(ring, [*ring[1:], ring[0]], strict=True))
    tags = [(sender, to) for sender, to, name in sent if name == "alignment/tags"]
    points = [(sender, to) for sender, to, name in sent if name == "alignment/points"]
    assert sorted(tags) == sorted((name, AGGREGATOR) for name in ring)
    assert sorted(points) == sorted((name, following[name]) for name in ring for _ in range(3))


def test_no_party_can_be_sent_tags() -> None:
    def leak(session: Session) -> None:
        session.send(PartyId("platform"), RingTags(PartyId("bank"), Tags(bytes(16))))

    with pytest.raises(EgressRefused):
        run_seats(THREE, {**dict.fromkeys(parties_of(THREE), lambda s: None), "bank": leak, AGGREGATOR: str})


def cheat(change: Callable[[RingPoints], RingPoints], ids: list[bytes]) -> Part:
    """A party that follows the protocol but sends `change(...)` of what it should pass on."""

    def play(session: Session) -> Any:
        send = session.egress.send

        def changed(to: PartyId, message: Any) -> None:
            send(to, change(message) if isinstance(message, RingPoints) else message)

        session.egress.send = changed  # type: ignore[method-assign]
        return align(session, Private(ids), MINIMUM)

    return play


def doubled(message: RingPoints) -> RingPoints:
    return RingPoints(message.owner, BlindedPoints(message.points.data[:32] + message.points.data))


def off_curve(message: RingPoints) -> RingPoints:
    return RingPoints(message.owner, BlindedPoints((2).to_bytes(32, "little") + message.points.data[32:]))


def small_order(message: RingPoints) -> RingPoints:
    return RingPoints(message.owner, BlindedPoints(bytes(32) + message.points.data[32:]))


def renamed(message: RingPoints) -> RingPoints:
    return RingPoints(PartyId("public"), message.points)


@pytest.mark.parametrize("change", [doubled, off_curve, small_order, renamed])
def test_a_party_that_sends_something_else_round_the_ring_is_refused(
    change: Callable[[RingPoints], RingPoints],
) -> None:
    sets = held(parties_of(THREE))
    parts = {n: party(ids) for n, ids in sets.items()}
    with pytest.raises(Refusal) as refused:
        run_seats(THREE, {**parts, "bank": cheat(change, sets["bank"]), AGGREGATOR: matcher}, patience=5)
    if change is renamed:
        assert isinstance(refused.value, MessageRefused) and refused.value.party == "bank"
        assert "another set came round the ring" in refused.value.what


def test_too_small_an_intersection_ends_every_seat_with_the_same_cause() -> None:
    sets = held(parties_of(THREE))
    sets["public"] = [f"other-{i}".encode() for i in range(100)] + sets["public"][: MINIMUM - 10]
    with pytest.raises(PlanRefused, match=f"fewer than {MINIMUM} firms") as refused:
        run_seats(THREE, {**{n: party(ids) for n, ids in sets.items()}, AGGREGATOR: matcher})
    seats = refused.value.seats  # type: ignore[attr-defined]
    ended = {name: error.given_cause for name, error in seats.items() if isinstance(error, SessionEnded)}
    assert ended == dict.fromkeys(sets, refused.value.cause)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([0, 1, 2], "fewer rows than the plan allows"),
        ([*range(MINIMUM), 0], "not distinct rows"),
        ([*range(MINIMUM), 120], "not distinct rows"),
    ],
)
def test_rows_that_the_matcher_makes_up_are_refused(rows: list[int], said: str) -> None:
    def lying(session: Session) -> None:
        session.gather(session.seating.parties, RingTags)
        for name in session.seating.parties:
            session.send(name, CommonRows(RowPositions.of(np.array(rows))))

    sets = held(parties_of(TWO))
    with pytest.raises(Refusal, match=said):
        run_seats(TWO, {**{n: party(ids) for n, ids in sets.items()}, AGGREGATOR: lying})


def test_the_ring_key_is_dropped_also_when_alignment_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[str] = []
    drop = RingKey.drop

    def watched(key: RingKey) -> None:
        dropped.append("key")
        drop(key)

    monkeypatch.setattr(RingKey, "drop", watched)
    sets = held(parties_of(TWO))
    parts = {n: party(ids) for n, ids in sets.items()}
    with pytest.raises(Refusal):
        run_seats(TWO, {**parts, "bank": cheat(doubled, sets["bank"]), AGGREGATOR: matcher})
    assert len(dropped) == 2
