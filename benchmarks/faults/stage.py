"""A federation of real processes on which a cell is played, and the post between them.

The post does what Flower does: it hands orders to nodes, brings replies back, and says who is online. A node
that is killed, frozen or cut off counts as online until two of Flower's heartbeats, of 30 s, are missed.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from benchmarks.errors import Mismeasured
from benchmarks.faults.cells import Moment
from benchmarks.faults.lines import Line
from benchmarks.faults.role import PACE, Part, hear, play, say
from benchmarks.faults.world import World
from federation.addresses import Address
from federation.coordinator.record import RoundStatus
from federation.errors import PeerSilent
from federation.flower.child import free_port
from federation.ids import AGGREGATOR, PartyId, RunId

_UP_SECONDS, _END_SECONDS = 120.0, 30.0
_OFFLINE_SECONDS = 60.0 / PACE
_TICK = 0.05
_HERE = "127.0.0.1"


def context() -> Any:
    """Where the roles' processes are forked from: one that has loaded the product, and runs no thread."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["benchmarks.faults.role"])
    return made


@dataclass
class _Node:
    """One role's process, as the post knows it."""

    seat: PartyId
    process: ForkServerProcess
    post: Connection
    alarm: Connection
    starts: int
    up: bool = False
    busy: bool = False
    gone: float | None = None  # since when it cannot be reached
    returns: int = 0
    held: bool = False  # cut off: what it says is not heard
    orders: deque[tuple[int, str]] = field(default_factory=deque)
    playing: int = 0  # the order that it has


class Stage:
    """The roles of one world, started and stopped, cut off and mended."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self._folder = world, folder
        self._context = context()
        self._stack = contextlib.ExitStack()
        self._nodes: dict[PartyId, _Node] = {}
        self._numbers = {name: number for number, name in enumerate(world.parties, start=1)}
        self._due: set[int] = set()
        self._forgotten: set[int] = set()
        self._replies: dict[int, tuple[int, dict[str, Any]]] = {}
        self._orders = 0
        self.moment_is_here = False

    def __enter__(self) -> Stage:
        self._port = free_port()
        self._lines = {name: self._stack.enter_context(Line(self._port)) for name in self.world.parties}
        seen_at = {name: Address(_HERE, line.port) for name, line in self._lines.items()}
        self.world.settle(Address(_HERE, self._port), seen_at)
        return self

    def __exit__(self, *_: object) -> None:
        for node in self._nodes.values():
            self._end(node)
        self._stack.close()

    # -- roles -------------------------------------------------------------------------------------

    @property
    def seats(self) -> tuple[PartyId, ...]:
        """All roles, the aggregator first."""
        return (AGGREGATOR, *self.world.parties)

    def start(
        self, seat: PartyId, moment: Moment | None = None, fault: str = "", lost: Path | None = None
    ) -> None:
        """Start a role's process; `up` says when it is there."""
        before = self._nodes.get(seat)
        if before is not None:
            self._end(before)
        post, posts_end = self._context.Pipe()
        alarm, alarms_end = self._context.Pipe()
        part = Part(seat, self.world.home(seat), self._folder / f"{seat}.log", moment, fault, lost)
        process = self._context.Process(target=play, args=(part, posts_end, alarms_end), daemon=True)
        process.start()
        posts_end.close()
        alarms_end.close()
        node = _Node(seat, process, post, alarm, 1 if before is None else before.starts + 1)
        if before is not None:
            node.orders = before.orders
        self._nodes[seat] = node
        if seat == AGGREGATOR:
            self._due, self._forgotten, self._replies = set(), set(), {}

    def wait_up(self) -> None:
        """Until every role that was started is there. `PeerSilent` names the one that is not."""
        for node in self._nodes.values():
            if not self.run_until(lambda node=node: node.up or not _lives(node), _UP_SECONDS) or not node.up:  # type: ignore[misc]  # mypy does not infer the default's type
                raise PeerSilent(node.seat, "starting", _UP_SECONDS)

    def kill(self, seat: PartyId) -> None:
        """SIGKILL."""
        node = self._nodes[seat]
        if node.process.pid is not None and node.process.is_alive():
            os.kill(node.process.pid, signal.SIGKILL)
            node.process.join(_END_SECONDS)
        node.up, node.busy, node.playing = False, False, 0
        node.gone = node.gone or time.monotonic()

    def freeze(self, seat: PartyId) -> None:
        """SIGSTOP."""
        node = self._nodes[seat]
        os.kill(node.process.pid or 0, signal.SIGSTOP)
        node.gone = time.monotonic()

    def thaw(self, seat: PartyId) -> None:
        """SIGCONT, where it was frozen."""
        node = self._nodes[seat]
        os.kill(node.process.pid or 0, signal.SIGCONT)
        self._returned(node)

    def cut(self, seat: PartyId) -> None:
        """Cut a party's lines to exchange and post; the aggregator's are those of all parties."""
        for name in self._behind(seat):
            self._lines[name].cut()
            self._nodes[name].held = True
            self._nodes[name].gone = time.monotonic()

    def mend(self, seat: PartyId) -> None:
        """Mend what `cut` did."""
        for name in self._behind(seat):
            self._lines[name].mend()
            self._nodes[name].held = False
            self._returned(self._nodes[name])

    def move(self) -> None:
        """Another port for the exchange; the lines lead there. The aggregator must not run."""
        self._port = free_port()
        seen_at = {name: Address(_HERE, line.port) for name, line in self._lines.items()}
        self.world.settle(Address(_HERE, self._port), seen_at)
        for line in self._lines.values():
            line.upstream = self._port

    def go_on(self, seat: PartyId) -> None:
        """Let the thread that came to its moment go on."""
        node = self._nodes[seat]
        with contextlib.suppress(OSError):
            say(node.alarm, go=True)

    # -- rounds ------------------------------------------------------------------------------------

    def launch(self) -> RunId:
        """Begin a new round."""
        run = self.world.submit()
        say(self._nodes[AGGREGATOR].post, conduct=run)
        return run

    def status(self, run: RunId) -> RoundStatus:
        """Where the round is."""
        return RoundStatus.load(self.world.coordinator.round_folder(run))

    def over(self, run: RunId) -> bool:
        """Whether the round is over at the aggregator."""
        return self.status(run).over

    def idle(self, *but: PartyId) -> bool:
        """Whether no party, but for those named, has an order or one coming."""
        nodes = [self._nodes[name] for name in self.world.parties if name not in but]
        return all(not node.busy and not node.orders for node in nodes)

    def run_until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Carry the post until `done`; False when it was not in that time."""
        until = time.monotonic() + seconds
        while not done():
            if time.monotonic() > until:
                return False
            self._carry()
        return True

    # -- the post ----------------------------------------------------------------------------------

    def _carry(self) -> None:
        posts = {
            node.post: node for node in self._nodes.values() if node.process.is_alive() and not node.held
        }
        alarms = {node.alarm: node for node in self._nodes.values() if node.process.is_alive()}
        for ready in wait([*posts, *alarms], _TICK):
            if not isinstance(ready, Connection):
                raise Mismeasured("the post heard of something else than a role")
            try:
                if ready in alarms:
                    hear(ready)
                    self.moment_is_here = True
                else:
                    self._take(posts[ready], hear(ready))
            except (EOFError, OSError):
                node = posts.get(ready) or alarms[ready]
                node.process.join(_TICK)
        self._hand_out()

    def _take(self, node: _Node, said: dict[str, Any]) -> None:
        if "up" in said:
            node.up = True
            for run in said.get("resumed", ()):
                say(node.post, conduct=run)
        elif "ask" in said:
            say(node.post, told=self._answer(said))
        else:
            node.busy = False
            if node.playing in self._due | self._forgotten:
                self._replies[node.playing] = (self._numbers[node.seat], said)
            node.playing = 0

    def _hand_out(self) -> None:
        for name in self.world.parties:
            node = self._nodes.get(name)
            if node is not None and node.up and not node.busy and not node.held and node.orders:
                node.playing, order = node.orders.popleft()
                node.busy = True
                with contextlib.suppress(OSError):
                    say(node.post, order=order)

    def _answer(self, said: dict[str, Any]) -> Any:
        match said["ask"]:
            case "nodes":
                return self._numbers
            case "online":
                return {
                    self._numbers[name]: self._since(name)
                    for name in self.world.parties
                    if self._online(name)
                }
            case "deliver":
                self._orders += 1
                self._due.add(self._orders)
                name = next(name for name, number in self._numbers.items() if number == said["node"])
                self._nodes[name].orders.append((self._orders, said["order"]))
            case "collect":
                return dict(self._taken(self._due))
            case "forget":
                self._forgotten |= self._due
                self._due = set()
            case "returned":
                return [number for number, _ in self._taken(self._forgotten)]
        return None

    def _taken(self, which: set[int]) -> Iterator[tuple[int, dict[str, Any]]]:
        for order in [each for each in self._replies if each in which]:
            which.discard(order)
            yield self._replies.pop(order)

    def _online(self, name: PartyId) -> bool:
        node = self._nodes[name]
        return node.gone is None or time.monotonic() < node.gone + _OFFLINE_SECONDS

    def _since(self, name: PartyId) -> str:
        node = self._nodes[name]
        return f"{node.starts}.{node.returns}"

    def _returned(self, node: _Node) -> None:
        if node.gone is not None and time.monotonic() > node.gone + _OFFLINE_SECONDS:
            node.returns += 1
        node.gone = None

    def _behind(self, seat: PartyId) -> tuple[PartyId, ...]:
        return tuple(self.world.parties) if seat == AGGREGATOR else (seat,)

    def _end(self, node: _Node) -> None:
        if node.process.pid is not None and node.process.is_alive():
            os.kill(node.process.pid, signal.SIGKILL)
        node.process.join(_END_SECONDS)
        node.post.close()
        node.alarm.close()


def _lives(node: _Node) -> bool:
    return bool(node.process.is_alive())
