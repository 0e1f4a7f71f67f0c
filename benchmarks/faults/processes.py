"""Cells with everything that a federation runs, Flower too: `isthmus` services, a SuperLink, SuperNodes.

One federation of each shape plays its cells one after the other, in its own time. A fault is dealt when the
round's status shows the second iteration of training.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.border.playing import play as play_in_memory
from benchmarks.errors import Mismeasured
from benchmarks.faults import checking
from benchmarks.faults.cells import Cell, Shape
from benchmarks.faults.lines import Line
from benchmarks.faults.playing import Outcome, Verdict
from benchmarks.faults.world import World, found
from cli.processes import Service, stopping
from federation import files
from federation.addresses import Address
from federation.coordinator import rounds
from federation.coordinator.record import RoundStatus
from federation.errors import IsthmusError, PeerSilent
from federation.flower.child import free_port
from federation.ids import AGGREGATOR, PartyId, RunId
from parties.sandbox.founding import Sandbox

_UP_SECONDS, _STEP_SECONDS, _OVER_SECONDS, _IDLE_SECONDS = 180.0, 180.0, 400.0, 120.0
_RESTART_SECONDS = 2.0
_PACE = 4.0  # of the plan's deadlines alone
_HERE = "127.0.0.1"
_JOINED = b"has joined the federation"


def played(shape: Shape, cells: Sequence[Cell], folder: Path, heard: Callable[[Verdict], None]) -> None:
    """Play the cells of one shape, one after the other; `heard` gets each verdict."""
    world = found(shape, folder, _PACE, long=True)
    sandbox = Sandbox(folder, world.coordinator, world.parties, world.plan)
    undisturbed = play_in_memory(sandbox)
    if undisturbed.cause is not None:
        raise undisturbed.cause
    models = checking.models(world, undisturbed.run)
    with _Real(world, folder).running() as real:
        for cell in cells:
            began = time.monotonic()
            try:
                outcome, cause, attempts = real.play(cell, models)
            except IsthmusError as error:
                outcome, cause, attempts = "failed", str(error), 0
            heard(Verdict(cell, outcome, cause, attempts, time.monotonic() - began))


class _Real:
    def __init__(self, world: World, folder: Path) -> None:
        self._world, self._folder = world, folder
        self._services: dict[PartyId, Service] = {}
        self._started: list[Service] = []
        self._lines: dict[PartyId, tuple[Line, Line]] = {}
        self._log_sizes: dict[PartyId, int] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator[_Real]:
        """Start every role; stop all at the end."""
        gate, exchange = free_port(), free_port()
        with contextlib.ExitStack() as stack:
            for name in self._world.parties:
                self._lines[name] = (
                    stack.enter_context(Line(exchange)),
                    stack.enter_context(Line(gate)),
                )
            self._world.settle(
                Address(_HERE, exchange),
                {name: Address(_HERE, lines[0].port) for name, lines in self._lines.items()},
                Address(_HERE, gate),
                {name: Address(_HERE, lines[1].port) for name, lines in self._lines.items()},
            )
            stack.enter_context(stopping(self._started))
            for seat in (AGGREGATOR, *self._world.parties):
                self._start(seat)
            yield self

    def play(self, cell: Cell, models: dict[str, list[float]]) -> tuple[Outcome, str, int]:
        """One cell, from a launch to the verdict."""
        run = self._launch()
        self._log_sizes = {name: self._log(name).stat().st_size for name in self._world.parties}
        self._wait(lambda: self._training(run), _STEP_SECONDS, "training")
        self._deal(cell)
        self._wait(lambda: self._status(run).over, _OVER_SECONDS, "ending the round")
        status = self._status(run)
        wrong = self._settled(cell, run)
        tolerance = checking.TOLERANCE[cell.shape]
        if wrong:
            return "failed", "; ".join(wrong), status.attempt
        if status.state == "finished":
            if not checking.same(checking.models(self._world, run), models, tolerance):
                return "failed", "its models are not those of the undisturbed round", status.attempt
            return "resumed", "; ".join(status.interruptions), status.attempt
        away = {cell.seat} if cell.fault == "kill" and cell.seat != AGGREGATOR else set()
        apart = checking.told_apart(self._world, run, status.cause, away)
        if apart:
            return "failed", apart, status.attempt
        self._wait_joined(cell)
        again = self._launch()
        self._wait(lambda: self._status(again).over, _OVER_SECONDS, "ending the next round")
        wrong = self._settled(cell, again)
        if self._status(again).state != "finished" or wrong:
            return (
                "failed",
                f"the next round: {'; '.join(wrong) or self._status(again).cause}",
                status.attempt,
            )
        if not checking.same(checking.models(self._world, again), models, tolerance):
            return "failed", "the next round's models are not those of the undisturbed one", status.attempt
        return "ended_cleanly", status.cause, status.attempt

    def _deal(self, cell: Cell) -> None:
        if cell.fault == "kill":
            os.kill(self._services[cell.seat].pid, signal.SIGKILL)
            time.sleep(_RESTART_SECONDS)
            self._start(cell.seat)
        elif cell.fault in ("superlink", "supernode"):
            os.kill(_child(self._services[cell.seat].pid, f"flower-{cell.fault}"), signal.SIGKILL)
        elif cell.fault.startswith("cut-"):
            for line in self._lines[cell.seat]:
                line.cut()
            time.sleep(float(cell.fault.removeprefix("cut-")))
            for line in self._lines[cell.seat]:
                line.mend()
        else:
            raise Mismeasured(f"{cell.fault} is not dealt to services")

    def _start(self, seat: PartyId) -> None:
        group, home = (
            ("federation", self._world.home(seat))
            if seat == AGGREGATOR
            else ("party", self._world.home(seat))
        )
        told = home / ("service.json" if seat == AGGREGATOR else "node.json")
        told.unlink(missing_ok=True)  # A killed one leaves it.
        service = Service(seat, [group, "start", "--home", str(home)], self._log(seat))
        self._services[seat] = service
        self._started.append(service)
        service.wait_for(told, _UP_SECONDS)

    def _log(self, seat: PartyId) -> Path:
        return self._folder / f"{seat}.log"

    def _wait_joined(self, cell: Cell) -> None:
        """Until the party's SuperNode is in again: Flower refuses one that was killed for about a minute."""
        if cell.fault not in ("kill", "supernode") or cell.seat == AGGREGATOR:
            return

        def joined() -> bool:
            return _JOINED in self._log(cell.seat).read_bytes()[self._log_sizes[cell.seat] :]

        self._wait(joined, _UP_SECONDS, "joining again", cell.seat)

    def _launch(self) -> RunId:
        return rounds.launch(self._world.coordinator, self._world.plan)

    def _status(self, run: RunId) -> RoundStatus:
        return RoundStatus.load(self._world.coordinator.round_folder(run))

    def _training(self, run: RunId) -> bool:
        status = self._status(run)
        if status.over:
            raise Mismeasured(
                f"the round was over before its second iteration: {status.cause or status.state}"
            )
        return all(each.step == "training" and each.iteration >= 2 for each in status.parties.values())

    def _settled(self, cell: Cell, run: RunId) -> list[str]:
        """Wait until every node is idle; what is wrong with the folders."""
        for name, home in self._world.parties.items():
            self._wait(
                lambda home=home: (
                    files.read_json(home.node_file)["state"] == "idle"  # type: ignore[misc]  # mypy does not infer the default's type
                    if home.node_file.exists()
                    else False
                ),
                _IDLE_SECONDS,
                "being idle",
                name,
            )
        return checking.problems(self._world)

    def _wait(self, done: Callable[[], bool], seconds: float, what: str, whom: str = AGGREGATOR) -> None:
        until = time.monotonic() + seconds
        while not done():
            if time.monotonic() > until:
                raise PeerSilent(whom, what, seconds)
            time.sleep(0.1)


def _child(parent: int, command: str) -> int:
    """The process id of the child of `parent` that runs `command`."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().split(b"\0")
            above = int((folder / "stat").read_text().rpartition(") ")[2].split()[1])
            if above == parent and command.encode() in words:
                return int(folder.name)
    raise Mismeasured(f"no {command} runs", advice="See the service's log.")
