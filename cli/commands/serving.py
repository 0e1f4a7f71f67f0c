"""What `isthmus party` and `isthmus federation` have in common: starting a service, reading its log."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cli.homes import federation_home, party_home
from cli.output import format_option, say
from cli.service import leave_behind, stop_on_signal, tell, until_stdin_ends

if TYPE_CHECKING:
    from federation.home import Home
    from federation.lifecycle import Operation, Service

F = TypeVar("F", bound=Callable[..., Any])

_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Starting:
    """How a service is to be started, as the command line says it."""

    detach: bool
    patience: float
    grace: float
    metrics_port: int | None
    until_stdin_ends: bool
    output: str
    at_once: threading.Event = field(default_factory=threading.Event)

    def stop_on_signal(self) -> threading.Event:
        """What ends the service; with --detach this command, which only waits, is ended by signals as any."""
        if self.detach:
            return threading.Event()
        return stop_on_signal(self.until_stdin_ends, self.at_once)

    def say(self, sentence: str) -> None:
        """A sentence for people. With --format json the log's own lines are printed instead."""
        if self.output != "json":
            tell(sentence)

    def operation(self, home: Home) -> Operation:
        """For a service in the foreground."""
        from federation.lifecycle import Operation
        from federation.serving.eventlog import EventLog
        from federation.serving.notify import Notifier

        also = (lambda line: click.echo(line)) if self.output == "json" else (lambda line: None)
        log, notifier = EventLog(home.log_file, also), Notifier.from_environment(os.environ)
        return Operation(log, self.metrics_port, self.grace, self.at_once, notifier)

    def finish(self, service: Service) -> None:
        """After the service has stopped: end the process also where a round's step was not over in time."""
        if service.cut_off:
            sentence = f"the round's step was not over within its grace of {self.grace:g} s and is cut off"
            service.tell(sentence, "cut-off", level="warning")
            leave_behind()
        service.tell("stopped", "stopped")

    def in_background(self, group: str, what: str, home: Home, lock: Path, ready: Path) -> None:
        """Start it so, and say where it is."""
        from cli.detaching import detach

        arguments = [group, "start", "--home", str(home.folder.absolute())]
        arguments += ["--grace", str(self.grace)]
        if self.metrics_port is not None:
            arguments += ["--metrics-port", str(self.metrics_port)]
        started = detach(what, arguments, home, lock, ready, self.patience)
        pages = metrics_address(started.facts)
        facts = {
            "started": started.pid,
            "log": str(home.log_file),
            "output": str(home.output_file),
            "metrics": pages,
        }
        text = f"{what} is up, process {started.pid}\nits log, for the command logs: {home.log_file}"
        say(self.output, facts, text + (f"\nits health and metrics: {pages}" if pages else ""))


def start_options(command: F) -> F:
    """The options of the two services; the command gets them as `starting`."""

    @functools.wraps(command)
    def gathered(
        *arguments: Any,
        detach: bool,
        patience: float,
        grace: float,
        metrics_port: int | None,
        until_stdin_ends: bool,
        output: str,
        **others: Any,
    ) -> Any:
        starting = Starting(detach, patience, grace, metrics_port, until_stdin_ends, output)
        return command(*arguments, starting=starting, **others)

    options = [
        click.option("--detach", is_flag=True, help="Run in the background; return once it is up."),
        click.option(
            "--patience",
            type=click.FloatRange(min=1.0),
            default=120.0,
            show_default=True,
            help="With --detach: seconds to wait until it is up.",
        ),
        click.option(
            "--grace",
            type=click.FloatRange(min=0.0, max=3600.0),
            default=30.0,
            show_default=True,
            help="When it is stopped: seconds that a round gets to end in order.",
        ),
        click.option(
            "--metrics-port",
            type=click.IntRange(0, 65535),
            help="Serve /healthz and /metrics on this port of 127.0.0.1; 0 takes a free one.  [default: not]",
        ),
        until_stdin_ends,
        format_option,
    ]
    made: Any = gathered
    for option in reversed(options):
        made = option(made)
    return made  # type: ignore[no-any-return]  # click's decorators keep what they are given


def metrics_address(facts: Mapping[str, Any]) -> str | None:
    """Where a service that wrote `facts` serves its health and metrics; None where it does not."""
    port = facts.get("metrics_port")
    return f"http://127.0.0.1:{port}/metrics" if isinstance(port, int) else None


def stop_options(command: F) -> F:
    """The options of the two commands that stop a service."""
    patience = click.option(
        "--patience",
        type=click.FloatRange(min=1.0),
        default=60.0,
        show_default=True,
        help="Seconds to wait for it; a round that runs gets the --grace of the start.",
    )
    now = click.option("--now", is_flag=True, help="Do not wait for a round to end in order.")
    return patience(now(format_option(command)))


def _logs(home: Home, lines: int, since: str | None, follow: bool, output: str) -> None:
    from federation.serving.reading import Following, last, shown, since_when

    def show(line: dict[str, Any]) -> None:
        click.echo(json.dumps(line, ensure_ascii=False) if output == "json" else shown(line))

    def wait() -> bool:
        time.sleep(_LOOK_SECONDS)
        return True

    after = None if since is None else since_when(since, dt.datetime.now(dt.UTC))
    following = Following(home.log_file) if follow else None
    for line in last(home.log_file, lines, after):
        show(line)
    if following is not None:
        with contextlib.suppress(KeyboardInterrupt):  # The way to end it.
            for line in following.lines(wait):
                show(line)


def _logs_options(command: F) -> F:
    options = [
        click.option("--follow", "-f", is_flag=True, help="Show what comes, until Ctrl-C."),
        click.option(
            "--lines",
            type=click.IntRange(1, 1_000_000),
            default=50,
            show_default=True,
            help="The newest so many.",
        ),
        click.option("--since", help="Only from then on: 2h, 15m, 7d, or a time with its zone."),
        format_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command(name="logs")
@party_home
@_logs_options
def party_logs(home: Path, lines: int, since: str | None, follow: bool, output: str) -> None:
    """Show what the node did: its log, which holds no data. JSON is one line for each event."""
    from parties.home import PartyHome

    _logs(PartyHome.open(home), lines, since, follow, output)


@click.command(name="logs")
@federation_home
@_logs_options
def federation_logs(home: Path, lines: int, since: str | None, follow: bool, output: str) -> None:
    """Show what the service did: its log, which holds no data. JSON is one line for each event."""
    from federation.coordinator.home import CoordinatorHome

    _logs(CoordinatorHome.open(home), lines, since, follow, output)
