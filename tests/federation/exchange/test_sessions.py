"""Who may sit, for how long, and what the others are told: decided without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from federation.exchange import frames
from federation.exchange.frames import NO_GENERATION, End, Join, Leave, Open, Presence, Seen, Welcome, parse
from federation.exchange.service import Reason
from federation.exchange.sessions import Attachment, Sessions, StreamRefused
from federation.ids import AGGREGATOR, PartyId, RunId, party_id

RUN = RunId("run-7")
BANK, PLANT = party_id("bank"), party_id("plant")
GENERATION, OTHER = b"generation-one..", b"generation-two.."


@dataclass(eq=False)
class Put:
    at: float
    call: Callable[[], None]
    off: bool = False

    def cancel(self) -> None:
        self.off = True


class Clock:
    """Calls that were put off happen when the test says that time has passed."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[Put] = []

    def call_later(self, delay: float, call: Callable[[], None]) -> Put:
        put = Put(self.now + delay, call)
        self.calls.append(put)
        return put

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for put in [put for put in self.calls if put.at <= self.now]:
            self.calls.remove(put)
            if not put.off:
                put.call()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(clock.call_later, grace_seconds=30)


def _open(sessions: Sessions, generation: bytes = GENERATION, ttl: int = 3600) -> Attachment:
    return sessions.attach(AGGREGATOR, Open(RUN, generation, ttl, (BANK, PLANT)))


def _join(
    sessions: Sessions, party: PartyId, incarnation: bytes = b"first-process...", known: bytes = NO_GENERATION
) -> Attachment:
    return sessions.attach(party, Join(RUN, party, incarnation, known))


def _heard(attachment: Attachment) -> list[frames.Frame]:
    return [parse(raw) for raw in attachment.mailbox._frames]


def test_a_seat_is_welcomed_then_told_of_the_others_and_they_of_it(sessions: Sessions) -> None:
    coordinator = _open(sessions)
    bank = _join(sessions, BANK)
    assert _heard(bank) == [
        Welcome(RUN, GENERATION, (AGGREGATOR, BANK, PLANT)),
        Seen(RUN, AGGREGATOR, GENERATION, Presence.HERE),
    ]
    assert _heard(coordinator)[-1] == Seen(RUN, BANK, b"first-process...", Presence.HERE)


def test_a_seat_may_come_back_within_the_grace(sessions: Sessions, clock: Clock) -> None:
    coordinator = _open(sessions)
    sessions.detach(_join(sessions, BANK))
    assert _heard(coordinator)[-1] == Seen(RUN, BANK, b"first-process...", Presence.AWAY)
    clock.pass_time(29)
    _join(sessions, BANK, known=GENERATION)
    clock.pass_time(3000)
    assert sessions.status()[0].ended is None


def test_after_the_grace_the_session_is_over_for_all(sessions: Sessions, clock: Clock) -> None:
    coordinator = _open(sessions)
    sessions.detach(_join(sessions, BANK))
    clock.pass_time(30)
    assert _heard(coordinator) == [End(RUN, AGGREGATOR, "bank left")]
    assert _heard(_join(sessions, BANK)) == [End(RUN, AGGREGATOR, "bank left")]


def test_a_stream_that_was_replaced_does_not_take_the_seat_with_it(sessions: Sessions, clock: Clock) -> None:
    _open(sessions)
    old = _join(sessions, BANK)
    _join(sessions, BANK)  # The new stream came before the old one was seen to be dead.
    sessions.detach(old)
    clock.pass_time(31)
    assert sessions.status()[0].present == {AGGREGATOR, BANK}


def test_the_time_to_live_is_kept(sessions: Sessions, clock: Clock) -> None:
    coordinator = _open(sessions, ttl=60)
    clock.pass_time(59)
    assert sessions.status()[0].ended is None
    clock.pass_time(1)
    assert _heard(coordinator) == [End(RUN, AGGREGATOR, "the session's 60 s ran out")]


def test_another_process_does_not_get_the_seat(sessions: Sessions) -> None:
    _open(sessions)
    _join(sessions, BANK)
    with pytest.raises(StreamRefused) as refused:
        _join(sessions, BANK, b"second-process..")
    assert refused.value.reason is Reason.TAKEN


def test_a_seat_that_left_is_gone_for_good_and_ends_nothing(sessions: Sessions, clock: Clock) -> None:
    coordinator = _open(sessions)
    bank = _join(sessions, BANK)
    asyncio.run(sessions.take(bank, Leave(RUN, BANK), b""))
    sessions.detach(bank)
    clock.pass_time(31)
    assert _heard(coordinator)[-1] == Seen(RUN, BANK, b"first-process...", Presence.LEFT)
    with pytest.raises(StreamRefused) as refused:
        _join(sessions, BANK)
    assert refused.value.reason is Reason.LEFT
    assert sessions.status()[0].ended is None


def test_when_the_last_seat_leaves_the_session_is_over(sessions: Sessions) -> None:
    seats = [_open(sessions), _join(sessions, BANK), _join(sessions, PLANT)]
    for seat in seats:
        assert sessions.status()[0].ended is None
        asyncio.run(sessions.take(seat, Leave(RUN, seat.seat.party), b""))
    assert sessions.status()[0].ended == End(RUN, AGGREGATOR, "every seat has left")


def test_the_coordinator_comes_back_to_its_own_session(sessions: Sessions) -> None:
    sessions.detach(_open(sessions))
    _join(sessions, BANK)
    _open(sessions)
    (status,) = sessions.status()
    assert (status.ended, status.present) == (None, {AGGREGATOR, BANK})


def test_the_same_session_with_other_members_is_not_the_same(sessions: Sessions) -> None:
    _open(sessions)
    with pytest.raises(StreamRefused):
        sessions.attach(AGGREGATOR, Open(RUN, GENERATION, 3600, (BANK,)))


def test_an_ended_session_is_not_revived_by_the_opener_that_missed_its_end(sessions: Sessions) -> None:
    _open(sessions)
    sessions.end(RUN, AGGREGATOR, "stopped")
    assert _heard(_open(sessions)) == [End(RUN, AGGREGATOR, "stopped")]


def test_a_new_opener_starts_anew_and_old_seats_are_sent_home(sessions: Sessions, clock: Clock) -> None:
    _open(sessions, ttl=60)
    bank = _join(sessions, BANK)
    _open(sessions, OTHER)
    anew = [End(RUN, AGGREGATOR, "the coordinator opened the session anew")]
    assert _heard(bank) == anew
    late = _join(sessions, BANK, known=GENERATION)
    clock.pass_time(2)
    assert _heard(late) == anew
    clock.pass_time(100)  # The first one's time to live does not end the second.
    _join(sessions, BANK, b"second-process..")
    assert sessions.status()[-1].present == {AGGREGATOR, BANK}


def test_a_seat_that_comes_between_a_new_opening_and_its_end_hears_why(
    sessions: Sessions, clock: Clock
) -> None:
    _open(sessions)
    _open(sessions, OTHER)
    late = _join(sessions, BANK, known=GENERATION)
    forged = frames.Data(RUN, BANK, AGGREGATOR, 1, 0, True, b"of the old one")
    asyncio.run(sessions.take(late, forged, frames.encode(forged)))
    assert sessions.status()[-1].traffic == {}, "what it says goes to nobody"
    sessions.end(RUN, AGGREGATOR, "the service was killed")
    clock.pass_time(2)
    assert _heard(late) == [End(RUN, AGGREGATOR, "the service was killed")]


def test_what_is_sent_to_a_seat_that_is_away_is_not_kept(sessions: Sessions) -> None:
    _open(sessions)
    bank = _join(sessions, BANK)
    piece = frames.Data(RUN, BANK, PLANT, 1, 0, True, b"sealed")
    asyncio.run(sessions.take(bank, piece, frames.encode(piece)))
    plant = _join(sessions, PLANT)
    assert not any(isinstance(frame, frames.Data) for frame in _heard(plant))
    assert sessions.status()[0].traffic == {}


def test_only_so_many_ended_sessions_are_remembered(sessions: Sessions) -> None:
    for number in range(300):
        name = RunId(f"run-{number}")
        sessions.attach(AGGREGATOR, Open(name, GENERATION, 60, (BANK,)))
        sessions.end(name, AGGREGATOR, "done")
    assert len(sessions.status()) == 256
    assert sessions.status()[-1].session == "run-299"


def test_cutting_the_streams_ends_no_session(sessions: Sessions, clock: Clock) -> None:
    coordinator = _open(sessions, ttl=60)
    sessions.cut()
    sessions.detach(coordinator)
    clock.pass_time(1000)
    assert _heard(coordinator) == []
    assert sessions.status()[0].ended is None
