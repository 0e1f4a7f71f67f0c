"""A cell, from the world that it is played in to what became of its round."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from benchmarks.errors import Mismeasured
from benchmarks.faults import checking
from benchmarks.faults.cells import Cell, Shape
from benchmarks.faults.role import PACE
from benchmarks.faults.stage import Stage
from benchmarks.faults.world import DEADLINES, World, copied, found
from federation.errors import IsthmusError
from federation.ids import AGGREGATOR, RunId

Outcome: TypeAlias = Literal["resumed", "ended_cleanly", "failed"]

#: The plan's deadline in a cell's time, and what a machine that is busy with other cells may add to it.
_RUN_SECONDS = DEADLINES.run_seconds / PACE
_SLACK_SECONDS = 60.0
_IDLE_SECONDS = 60.0
_TELL_SECONDS = 5.0
#: A supervisor starts a killed role again after about so long (systemd: RestartSec).
_RESTART_SECONDS = 5.0 / PACE
_DISK_BYTES = 24 << 20


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a cell. `cause`: what every role was told where the round ended, or why it failed."""

    cell: Cell
    outcome: Outcome
    cause: str = ""
    attempts: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Ground:
    """The world of one shape, and what its plan comes to when nothing fails."""

    world: World
    models: Mapping[str, list[float]]


def prepared(shape: Shape, folder: Path) -> Ground:
    """Found the world of a shape and play its round undisturbed."""
    world = found(shape, folder / "template", PACE)
    verdict, models = _undisturbed(world, folder / "undisturbed")
    if verdict:
        raise IsthmusError(f"the undisturbed round of the {shape} plan: {verdict}", advice="See its logs.")
    return Ground(world, models)


def played(cell: Cell, ground: Ground, folder: Path) -> Verdict:
    """Play one simulated cell below `folder`, which is emptied."""
    began = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with _disk(cell, copied(ground.world, folder / "world")) as world, Stage(world, folder) as stage:
            outcome, cause, attempts = _Play(cell, ground, stage, folder).outcome()
    except IsthmusError as error:
        outcome, cause, attempts = "failed", str(error), 0
    return Verdict(cell, outcome, cause, attempts, time.monotonic() - began)


def _whole_round(stage: Stage) -> tuple[str, dict[str, list[float]]]:
    """A round from its launch to its end, all roles up: what is wrong with it ("": nothing), its models."""
    stage.wait_up()
    run = stage.launch()
    done = stage.run_until(lambda: stage.over(run) and stage.idle(), _RUN_SECONDS + _SLACK_SECONDS)
    status = stage.status(run)
    if not done or status.state != "finished":
        return status.cause or f"it is {status.state}", {}
    return "; ".join(checking.problems(stage.world)), checking.models(stage.world, run)


def _undisturbed(world: World, folder: Path) -> tuple[str, dict[str, list[float]]]:
    folder.mkdir(parents=True)
    with Stage(copied(world, folder / "world"), folder) as stage:
        for seat in stage.seats:
            stage.start(seat)
        return _whole_round(stage)


class _Play:
    def __init__(self, cell: Cell, ground: Ground, stage: Stage, folder: Path) -> None:
        self._cell, self._ground, self._stage, self._folder = cell, ground, stage, folder
        self._lost = folder / "lost"

    def outcome(self) -> tuple[Outcome, str, int]:
        """Play it to its end and judge."""
        cell, stage = self._cell, self._stage
        for seat in stage.seats:
            moment = cell.moment if seat == cell.moment.seat else None
            lost = self._lost if cell.fault == "power" and seat == cell.seat else None
            stage.start(seat, moment, cell.fault, lost)
        stage.wait_up()
        run = stage.launch()
        came = stage.run_until(lambda: stage.moment_is_here or stage.over(run), _RUN_SECONDS)
        if not came or not stage.moment_is_here:
            return "failed", f"its moment never came: {stage.status(run).cause}", 1
        deadline = time.monotonic() + _RUN_SECONDS + _SLACK_SECONDS
        self._deal(run)
        if cell.seat == AGGREGATOR and cell.fault in ("loss", "disk"):
            # The parties end by themselves; only then is it started again, or room made on its disk.
            stage.run_until(stage.idle, deadline - time.monotonic())
            self._recover()
        if not stage.run_until(lambda: stage.over(run), deadline - time.monotonic()):
            return "failed", "the round was not over at its deadline", stage.status(run).attempt
        away = self._recover()
        if not stage.run_until(lambda: stage.idle(), _IDLE_SECONDS):
            return "failed", "a party is not idle though the round is over", stage.status(run).attempt
        return self._judge(run, away)

    # -- the fault ---------------------------------------------------------------------------------

    def _deal(self, run: RunId) -> None:
        cell, stage = self._cell, self._stage
        seat, fault, at = cell.seat, cell.fault, cell.moment.seat
        if fault in ("kill", "loss", "move", "power"):
            stage.kill(seat)
            if at != seat:
                stage.go_on(at)
            if fault != "loss":
                self._start_again(seat, fault)
        elif fault == "freeze":
            stage.freeze(seat)
            stage.go_on(at)
            self._wait_frozen(run)
        elif fault.startswith("cut-"):
            stage.cut(seat)
            stage.go_on(at)
            stage.run_until(lambda: stage.over(run), float(fault.removeprefix("cut-")) / PACE)
            stage.mend(seat)
        elif fault == "disk":
            _fill(stage.world.home(seat))
            stage.go_on(at)
        else:  # The clock: the process has done it itself.
            stage.go_on(at)

    def _start_again(self, seat: str, fault: str) -> None:
        stage = self._stage
        stage.run_until(lambda: False, _RESTART_SECONDS)
        if fault == "move":
            stage.move()
        if fault == "power":
            home = stage.world.home(self._cell.seat)
            shutil.rmtree(home)
            self._lost.rename(home)
        stage.start(self._cell.seat)

    def _wait_frozen(self, run: RunId) -> None:
        """Until the others have ended; a frozen aggregator's parties give up by themselves."""
        stage, seat = self._stage, self._cell.seat
        done = stage.idle if seat == AGGREGATOR else lambda: stage.over(run)
        stage.run_until(done, _RUN_SECONDS)
        stage.thaw(seat)

    def _recover(self) -> bool:
        """Mend what the cell broke; whether the role missed the end of the round."""
        cell, stage = self._cell, self._stage
        if cell.fault == "disk":
            _free(stage.world.home(cell.seat))
        if cell.fault == "loss":
            stage.start(cell.seat)
            stage.wait_up()
        return cell.fault in ("kill", "loss", "freeze", "power", "move")

    # -- the verdict -------------------------------------------------------------------------------

    def _judge(self, run: RunId, away: bool) -> tuple[Outcome, str, int]:
        stage, world = self._stage, self._stage.world
        status = stage.status(run)
        wrong = checking.problems(world)
        if wrong:
            return "failed", "; ".join(wrong), status.attempt
        if status.state == "finished":
            tolerance = checking.TOLERANCE[self._cell.shape]
            if not checking.same(checking.models(world, run), dict(self._ground.models), tolerance):
                return "failed", "its models are not those of the undisturbed round", status.attempt
            return "resumed", "; ".join(status.interruptions), status.attempt
        # Where its disk was full a node tells a moment after there is room again.
        stage.run_until(lambda: not self._told_apart(run, away), _TELL_SECONDS)
        apart = self._told_apart(run, away)
        if apart:
            return "failed", apart, status.attempt
        again = self._next_round()
        if again:
            return "failed", f"the next round: {again}", status.attempt
        return "ended_cleanly", status.cause, status.attempt

    def _told_apart(self, run: RunId, away: bool) -> str:
        """Who was told another cause than the aggregator's status; "" when nobody was."""
        cell = self._cell
        missed = away and (cell.seat != AGGREGATOR or cell.fault in ("loss", "freeze"))
        return checking.told_apart(
            self._stage.world, run, self._stage.status(run).cause, {cell.seat} if missed else set()
        )

    def _next_round(self) -> str:
        """What is wrong with a round that is launched afterwards; "" when nothing is."""
        stage = self._stage
        for seat in stage.seats:  # Clocks that jumped are set right, as their owners would.
            if self._cell.fault.startswith(("hour", "day")) and seat == self._cell.seat:
                stage.kill(seat)
                stage.start(seat)
        wrong, models = _whole_round(stage)
        tolerance = checking.TOLERANCE[self._cell.shape]
        if models and not checking.same(models, dict(self._ground.models), tolerance):
            return "its models are not those of the undisturbed round"
        return wrong


# -- a disk ------------------------------------------------------------------------------------------------

_FILLER = ".filler"


@contextlib.contextmanager
def _disk(cell: Cell, world: World) -> Iterator[World]:
    """The world; where the cell fills a disk, that role's home is on a small one of its own."""
    if cell.fault != "disk":
        yield world
        return
    home = world.home(cell.seat)
    kept = home.with_name(f"{home.name}.kept")
    home.rename(kept)
    home.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES},mode=700", "tmpfs", str(home)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:  # noqa: S603 - fixed words
        raise Mismeasured(
            "a small disk to fill cannot be mounted",
            advice="Run as root, or choose other cells with --cells.",
        )
    try:
        shutil.copytree(kept, home, dirs_exist_ok=True)
        yield world
    finally:
        subprocess.run(["umount", str(home)], check=False)  # noqa: S603, S607 - fixed words


def _fill(home: Path) -> None:
    """Not a byte is left on the home's own disk."""
    with contextlib.suppress(OSError), (home / _FILLER).open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))


def _free(home: Path) -> None:
    (home / _FILLER).unlink(missing_ok=True)
