"""The data plane's speed: party -> exchange -> party and back, three processes, mutual TLS, loopback."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import statistics
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from crypto.certificates import CertificateAuthority, certificate_request, new_tls_key
from federation.errors import PeerFailure
from federation.exchange.server import Exchange
from federation.ids import AGGREGATOR, PartyId, RunId, party_id
from federation.transport.exchange import ExchangeTransport

_RUN = RunId("speed")
_ASKING = party_id("asking")
_ANSWERING = party_id("answering")
_SMALL = 1024
_LARGE = 50_000_000
_LARGE_REPETITIONS = 3
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class _Papers:
    """What a role shows and trusts; made for one measurement and thrown away."""

    ca_pem: bytes
    certificate_pem: bytes
    key_pem: bytes


def measure(repetitions: int = 1000) -> dict[str, float | int]:
    """Time `repetitions` round trips of 1 KiB, then three of 50 MB.

    Returns p50_ms and p95_ms of the small ones, n, payload_bytes, large_seconds (median, there and
    back) and throughput_mb_s (10^6 bytes a second, both directions counted).
    """
    papers = _issue(dt.datetime.now(dt.UTC))
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    exchange = context.Process(target=_run_exchange, args=(theirs, papers[AGGREGATOR]), daemon=True)
    exchange.start()
    try:
        if not ours.poll(_PATIENCE):
            raise RuntimeError("the exchange did not start within a minute")
        address = ours.recv()
        answering = context.Process(target=_answer, args=(address, papers[_ANSWERING]), daemon=True)
        answering.start()
        try:
            return _ask(address, papers, repetitions)
        finally:
            _stop(answering)
    finally:
        ours.send("stop")
        _stop(exchange)


def _ask(address: str, papers: dict[PartyId, _Papers], repetitions: int) -> dict[str, float | int]:
    coordinator = _seat(AGGREGATOR, address, papers[AGGREGATOR], members=(_ASKING, _ANSWERING))
    seat = _seat(_ASKING, address, papers[_ASKING])
    try:
        seat.wait_for([_ANSWERING], _PATIENCE)
        small = sorted(_times(seat, os.urandom(_SMALL), repetitions))
        large = _times(seat, os.urandom(_LARGE), _LARGE_REPETITIONS)
    finally:
        seat.end("the measurement is over")
        seat.close()
        coordinator.close()
    seconds = statistics.median(large)
    return {
        "p50_ms": 1000 * statistics.median(small),
        "p95_ms": 1000 * small[int(0.95 * len(small))],
        "n": repetitions,
        "payload_bytes": _SMALL,
        "large_seconds": seconds,
        "throughput_mb_s": 2 * _LARGE / seconds / 1e6,
    }


def _times(seat: ExchangeTransport, payload: bytes, repetitions: int) -> list[float]:
    times = []
    for _ in range(repetitions):
        started = time.perf_counter()
        seat.send(_ANSWERING, payload)
        answer = seat.receive(_ANSWERING, _PATIENCE)
        times.append(time.perf_counter() - started)
        if answer != payload:
            raise RuntimeError("the exchange altered a message")
    return times


def _answer(address: str, papers: _Papers) -> None:
    seat = _seat(_ANSWERING, address, papers)
    try:
        while True:
            seat.send(_ASKING, seat.receive(_ASKING, _PATIENCE))
    except PeerFailure:
        seat.close()


def _run_exchange(pipe: Connection, papers: _Papers) -> None:
    exchange = Exchange(
        "127.0.0.1:0",
        papers.ca_pem,
        papers.certificate_pem,
        papers.key_pem,
        lambda: (_ASKING, _ANSWERING),
    )
    exchange.start()
    pipe.send(exchange.address)
    pipe.recv()
    exchange.stop()


def _seat(
    me: PartyId, address: str, papers: _Papers, members: tuple[PartyId, ...] | None = None
) -> ExchangeTransport:
    return ExchangeTransport(
        me, _RUN, address, papers.ca_pem, papers.certificate_pem, papers.key_pem, members=members
    )


def _issue(now: dt.datetime) -> dict[PartyId, _Papers]:
    authority = CertificateAuthority.create("speed", now)
    papers = {}
    for name in (AGGREGATOR, _ASKING, _ANSWERING):
        key = new_tls_key()
        request = certificate_request(key, name)
        if name == AGGREGATOR:
            certificate = authority.issue_aggregator(request, now)
        else:
            certificate = authority.issue_party(request, name, now)
        papers[name] = _Papers(authority.certificate_pem, certificate, key)
    return papers


def _stop(process: BaseProcess) -> None:
    process.join(10)
    if process.is_alive():
        process.terminate()
        process.join(10)
