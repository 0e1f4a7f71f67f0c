"""Launching, following and cancelling rounds, from another process than the service."""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from crypto.codes import Code
from federation import files
from federation.clock import timestamp
from federation.coordinator.home import CoordinatorHome
from federation.coordinator.record import PartyStatus, RoundStatus
from federation.errors import PeerFailure, UsageError
from federation.ids import PartyId, RunId
from federation.locks import holder
from federation.plan import Plan

_LOOK_SECONDS = 0.2


def launch(home: CoordinatorHome, plan: Plan) -> RunId:
    """Submit `plan` to the running service; the new run's name.

    Raises `PlanRefused` when the plan names a party that is not admitted, `UsageError` when the service
    does not run.
    """
    service = check_launch(home, plan)
    run = new_run(dt.datetime.now(dt.UTC))
    folder = home.round_folder(run)
    files.write(folder / "plan.json", plan.canonical())
    status = RoundStatus(
        run,
        plan.name,
        plan.digest.hex(),
        submitted=timestamp(),
        parties={PartyId(name): PartyStatus() for name in plan.parties},
    )
    files.write_json(folder / "status.json", status.to_json())
    from federation.flower.engine import SuperLinkClient

    with contextlib.closing(
        SuperLinkClient(str(service["superlink"]), Path(str(service["superlink_root"])))
    ) as client:
        client.submit(run)
    return run


def check_launch(home: CoordinatorHome, plan: Plan) -> dict[str, object]:
    """What `launch` refuses; how to reach the service."""
    home.roster().check_admitted(map(PartyId, plan.parties))
    return running_service(home)


def new_run(now: dt.datetime) -> RunId:
    """A run's name: its time (UTC), so that names sort by age, and six random digits."""
    return RunId(f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}")


def running_service(home: CoordinatorHome) -> dict[str, object]:
    """How to reach the service, or a `UsageError` that says how to start it."""
    if holder(home.lock_file) is None or not home.service_file.exists():
        raise UsageError(
            "the federation's service is not running",
            file=str(home.folder),
            advice="Start it with `isthmus federation start`.",
            code=Code.SERVICE_NOT_RUNNING,
        )
    advice = "Run `isthmus federation stop`, then `isthmus federation start`: it is written anew."
    fields = files.read_json(home.service_file, advice)
    with files.intact(home.service_file, advice):
        return dict(fields)


def find(home: CoordinatorHome, run: str | None) -> RunId:
    """The named round, or the newest one."""
    runs = home.runs()
    if not runs:
        raise UsageError(
            "no round was launched here yet",
            advice="Launch one: `isthmus round launch PLAN`.",
            code=Code.NO_ROUND,
        )
    if run is None:
        return runs[-1]
    if RunId(run) not in runs:
        raise UsageError(
            f"there is no round {run!r}", advice="`isthmus round list` names them.", code=Code.NO_ROUND
        )
    return RunId(run)


def follow(home: CoordinatorHome, run: RunId, patience: float) -> Iterator[RoundStatus]:
    """The status each time it changes, until the round is over; `PeerFailure` after `patience` seconds."""
    folder = home.round_folder(run)
    until = time.monotonic() + patience
    last = None
    while True:
        status = RoundStatus.load(folder)
        if status != last:
            last = status
            yield status
        if status.over:
            return
        if time.monotonic() > until:
            raise PeerFailure(
                f"{run} was not over after {patience:g} s",
                advice=f"Look with `isthmus round status {run}`, or cancel it.",
                code=Code.ROUND_LATE,
            )
        if holder(home.lock_file) is None:
            raise PeerFailure(
                "the federation's service stopped before the round was over",
                advice="Start it with `isthmus federation start` and launch the plan again.",
                code=Code.SERVICE_STOPPED,
            )
        time.sleep(_LOOK_SECONDS)


def cancel(home: CoordinatorHome, run: RunId) -> None:
    """Ask the service to end the round; every party is told. `UsageError` when it is over already."""
    check_cancel(home, run)
    files.write(home.round_folder(run) / "cancel", b"")


def check_cancel(home: CoordinatorHome, run: RunId) -> None:
    """What `cancel` refuses."""
    folder = home.round_folder(run)
    if RoundStatus.load(folder).over:
        raise UsageError(
            f"{run} is over already", advice="`isthmus round show` tells how it ended.", code=Code.ROUND_OVER
        )
