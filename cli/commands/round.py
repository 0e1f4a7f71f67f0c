"""At the coordinator: launch a round, follow it, cancel it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from cli.commands.placing import places_options, refuse_unlawful
from cli.completing import run_names
from cli.homes import federation_home
from cli.output import format_option, say, tell_error
from cli.trial import dry_run_option, say_would
from crypto.codes import Code
from crypto.errors import IsthmusError

if TYPE_CHECKING:
    from federation.coordinator.home import CoordinatorHome
    from federation.coordinator.record import RoundStatus
    from federation.plan import Plan


@click.group(name="round")
def command() -> None:
    """At the coordinator: launch a round, follow it, cancel it."""


@command.command()
@click.argument("plan_file", type=click.Path(dir_okay=False, path_type=Path))
@federation_home
@click.option("--wait/--no-wait", default=True, show_default=True, help="Follow the round to its end.")
@places_options
@dry_run_option
@format_option
def launch(
    plan_file: Path,
    home: Path,
    wait: bool,
    manifest_files: tuple[Path, ...],
    at: tuple[str, ...],
    dry_run: bool,
    output: str,
) -> None:
    """Check the plan in PLAN_FILE, launch its round, and follow it.

    With each party's --manifest and --at aggregator=PLACE the rules about places are asked first. Exit code 3
    when one refuses the plan: no order is sent then.
    """
    from federation import plan as plans
    from federation.coordinator import rounds
    from federation.coordinator.home import CoordinatorHome

    plan = plans.load(plan_file)
    opened = CoordinatorHome.open(home)
    refuse_unlawful(plan, manifest_files, at)
    if dry_run:
        would_launch(opened, plan, output)
        return
    if not wait:
        run = rounds.launch(opened, plan)
        say(output, {"run": run, "state": "submitted"}, f"launched {run}")
        return
    status = launched(opened, plan, output)
    say(output, status.to_json(), _told(status))


def would_launch(opened: CoordinatorHome, plan: Plan, output: str) -> None:
    """What launching the plan would do, after all that would refuse it here; what parties say is theirs."""
    from federation.coordinator import rounds

    rounds.check_launch(opened, plan)
    parties = list(plan.parties)
    would = f"launch a {plan.shape} round of plan {plan.name}: an order to {', '.join(parties)}"
    say_would(output, would, plan=plan.name, plan_digest=plan.digest.hex(), parties=parties)


def launched(opened: CoordinatorHome, plan: Plan, output: str) -> RoundStatus:
    """Launch the plan's round and follow it to its end; a round that fails ends the command."""
    from cli.live import follow
    from federation.coordinator import rounds

    run = rounds.launch(opened, plan)
    patience = plan.deadlines.join_seconds + plan.deadlines.run_seconds
    try:
        status = follow(opened, run, patience, output == "text")
    except KeyboardInterrupt:
        error = IsthmusError(
            f"{run} is no longer followed; it goes on at the service",
            advice=f"Look with `isthmus round status {run}`, or end it with `isthmus round cancel {run}`.",
            code=Code.INTERRUPTED,
        )
        error.exit_code = 130
        raise error from None
    if status.exit_code:
        _fail(status, output)
    return status


@command.command()
@click.argument("run", required=False, shell_complete=run_names)
@federation_home
@format_option
def status(run: str | None, home: Path, output: str) -> None:
    """Where a round is (the newest one, or RUN)."""
    found = _load(home, run)
    say(output, found.to_json(), _told(found))


@command.command()
@click.argument("run", required=False, shell_complete=run_names)
@federation_home
@format_option
def show(run: str | None, home: Path, output: str) -> None:
    """What a round did: its plan, each party's receipt, times (the newest one, or RUN)."""
    from federation import files
    from federation.coordinator.home import CoordinatorHome

    found = _load(home, run)
    path = CoordinatorHome.open(home).round_folder(found.run) / "plan.json"
    plan = files.read_json(path)
    with files.intact(path, files.restored(path)):
        rows = "rows" if plan["shape"] == "horizontal" else "firms aligned"
    lines = [_told(found), f"plan {found.plan}, digest {found.plan_digest}"]
    lines += [f"started {found.started or '-'}, ended {found.ended or '-'}, attempt {found.attempt}"]
    lines += [f"an attempt before ended: {cause}" for cause in found.interruptions]
    for name, party in found.parties.items():
        if party.receipt is not None:
            receipt = party.receipt
            lines.append(
                f"{name}: {receipt['rows']} {rows}, {receipt['columns']} columns, "
                f"{receipt['iterations']} iterations, {receipt['bytes_sent']:,} bytes sent, "
                f"{receipt['cpu_milliseconds'] / 1000:.1f} CPU s, journal {receipt['journal_head'][:16]}"
            )
    say(output, {**found.to_json(), "plan_fields": plan}, "\n".join(lines))


@command.command(name="list")
@federation_home
@format_option
def list_rounds(home: Path, output: str) -> None:
    """List all rounds, oldest first."""
    from federation.coordinator.home import CoordinatorHome
    from federation.coordinator.record import RoundStatus

    opened = CoordinatorHome.open(home)
    found = [RoundStatus.load(opened.round_folder(run)) for run in opened.runs()]
    text = "\n".join(f"{each.run}  {each.state:9}  {each.plan}  {each.cause}" for each in found)
    say(output, {"rounds": [each.to_json() for each in found]}, text or "no round yet")


@command.command()
@click.argument("run", required=False, shell_complete=run_names)
@federation_home
@dry_run_option
@format_option
def cancel(run: str | None, home: Path, dry_run: bool, output: str) -> None:
    """End a round (the newest one, or RUN); every party is told."""
    from federation.coordinator import rounds
    from federation.coordinator.home import CoordinatorHome

    opened = CoordinatorHome.open(home)
    found = rounds.find(opened, run)
    if dry_run:
        rounds.check_cancel(opened, found)
        say_would(output, f"end {found}; every party would be told", run=found)
        return
    rounds.cancel(opened, found)
    say(
        output,
        {"run": found, "cancelling": True},
        f"{found} is being cancelled; look with `isthmus round status`",
    )


def _load(home: Path, run: str | None) -> RoundStatus:
    from federation.coordinator import rounds
    from federation.coordinator.home import CoordinatorHome
    from federation.coordinator.record import RoundStatus

    opened = CoordinatorHome.open(home)
    return RoundStatus.load(opened.round_folder(rounds.find(opened, run)))


def _told(status: RoundStatus) -> str:
    line = f"{status.run}: {status.state}"
    if status.cause:
        return f"{line}: {status.cause}"
    if status.over:
        return line
    doing = [
        f"{name} {party.step or party.state}" + (f" {party.iteration}" if party.iteration else "")
        for name, party in status.parties.items()
    ]
    again = f"attempt {status.attempt}, after {status.interruptions[-1]}; " if status.interruptions else ""
    return f"{line}: {again}" + "; ".join(doing)


def _fail(status: RoundStatus, output: str) -> NoReturn:
    error = status.failure(
        "Launch the plan again when it shall run; nothing of this attempt is used."
        if status.state == "cancelled"
        else "Mend the cause and launch the plan again; nothing of this attempt is used. A party that "
        "refused sees its next step with `isthmus party status`.",
    )
    if output == "text":
        raise error
    # The status is the one JSON object: it has the cause and the exit code.
    say(output, status.to_json(), "")
    tell_error(error)
    sys.exit(error.exit_code)
