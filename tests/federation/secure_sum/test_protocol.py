"""A protected sum between real seats: exact, closed to the aggregator, opened only when all see the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from crypto.private import Private
from crypto.sealed import WireRefused
from crypto.summation.protection import SealedVector
from crypto.summation.schemes import protection
from federation.errors import PeerSilent, PlanRefused
from federation.ids import AGGREGATOR, PartyId
from federation.message import Digest, Role
from federation.messages.sum import OwnMask, Total, Upload, vector_digest
from federation.secure_sum.adder import Adder
from federation.secure_sum.member import SecureSum, SumRefused
from federation.session import Session
from tests.seats import run_seats

MEMBERS = tuple(map(PartyId, ("north", "south", "west")))
ROLES = {**dict.fromkeys(MEMBERS, Role.MEMBER), AGGREGATOR: Role.AGGREGATOR}
Floats = npt.NDArray[np.float64]
Part = Callable[[SecureSum], Any]


def adds(sums: int, scheme: str = "mask", seeded: bool = False) -> Callable[[Session], None]:
    """An honest aggregator of so many sums."""

    def part(session: Session) -> None:
        adder = Adder(session, protection(scheme, seeded=seeded))
        for _ in range(sums):
            for member in session.seating.parties:
                adder.take(member, session.receive(member, Upload))

    return part


def member(part: Part, scheme: str = "mask", seeded: bool = False) -> Callable[[Session], Any]:
    return lambda session: part(SecureSum(session, MEMBERS, protection(scheme, seeded=seeded)))


def run(part: Part, sums: int = 1, scheme: str = "mask", seeded: bool = False) -> dict[str, Any]:
    parts: dict[str, Callable[[Session], Any]] = dict.fromkeys(MEMBERS, member(part, scheme, seeded))
    return run_seats(ROLES, {**parts, AGGREGATOR: adds(sums, scheme, seeded)}, patience=20)


def update(name: str, n: int = 5000) -> Floats:
    return np.random.default_rng(MEMBERS.index(PartyId(name))).normal(0, 0.3, n)


def test_the_statistics_need_no_more_than_a_seat_has() -> None:
    from federation.secure_sum.interface import Sums

    def part(sums: Sums) -> tuple[PartyId, tuple[PartyId, ...]]:
        return sums.me, sums.members

    assert run(part, sums=0)["south"] == ("south", MEMBERS)


@pytest.mark.parametrize(
    ("scheme", "seeded"), [("he", False), ("he", True), ("mask", False), ("ckks", False)]
)
def test_every_member_gets_the_same_sum_within_a_step_of_the_grid(scheme: str, seeded: bool) -> None:
    found = run(lambda sums: sums.total("round 1", Private(update(sums.me)), 1.0), 1, scheme, seeded)
    wanted = sum(np.clip(update(name), -1, 1) for name in MEMBERS)
    assert np.abs(found["north"] - wanted).max() < 3 * (2e-5 if scheme == "ckks" else 5e-7)
    assert all((found[name] == found["north"]).all() for name in MEMBERS)


def test_counts_are_exact_and_larger_than_a_lane() -> None:
    bounds = {"small": 1000, "large": 1_000_000_000}

    def part(sums: SecureSum) -> list[list[int]]:
        return [
            sums.counts(label, Private(np.array([bound, -bound, 7, 0])), bound).tolist()
            for label, bound in bounds.items()
        ]

    found = run(part, 2, "he")
    assert found["west"] == [[3 * bound, -3 * bound, 21, 0] for bound in bounds.values()]


def test_a_mean_weighs_the_members_and_tells_no_weight() -> None:
    weights = dict(zip(MEMBERS, (0.7, 0.2, 0.1), strict=True))
    found = run(lambda sums: sums.mean("m", Private(update(sums.me)), 2.0, weights[sums.me]))
    wanted = sum(weights[name] * update(name) for name in MEMBERS)
    assert np.abs(found["south"] - wanted).max() < 1e-6


def test_a_mean_weighs_each_value_by_its_own_share() -> None:
    weights = dict(zip(MEMBERS, (0.7, 0.2, 0.1), strict=True))
    size = len(update(MEMBERS[0]))
    shares = {name: np.linspace(0, weight, size) for name, weight in weights.items()}
    found = run(
        lambda sums: sums.mean(
            "m", Private(update(sums.me)), 2.0, weights[sums.me] / 2, Private(shares[sums.me])
        )
    )
    wanted = 2 * sum(shares[name] * update(name) for name in MEMBERS)
    assert np.abs(found["south"] - wanted).max() < 2e-6


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_share_beyond_all_or_below_nothing_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="a share is from 0 to 1"):
        run(
            lambda sums: sums.mean("m", Private(np.zeros(4)), 2.0, 0.3, Private(np.array([0, 0, 0, share]))),
            1,
        )


def test_a_sum_of_two_is_refused_unless_noise_hides_the_other() -> None:
    def alone(session: Session) -> None:
        if session.me != "west":
            SecureSum(session, MEMBERS[:2], protection("mask"))

    with pytest.raises(PlanRefused, match="what the others put in"):
        run_seats(ROLES, {**dict.fromkeys(MEMBERS, alone), AGGREGATOR: lambda session: None}, patience=5)


def test_a_label_serves_once() -> None:
    def twice(sums: SecureSum) -> None:
        for _ in range(2):
            sums.total("round 1", Private(update(sums.me, 8)), 1.0)

    with pytest.raises(ValueError, match="label was used twice"):
        run(twice, 1)


# -- an aggregator that misbehaves -----------------------------------------------------------------------


def uploads(session: Session) -> dict[PartyId, Upload]:
    return session.gather(session.seating.parties, Upload)


def tell(
    session: Session, to: PartyId, label: Digest, vectors: list[SealedVector], over: list[Digest]
) -> None:
    session.send(to, Total(label, tuple(over), protection("mask").add(vectors), False))


def split_view(session: Session) -> None:
    """Everybody is told all uploads, but one member gets the sum of other vectors."""
    given = uploads(session)
    vectors = [upload.vector for upload in given.values()]
    digests = list(map(vector_digest, vectors))
    for to in MEMBERS:
        told = vectors if to != "west" else [vectors[2]]
        tell(session, to, given[to].label, told, digests)


def left_out(session: Session) -> None:
    """One member's vector is exchanged for another's."""
    given = uploads(session)
    vectors = [given[name].vector for name in ("north", "south", "south")]
    for to in MEMBERS:
        tell(session, to, given[to].label, vectors, list(map(vector_digest, vectors)))


def fewer(session: Session) -> None:
    """One member is said to have dropped out of a sum that all agreed on."""
    given = uploads(session)
    vectors = [given[name].vector for name in ("north", "south")]
    for to in MEMBERS:
        tell(session, to, given[to].label, vectors, list(map(vector_digest, vectors)))


@pytest.mark.parametrize("aggregator", [split_view, left_out, fewer])
def test_no_own_mask_is_released_for_another_sum_than_the_agreed_one(
    aggregator: Callable[[Session], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    released: list[str] = []
    send = Session.send_all

    def noted(self: Session, to: Any, message: Any) -> None:
        if isinstance(message, OwnMask):
            released.append(self.me)
        send(self, to, message)

    monkeypatch.setattr(Session, "send_all", noted)
    parts = dict.fromkeys(MEMBERS, member(lambda sums: sums.total("round 1", Private(update(sums.me)), 1.0)))
    with pytest.raises(SumRefused):
        run_seats(ROLES, {**parts, AGGREGATOR: aggregator}, patience=5)
    assert released == []


# -- members that misbehave ------------------------------------------------------------------------------


def refused(uploads_of: Callable[[Session, SealedVector], list[Upload]]) -> WireRefused:
    """What the aggregator says to a member `west` that uploads these."""
    vector = protection("mask").seal(
        protection("mask").generate_key(), "x", Private(np.arange(4, dtype=np.uint64)), pads=True
    )

    def west(session: Session) -> None:
        for upload in uploads_of(session, vector):
            session.send(AGGREGATOR, upload)

    def aggregator(session: Session) -> None:
        adder = Adder(session, protection("mask"))
        for _ in range(8):
            adder.take(PartyId("west"), session.receive(PartyId("west"), Upload, patience=1))

    idle: dict[str, Callable[[Session], Any]] = dict.fromkeys(MEMBERS, lambda session: None)
    with pytest.raises(WireRefused) as error:
        run_seats(ROLES, {**idle, "west": west, AGGREGATOR: aggregator}, patience=5)
    assert error.value.party == "west"
    return error.value


def label(number: int) -> Digest:
    return Digest(bytes([number]) * 32)


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (lambda vector: [Upload(label(1), MEMBERS[:2], vector)], "not over members"),
        (lambda vector: [Upload(label(1), (*MEMBERS, PartyId("nobody")), vector)], "not over members"),
        (lambda vector: [Upload(label(1), (MEMBERS[2],), vector)], "not over members"),
        (lambda vector: [Upload(label(1), (*MEMBERS, MEMBERS[0]), vector)], "not over members"),
        (lambda vector: [Upload(label(1), MEMBERS, vector)] * 2, "a second one"),
        (lambda vector: [Upload(label(n), MEMBERS, vector) for n in range(8)], "too many sums"),
        (
            lambda vector: [Upload(label(1), MEMBERS, SealedVector("he", vector.count, vector.parts))],
            "SealedVector",
        ),
        (lambda vector: [Upload(label(1), MEMBERS, SealedVector("mask", 5, vector.parts))], "SealedVector"),
    ],
)
def test_an_upload_that_belongs_to_no_sum_is_refused(
    sent: Callable[[SealedVector], list[Upload]], told: str
) -> None:
    assert told in refused(lambda session, vector: sent(vector)).what


def test_who_keeps_a_sum_waiting_is_named() -> None:
    def aggregator(session: Session) -> None:
        adder = Adder(session, protection("mask"))
        for name in MEMBERS[:2]:
            adder.take(name, session.receive(name, Upload))
        adder.check_waits(60)
        adder.check_waits(0)

    part = member(lambda sums: sums.me == "west" or sums.total("x", Private(update(sums.me, 8)), 1.0))
    with pytest.raises(PeerSilent) as error:
        run_seats(ROLES, {**dict.fromkeys(MEMBERS, part), AGGREGATOR: aggregator}, patience=5)
    assert error.value.peer == "west"


# -- what the aggregator has in its hands ----------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["he", "mask"])
def test_what_the_aggregator_adds_says_nothing_of_an_update(scheme: str) -> None:
    seen: list[bytes] = []

    def aggregator(session: Session) -> None:
        adder = Adder(session, protection(scheme))
        for name in MEMBERS:
            upload = session.receive(name, Upload)
            seen.extend(upload.vector.parts)
            adder.take(name, upload)

    same: dict[str, Callable[[Session], Any]] = dict.fromkeys(
        MEMBERS, member(lambda sums: sums.total("x", Private(np.zeros(4000)), 1.0), scheme)
    )
    run_seats(ROLES, {**same, AGGREGATOR: aggregator}, patience=20)
    # Equal updates look like nothing equal: every part is another one, and none repeats a word much.
    words = [np.frombuffer(part[: len(part) // 8 * 8], dtype="<u8") for part in seen]
    assert len(set(seen)) == len(seen)
    assert min(len(np.unique(each)) / len(each) for each in words) > 0.99
