"""How far apart the roles of a run are: latency, bandwidth and loss for each border, made on this machine.

By a proxy that shapes (`shaping`), in a process of its own on every party's way to the gate (orders) and to
the exchange (all data). `tc netem` would shape packets rather than streams; it needs root and a kernel module
that many machines lack, so nothing here depends on it, and every figure says by what it came about.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from federation.addresses import Address
from federation.compliance.facts import Border, Case
from federation.errors import PeerFailure, PeerSilent, UsageError
from federation.ids import AGGREGATOR, PartyId

_ROOT = Path(__file__).resolve().parents[2]
_ANSWER_SECONDS = 30.0
_STOP_SECONDS = 5.0
_NAME = "the shaping proxy"
#: Further than the other side of the earth through a satellite; narrower than a telephone line.
_MOST_LATENCY_MS, _LEAST_MBIT, _MOST_LOSS = 5_000, 0.05, 0.5


@dataclass(frozen=True, slots=True)
class Conditions:
    """Of a way. latency_ms: there and back. bandwidth_mbit: each direction, 0 for any. loss: of segments."""

    latency_ms: int = 0
    bandwidth_mbit: float = 0.0
    loss: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no way that a round could take; `UsageError` naming the option."""
        if not 0 <= self.latency_ms <= _MOST_LATENCY_MS:
            raise UsageError(
                f"{self.latency_ms} ms is no latency of a way",
                field="--latency",
                advice=f"Give 0 to {_MOST_LATENCY_MS} milliseconds, there and back.",
            )
        if self.bandwidth_mbit != 0 and not _LEAST_MBIT <= self.bandwidth_mbit < float("inf"):
            raise UsageError(
                f"{self.bandwidth_mbit:g} Mbit/s is no bandwidth of a way",
                field="--bandwidth",
                advice=f"Give {_LEAST_MBIT} or more, or 0 for as much as there is.",
            )
        if not 0 <= self.loss <= _MOST_LOSS:
            raise UsageError(
                f"{self.loss:g} is no loss of a way",
                field="--loss",
                advice=f"Give a share of segments from 0 to {_MOST_LOSS}, such as 0.01.",
            )


#: As near as this machine's own loopback.
NEAR = Conditions()


def across(
    case: Case, conditions: Conditions, of_borders: Mapping[Border, Conditions] | None = None
) -> dict[PartyId, Conditions]:
    """Each party's way to the aggregator: near where both are in one place, else as its border is.

    of_borders: those that differ from `conditions`, in either direction.
    """
    given, aggregator = dict(of_borders or {}), case.parties.get(AGGREGATOR)
    ways = {}
    for name, party in case.parties.items():
        if party.seat in ("aggregator", "witness"):
            continue
        there = aggregator.jurisdiction if aggregator is not None else party.jurisdiction
        here = party.jurisdiction
        own = given.get(Border(here, there), given.get(Border(there, here), conditions))
        ways[PartyId(name)] = NEAR if here == there else own
    return ways


class Shaper:
    """The proxy's process. Leaving it stops the process, whatever happened."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._answers: queue.Queue[str] = queue.Queue()
        self._targets: dict[str, Address] = {}

    def __enter__(self) -> Self:
        path = os.environ.get("PYTHONPATH", "")
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "benchmarks.border.shaping"],
            env={**os.environ, "PYTHONPATH": f"{_ROOT}{os.pathsep}{path}" if path else str(_ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_STOP_SECONDS)

    def open(self, targets: Mapping[str, Address], ways: Mapping[str, Conditions]) -> dict[str, Address]:
        """A listener for each target; where it is. `PeerSilent` where the proxy does not answer."""
        self._targets |= targets
        ports = self._order({name: ways[name] for name in targets})
        return {name: Address("127.0.0.1", port) for name, port in ports.items()}

    def shape(self, ways: Mapping[str, Conditions]) -> None:
        """Other conditions from now on, also for connections that are open."""
        self._order(ways)

    def _order(self, ways: Mapping[str, Conditions]) -> dict[str, int]:
        told = {
            name: {
                **asdict(conditions),
                "seed": f"{self._seed} {name}",
                "host": self._targets[name].bare_host,
                "port": self._targets[name].port,
            }
            for name, conditions in ways.items()
        }
        if self._process.stdin is None:
            raise ValueError("the proxy has no standard input")
        try:
            print(json.dumps(told), file=self._process.stdin, flush=True)
            answer = self._answers.get(timeout=_ANSWER_SECONDS)
        except queue.Empty:
            raise PeerSilent(_NAME, "opening its ways", _ANSWER_SECONDS) from None
        except OSError:
            answer = ""
        if not answer:
            raise PeerFailure(f"{_NAME} ended by itself", advice="Run it again; its output says why.")
        return dict(json.loads(answer))

    def _listen(self) -> None:
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._answers.put(line)
        self._answers.put("")
