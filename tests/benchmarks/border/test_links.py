"""Ways across borders: delayed at least as declared, and never a byte lost. Lower bounds only."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from benchmarks.border.links import Conditions, across
from benchmarks.border.shaping import BURST_BYTES, TIMEOUT_SECONDS, Route, Way
from federation.compliance.catalogue import Example, case_of, catalogue
from federation.compliance.facts import Border, Case
from federation.compliance.verdicts import Verdict
from federation.errors import UsageError
from federation.ids import AGGREGATOR


def _way(latency_ms: int = 0, bandwidth_mbit: float = 0.0, loss: float = 0.0) -> Way:
    return Way.parse(
        {"latency_ms": latency_ms, "bandwidth_mbit": bandwidth_mbit, "loss": loss, "seed": "a test"}
    )


def test_each_direction_takes_half_of_the_round_trip() -> None:
    way = _way(latency_ms=100)
    assert way.due(0, 1000, 5.0) == way.due(1, 1000, 5.0) == pytest.approx(5.05)


def test_a_narrow_way_passes_its_burst_at_once_and_then_its_rate() -> None:
    way = _way(bandwidth_mbit=8)  # a million bytes a second
    assert way.due(0, BURST_BYTES, 100.0) == 100.0
    assert way.due(0, 1_000_000, 100.0) == pytest.approx(101.0)
    assert way.due(1, BURST_BYTES, 100.0) == 100.0  # The other direction has a bucket of its own.
    assert way.due(0, BURST_BYTES, 200.0) == 200.0  # It fills again, to the burst and no more.


def test_loss_delays_by_whole_retransmissions_and_only_delays() -> None:
    clean, lossy = _way(latency_ms=100), _way(latency_ms=100, loss=0.2)
    late = [lossy.due(0, 1448, 0.0) - clean.due(0, 1448, 0.0) for _ in range(200)]
    again = [round(each / (0.1 + TIMEOUT_SECONDS), 6) for each in late]
    assert min(again) == 0.0 < max(again)
    assert all(times == int(times) for times in again)


def test_a_shaped_stream_comes_out_whole_and_in_order_and_not_before_its_latency() -> None:
    sent = random.Random(4).randbytes(300_000)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(7_000):
            writer.write(data)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def through() -> tuple[bytes, float]:
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        route = Route(_way(latency_ms=40, loss=0.01), "127.0.0.1", server.sockets[0].getsockname()[1])
        proxy = await asyncio.start_server(route.serve, "127.0.0.1", 0)
        began = time.monotonic()
        reader, writer = await asyncio.open_connection(*proxy.sockets[0].getsockname())
        writer.write(sent)
        writer.write_eof()
        received = await asyncio.wait_for(reader.read(-1), 60)
        took = time.monotonic() - began
        writer.close()
        await writer.wait_closed()
        for each in (proxy, server):
            each.close()
            await each.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=10)
        return received, took

    received, took = asyncio.run(through())
    assert received == sent
    assert took >= 0.08  # The handshake's round trip, and the way there and back.


def test_a_party_beside_the_aggregator_is_near_and_a_border_can_differ() -> None:
    base = case_of(catalogue().bases, Example(base="reference", verdict=Verdict.PASS))
    names = list(base.data)
    parties = {
        names[0]: base.parties[names[0]].model_copy(update={"jurisdiction": "CN", "place": ""}),
        names[1]: base.parties[names[1]].model_copy(update={"jurisdiction": "SG", "place": ""}),
        AGGREGATOR: base.parties[names[0]].model_copy(
            update={"jurisdiction": "CN", "place": "", "seat": "aggregator"}
        ),
    }
    case = Case.model_validate(
        {**base.model_dump(), "parties": {n: p.model_dump() for n, p in parties.items()}, "flows": ()}
        | {"data": {n: base.data[n].model_dump() for n in names[:2]}}
    )
    far, slow = Conditions(100), Conditions(250)
    assert across(case, far) == {names[0]: Conditions(), names[1]: far}
    assert across(case, far, {Border("CN", "SG"): slow})[names[1]] == slow  # type: ignore[index]


@pytest.mark.parametrize(
    ("given", "option"),
    [
        ((-1, 0, 0), "--latency"),
        ((0, 0.001, 0), "--bandwidth"),
        ((0, float("nan"), 0), "--bandwidth"),
        ((0, 0, 1), "--loss"),
    ],
)
def test_what_is_no_way_is_refused_with_its_option(given: tuple[int, float, float], option: str) -> None:
    with pytest.raises(UsageError) as refused:
        Conditions(*given)
    assert refused.value.field == option
