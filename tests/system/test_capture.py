"""Two independent witnesses: the guard log of each party, and a capture on its socket. Real processes.

What lies between the two is counted: the exchange's frames (who, to whom, which piece), and around them gRPC,
HTTP/2 and TLS.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from federation import files, journal
from federation.transport.capture import Frame, reconcile
from tests.system.capturing import Capture, TcpCounter
from tests.system.federation import LOOPBACK, Federation, unused_port
from tests.system.tables import PARTIES, write_tables

#: TLS 1.3 with certificates of both sides, HTTP/2's preface and settings, headers of a call: of a connection.
_CONNECTION_BYTES = 16_384
#: A TLS record's and an HTTP/2 frame's head and gRPC's prefix, and window updates and pings for answers.
_MESSAGE_BYTES = 256


class Watched:
    """A federation whose parties reach the exchange through a capture, and one finished round of it."""

    def __init__(self, federation: Federation, capture: Capture, counter: TcpCounter, run: str) -> None:
        self.federation, self.capture, self.counter, self.run = federation, capture, counter, run

    def entries(self, party: str) -> list[journal.Entry]:
        return journal.read(self.federation.party(party) / "rounds" / self.run / "journal.jsonl")

    def frames(self, party: str) -> list[Frame]:
        return [
            frame
            for (name, _), stream in self.capture.streams.items()
            if name == party
            for frame in stream.frames
        ]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder: Path = tmp_path_factory.mktemp("captured")
    federation = Federation(folder, write_tables(folder / "data"))
    known, upstream = federation.exchange, f"{LOOPBACK}:{unused_port(LOOPBACK)}"
    settings = federation.home / "federation.json"
    # From now on the exchange listens elsewhere; the parties were told where the capture is.
    files.write_json(settings, {**json.loads(settings.read_text()), "exchange": upstream})
    federation.exchange = upstream
    with Capture(federation, upstream) as capture, TcpCounter(known, capture.port) as counter, federation:
        done = federation.launch(federation.plan())
        assert done.exit_code == 0, done.err
        federation.wait_idle()
        yield Watched(federation, capture, counter, done.facts["run"])


@pytest.mark.parametrize("party", PARTIES)
def test_guard_log_and_capture_agree_to_the_byte(watched: Watched, party: str) -> None:
    both = reconcile(watched.entries(party), watched.frames(party))
    assert both.agrees, both
    assert both.guard_bytes == both.captured_bytes > 100_000
    assert len(watched.entries(party)) == len(watched.frames(party))


def test_all_else_on_the_socket_is_protocol_of_known_size(watched: Watched) -> None:
    streams = watched.capture.streams.values()
    envelopes = sum(frame.size for stream in streams for frame in stream.frames)
    beside = sum(stream.beside for stream in streams)
    messages = sum(stream.messages for stream in streams) + sum(watched.capture.answered.values())
    around = watched.counter.sent - envelopes - beside
    assert beside <= 128 * messages  # Kind, session, names, sequence.
    most = _CONNECTION_BYTES * watched.counter.connections + _MESSAGE_BYTES * messages + envelopes // 100
    assert 0 < around <= most


def test_the_capture_sees_nothing_but_sessions_that_were_joined(watched: Watched) -> None:
    assert {name for name, _ in watched.capture.streams} == set(PARTIES)
    assert {session.rpartition(".")[0] for _, session in watched.capture.streams} == {watched.run}


def test_a_frame_that_went_past_the_guard_log_would_be_named(watched: Watched) -> None:
    entries = watched.entries("bank")
    both = reconcile(entries[:5] + entries[6:], watched.frames("bank"))
    assert not both.agrees
    assert both.unlogged == (Frame(entries[5].to, entries[5].size, entries[5].sha256),)
    assert both.captured_bytes - both.guard_bytes == entries[5].size
