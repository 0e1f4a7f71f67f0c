"""A member that sends anything at all gets its stream closed: the session of the others goes on as it was."""

from __future__ import annotations

import contextlib
import logging
import random
import resource
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from federation.exchange import frames
from federation.exchange.service import CHANNEL_OPTIONS, METHOD, STATUS_OF, Reason
from federation.ids import AGGREGATOR, PartyId, RunId
from tests.federation.exchange.house import BANK, PLANT, RUN, STRANGER, TAX, House, papers
from tests.fuzz.budget import inputs, mutated
from tests.fuzz.frames import FRAMES

#: How much memory may stay behind, in bytes: what the allocator keeps, and no queue of anybody's frames.
_GROWTH = 64 << 20
_WAIT_SECONDS = 20.0
_WHOLE = [frames.encode(frame) for frame in FRAMES]
_OURS = [
    frames.encode(frame)
    for frame in (
        frames.Open(RUN, b"i" * 16, 600, (BANK, PLANT)),
        frames.Join(RUN, TAX, b"j" * 16, frames.NO_GENERATION),
        frames.Data(RUN, BANK, PLANT, 1, 0, True, b"forged"),
        frames.Data(RUN, TAX, AGGREGATOR, 1, 0, False, b"forged"),
        frames.End(RUN, TAX, "because I can"),
    )
]


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as made:
        yield made


def test_no_stream_of_a_member_disturbs_the_others(
    house: House, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    coordinator = house.open()
    bank, plant = house.seat(BANK), house.seat(PLANT)
    coordinator.wait_for([BANK, PLANT], _WAIT_SECONDS)
    before, said = 0, {reason.value for reason in Reason}
    for number, rng in enumerate(inputs(request, 1.5)):
        code, text = _sent(house, rng.choice((TAX, TAX, STRANGER)), _stream(rng))
        assert code in {*STATUS_OF.values(), grpc.StatusCode.OK, grpc.StatusCode.CANCELLED, *_LATE}, code
        assert code not in STATUS_OF.values() or text in said, text
        if number % 20 == 0:
            letter = rng.randbytes(1000)
            bank.send(PLANT, letter)
            assert plant.receive(BANK, _WAIT_SECONDS) == letter
        if number == 20:
            before = _memory()
    assert coordinator.members_present() == {AGGREGATOR, BANK, PLANT}
    assert not before or _memory() - before < _GROWTH
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_member_that_has_a_seat_ends_its_session_at_worst(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with House() as house:
        for number, rng in enumerate(inputs(request)):
            run = RunId(f"fuzzed-{number}")
            opened = frames.encode(frames.Open(run, b"i" * 16, 600, (BANK, PLANT)))
            joined = frames.encode(frames.Join(run, BANK, b"j" * 16, frames.NO_GENERATION))
            house.exchange.end(RunId(f"fuzzed-{number - 1}"), "the next one begins")
            _sent(house, AGGREGATOR, [opened])
            code, _ = _sent(house, BANK, [joined, *_stream(rng)])
            assert code in {*STATUS_OF.values(), grpc.StatusCode.OK, grpc.StatusCode.CANCELLED, *_LATE}, code
            assert isinstance(house.exchange.status(), tuple)
        coordinator = house.open()
        seat = house.seat(BANK)
        coordinator.wait_for([BANK], _WAIT_SECONDS)
        seat.send(AGGREGATOR, b"still here")
        assert coordinator.receive(BANK, _WAIT_SECONDS) == b"still here"
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


#: What a stream that this end closed first is told: nothing arrived in time, or nothing at all.
_LATE = (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)


def _stream(rng: random.Random) -> list[bytes]:
    """What a stream sends: a good beginning or a bad one, then anything."""
    sent = [rng.choice(_OURS) for _ in range(rng.randrange(3))]
    for _ in range(rng.randint(1, 6)):
        whole = rng.choice((*_WHOLE, *_OURS))
        sent.append(whole if rng.random() < 0.3 else mutated(rng, whole, rng.choice(_WHOLE)))
    return sent


def _sent(house: House, name: PartyId, stream: list[bytes]) -> tuple[grpc.StatusCode, str]:
    """The status with which the exchange ended a stream of `name` that sent this and then waited a little."""
    own = papers(name)
    credentials = grpc.ssl_channel_credentials(own.ca_pem, own.key_pem, own.certificate_pem)
    options = [*CHANNEL_OPTIONS, ("grpc.ssl_target_name_override", "aggregator")]
    with grpc.secure_channel(house.exchange.address, credentials, options) as channel:
        call = channel.stream_stream(METHOD)(iter(stream), timeout=5)
        with contextlib.suppress(grpc.RpcError):
            for _ in call:
                pass
        return call.code(), call.details()


def _memory() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
