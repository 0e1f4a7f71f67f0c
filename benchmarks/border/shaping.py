"""A proxy that makes a way on this machine as slow, narrow and lossy as one across borders, in a process.

    party's process --- this --- gate or exchange

It copies TCP streams, so it delays bytes and never loses one. For each direction of each connection:

- *latency*: half the round trip each way. A new connection's first bytes wait one round trip more, since the
  real handshake would have crossed the border and the one with this proxy did not.
- *bandwidth*: a token bucket that all connections of a way share, one for each direction (`BURST_BYTES`).
- *loss*: every `SEGMENT_BYTES` are a segment, lost with the given probability and sent again until it comes
  through. A lost segment holds up everything behind it: one round trip where others follow it (fast
  retransmit, RFC 5681 3.2), and `TIMEOUT_SECONDS` more where it was the last (RFC 6298 with the minimum that
  Linux has). TCP's own window, which shrinks after a loss, is not modelled: real lossy links are slower.

It is told its ways as one JSON object a line on the standard input, answers each with one line, and ends when
its input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sys
import threading
from dataclasses import dataclass
from typing import Any

SEGMENT_BYTES = 1448
BURST_BYTES = 16 << 10
TIMEOUT_SECONDS = 0.2
_READ_BYTES = 64 << 10
#: Reads that may be on their way at once, in one direction of one connection: 16 MiB.
_UNDERWAY = 256
_CONNECT_SECONDS = 10.0


@dataclass
class Way:
    """From one party to one listener. `latency`: seconds, both directions; `rate`: bytes a second, 0: any."""

    latency: float
    rate: float
    loss: float
    dice: random.Random
    _free: list[float]

    @staticmethod
    def parse(fields: dict[str, Any]) -> Way:
        """From milliseconds, Mbit/s and a probability."""
        return Way(
            fields["latency_ms"] / 1000,
            fields["bandwidth_mbit"] * 1e6 / 8,
            fields["loss"],
            random.Random(fields["seed"]),  # noqa: S311 - which segments are lost, not a secret
            [0.0, 0.0],
        )

    def due(self, direction: int, size: int, now: float) -> float:
        """When the last of `size` bytes that were sent at `now` comes out at the other end."""
        start = now
        if self.rate:
            # Tokens that came in while nothing was sent are kept, up to the burst.
            start = max(self._free[direction], now - BURST_BYTES / self.rate) + size / self.rate
            self._free[direction] = start
            start = max(start, now)
        return start + self.latency / 2 + self._sent_again(size)

    def _sent_again(self, size: int) -> float:
        """Seconds that lost segments of `size` bytes hold them up."""
        if not self.loss:
            return 0.0
        segments, waited = -(-size // SEGMENT_BYTES), 0.0
        for number in range(segments):
            while self.dice.random() < self.loss:
                waited += self.latency + (TIMEOUT_SECONDS if number == segments - 1 else 0.0)
        return waited


class Route:
    """One listener of the proxy, and where its connections go on to."""

    def __init__(self, way: Way, host: str, port: int) -> None:
        self.way, self._host, self._port = way, host, port

    async def serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """Carry one connection to its end."""
        opened = asyncio.get_running_loop().time()
        writers = [back]
        try:
            far, onward = await asyncio.wait_for(
                asyncio.open_connection(self._host, self._port), _CONNECT_SECONDS
            )
            writers.append(onward)
            await asyncio.gather(self._carry(0, near, onward, opened), self._carry(1, far, back, opened))
        except (OSError, TimeoutError):
            pass  # Whoever connected sees its connection end, as it would without a proxy.
        except asyncio.CancelledError:
            pass  # The proxy ends, and with it whatever is still on its way.
        finally:
            for writer in writers:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _carry(
        self, direction: int, source: asyncio.StreamReader, target: asyncio.StreamWriter, opened: float
    ) -> None:
        clock = asyncio.get_running_loop().time
        underway: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_UNDERWAY)

        async def read() -> None:
            last = 0.0
            while True:
                data = await source.read(_READ_BYTES)
                sent = max(clock(), opened + self.way.latency)
                last = max(last, self.way.due(direction, len(data), sent))
                await underway.put((last, data))
                if not data:
                    return

        reading = asyncio.ensure_future(read())
        try:
            while True:
                due, data = await _next(underway, reading)
                await asyncio.sleep(max(0.0, due - clock()))
                if not data:
                    break
                target.write(data)
                await target.drain()
            with contextlib.suppress(OSError):
                target.write_eof()
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await reading


async def _next(
    underway: asyncio.Queue[tuple[float, bytes]], reading: asyncio.Future[None]
) -> tuple[float, bytes]:
    """What was read next; raises what reading raised, so that a broken connection is not waited for."""
    if underway.empty() and not reading.done():
        getting = asyncio.ensure_future(underway.get())
        await asyncio.wait((getting, reading), return_when=asyncio.FIRST_COMPLETED)
        if getting.done():
            return getting.result()
        getting.cancel()
    if underway.empty():
        reading.result()
    return underway.get_nowait()


async def shape() -> None:
    """Serve until the standard input ends."""
    loop, orders = asyncio.get_running_loop(), asyncio.Queue[str]()

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(orders.put_nowait, line)
        loop.call_soon_threadsafe(orders.put_nowait, "")

    threading.Thread(target=listen, daemon=True).start()
    routes: dict[str, Route] = {}
    servers: list[asyncio.Server] = []
    while line := await orders.get():
        order = json.loads(line)
        ports = {}
        for name, fields in order.items():
            way = Way.parse(fields)
            if name in routes:
                routes[name].way = way
                continue
            routes[name] = Route(way, fields["host"], fields["port"])
            server = await asyncio.start_server(routes[name].serve, "127.0.0.1", 0)
            servers.append(server)
            ports[name] = server.sockets[0].getsockname()[1]
        print(json.dumps(ports), flush=True)  # noqa: T201 - its answer
    for server in servers:
        server.close()


if __name__ == "__main__":
    asyncio.run(shape())
