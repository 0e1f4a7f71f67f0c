"""Whatever arrives in the place of a message or a frame is that thing in its one form, or is refused."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from federation import codec
from federation.errors import MessageRefused, Refusal
from federation.exchange import frames
from federation.message import Message
from tests.federation.samples import every_message, messages
from tests.fuzz.budget import inputs, mutated
from tests.fuzz.frames import FRAMES

EVERY = every_message()


@pytest.fixture(scope="module")
def corpus() -> dict[str, list[bytes]]:
    """Of every message type a few in wire form."""
    return {name: _some(kind) for name, kind in EVERY.items()}


def _some(kind: type[Message]) -> list[bytes]:
    found: list[bytes] = []

    @settings(max_examples=6, phases=[Phase.generate], deadline=None, suppress_health_check=list(HealthCheck))
    @given(messages(kind))
    def keep(message: Message) -> None:
        found.append(codec.encode(message))

    keep()
    return found


def test_what_is_decoded_is_a_message_in_its_one_form(
    corpus: dict[str, list[bytes]], request: pytest.FixtureRequest
) -> None:
    names = sorted(EVERY)
    for rng in inputs(request):
        name, lender = rng.choice(names), rng.choice(names)
        data = mutated(rng, rng.choice(corpus[name]), rng.choice(corpus[lender]))
        try:
            message = codec.decode(data, EVERY[name])
        except Refusal as refused:
            assert len(refused.what) < 300, data.hex()
        except Exception as error:
            raise AssertionError(f"{name} was neither taken nor refused: {data.hex()}") from error
        else:
            assert codec.encode(message) == data


def test_a_frame_is_parsed_in_its_one_form(request: pytest.FixtureRequest) -> None:
    whole = [frames.encode(frame) for frame in FRAMES]
    for rng in inputs(request):
        data = mutated(rng, rng.choice(whole), rng.choice(whole))
        try:
            frame = frames.parse(data)
        except MessageRefused:
            continue
        except Exception as error:
            raise AssertionError(f"neither taken nor refused: {data.hex()}") from error
        assert frames.encode(frame) == data
