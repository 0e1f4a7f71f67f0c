"""One role as a process of its own: the product's own node, seat, conductor and exchange, without Flower.

The post, which is Flower's part, is a pipe to the process that plays the cell (`benchmarks.faults.stage`):
orders come and replies go as JSON lines. A second pipe tells that the cell's moment is here; the thread that
came to it waits until the fault was dealt.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import federation.exchange.server as exchange_server
import federation.transport.exchange as exchange_transport
import parties.horizontal.participation
import parties.round.vertical  # noqa: F401 - loaded once, before the processes of the cells are forked
from benchmarks.faults.cells import Moment
from benchmarks.faults.durable import Durable
from crypto.errors import IsthmusError
from federation import files
from federation.coordinator import conducting
from federation.coordinator import seat as aggregator_seat
from federation.coordinator.home import CoordinatorHome
from federation.exchange.server import Exchange
from federation.flower.replies import FailedReply, Reply, code_and_cause, failed_reply
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.journal import Entry, FileJournal
from parties.home import PartyHome
from parties.node import PartyNode

#: Time in these cells goes ten times as fast: the plan's deadlines, the length of a fault and these waits of
#: the product are divided by it, so that 300 s of silence take 30.
PACE = 10.0
#: What a machine that is busy with other cells may not be too slow for: how long a ping, a reply and a stream
#: that is made anew may take.
_GENTLE = 5.0
_GRACE_SECONDS = 30.0
_COLLECT_PAUSE = 0.05
_LOOK_SECONDS = 1.0 / PACE


@dataclass(frozen=True, slots=True)
class Part:
    """What a role is started with. `lost`: where the process leaves what a loss of power would leave."""

    seat: PartyId
    home: Path
    log: Path
    moment: Moment | None = None
    fault: str = ""
    lost: Path | None = None


def play(part: Part, post: Connection, alarm: Connection) -> None:
    """What the process does until it is killed, or the other end of `post` is gone."""
    descriptor = os.open(part.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    _hasten()
    durable = Durable(part.home) if part.lost is not None else None
    if durable is not None:
        durable.follow()
    if part.moment is not None:
        _watch_for(part, part.moment, alarm, durable)
    try:
        if part.seat == AGGREGATOR:
            _aggregate(CoordinatorHome.open(part.home), post, durable)
        else:
            _take_orders(PartyHome.open(part.home), post)
    except (EOFError, BrokenPipeError):
        return


def say(post: Connection, **fields: Any) -> None:
    """One message to the other end."""
    post.send_bytes(json.dumps(fields).encode())


def hear(post: Connection) -> dict[str, Any]:
    """The next message of the other end."""
    return dict(json.loads(post.recv_bytes()))


# -- the roles ---------------------------------------------------------------------------------------------


def _take_orders(home: PartyHome, post: Connection) -> None:
    node = PartyNode(home, _tell)
    with home.running():
        node._set_state("idle")
        say(post, up=True)
        while True:
            while not post.poll(_LOOK_SECONDS):
                node._look()
            payload = bytes.fromhex(hear(post)["order"])
            try:
                answer = node._answer(home.admission(), payload)
            except Exception as error:  # noqa: BLE001 - as Flower's executor answers for any
                code, cause = code_and_cause(error)
                _tell(f"failed: {type(error).__name__}: {error}")
                say(post, code=code, cause=cause)
            else:
                say(post, answer=answer.hex())


def _aggregate(home: CoordinatorHome, post: Connection, durable: Durable | None) -> None:
    with home.running():
        exchange = Exchange(
            str(home.settings().exchange),
            home.authority(),
            home.tls_certificate(),
            home.tls_key(),
            lambda: frozenset(home.admitted_supernodes()),
            grace_seconds=_GRACE_SECONDS / _GENTLE,
        )
        exchange.start()
        resumed = [each.run for each in conducting.end_interrupted(home) if each.resumed]
        say(post, up=True, resumed=resumed)
        while True:
            control = _Control(post, hear(post)["conduct"])
            if durable is not None:  # Launched by another process, as with `isthmus round launch`.
                durable.adopt(home.round_folder(RunId(control.plan_id)))
            try:
                conducting.conduct(home, control.nodes, control)
            except IsthmusError as error:
                _tell(f"failed: {error}")


class _Control:
    """The conductor's line to the nodes: a `ControlPlane`, as `server_app.Control` is with Flower."""

    run_id = 1

    def __init__(self, post: Connection, run: str) -> None:
        self._post, self.plan_id = post, run

    def _ask(self, what: str, **fields: Any) -> Any:
        say(self._post, ask=what, **fields)
        return hear(self._post)["told"]

    def nodes(self) -> Mapping[PartyId, int]:
        return {PartyId(name): int(node) for name, node in self._ask("nodes").items()}

    def online(self) -> dict[int, str]:
        return {int(node): str(since) for node, since in self._ask("online").items()}

    def deliver(self, node_id: int, payload: bytes) -> None:
        self._ask("deliver", node=node_id, order=payload.hex())

    def collect(self, timeout: float) -> dict[int, Reply]:
        until = time.monotonic() + timeout
        while True:
            told = {int(node): _reply(each) for node, each in self._ask("collect").items()}
            if told or time.monotonic() > until:
                return told
            time.sleep(_COLLECT_PAUSE)

    def forget(self) -> None:
        self._ask("forget")

    def returned(self) -> frozenset[int]:
        return frozenset(self._ask("returned"))


def _reply(told: Mapping[str, Any]) -> Reply:
    if "answer" in told:
        return bytes.fromhex(told["answer"])
    reply: FailedReply = failed_reply(int(told["code"]), str(told["cause"]))
    return reply


# -- faster ------------------------------------------------------------------------------------------------


def _hasten() -> None:
    for name in ("_LOOK", "_REPLY", "_DELIVER_AGAIN", "_INTERRUPTED", "_WELCOME"):
        seconds = getattr(conducting, f"{name}_SECONDS")
        setattr(conducting, f"{name}_SECONDS", seconds / PACE)
    conducting._FIRST_HAND_SECONDS /= _GENTLE
    aggregator_seat._LOOK_SECONDS /= PACE
    exchange_transport._OPTIONS = _faster(exchange_transport._OPTIONS)
    exchange_server._SERVER_OPTIONS = _faster(exchange_server._SERVER_OPTIONS)


def _faster(options: Any) -> Any:
    paces = {True: _GENTLE, False: PACE}
    return tuple(
        (name, round(value / paces["timeout" in name]) if name.endswith("_ms") else value)
        for name, value in options
    )


# -- the moment --------------------------------------------------------------------------------------------


def _watch_for(part: Part, moment: Moment, alarm: Connection, durable: Durable | None) -> None:
    seen = 0

    def come() -> None:
        nonlocal seen
        seen += 1
        if seen != moment.count:
            return
        if durable is not None and part.lost is not None:
            durable.leave(part.lost)
        shift = _SHIFTS.get(part.fault)
        if shift is not None and part.seat == moment.seat:
            _jump(shift)
        say(alarm, here=True)
        hear(alarm)

    if moment.what == "file":
        write = files.write

        def writing(path: Path, data: bytes, mode: int = 0o644) -> None:
            if path.name == moment.name:
                come()
            write(path, data, mode)

        files.write = writing
    else:
        append = FileJournal.append

        def appending(journal: FileJournal, entry: Entry) -> None:
            append(journal, entry)
            if entry.type == moment.name:
                come()

        FileJournal.append = appending  # type: ignore[method-assign, assignment]  # how the moment is known


_SHIFTS: Mapping[str, dt.timedelta] = {
    "hour-on": dt.timedelta(hours=1),
    "hour-back": dt.timedelta(hours=-1),
    "day-on": dt.timedelta(days=1),
    "day-back": dt.timedelta(days=-1),
}


def _jump(shift: dt.timedelta) -> None:
    """From now on the time of day of this process is another one; `time.monotonic` goes on."""
    real = dt.datetime

    class Kind(type):
        def __instancecheck__(cls, each: object) -> bool:
            return isinstance(each, real)

    class Shifted(real, metaclass=Kind):  # type: ignore[misc, valid-type]  # a class made at this moment
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:
            return real.now(tz) + shift

    dt.datetime = Shifted  # type: ignore[misc]  # what every module of this process asks for the time


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
