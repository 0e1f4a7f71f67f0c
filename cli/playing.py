"""Playing a sandbox's round on this machine: its roles as processes over TLS, followed to the end."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from federation.addresses import Address
    from federation.coordinator.record import RoundStatus
    from parties.sandbox.founding import Sandbox

#: How long a role may take to start, in seconds.
_START_SECONDS = 120.0


def loopback() -> tuple[Address, Address]:
    """Two free addresses of this machine alone: for the gate and the exchange."""
    from federation.addresses import Address
    from federation.flower.child import free_port

    return Address("127.0.0.1", free_port()), Address("127.0.0.1", free_port())


@contextlib.contextmanager
def running(sandbox: Sandbox) -> Iterator[None]:
    """Every role of the sandbox as a process of its own, as long as the block lasts; logs lie in its folder.

    Raises `PeerSilent` naming a role that is not up in time, and what a role said that ended.
    """
    with aggregator_running(sandbox), nodes_running(sandbox):
        yield


@contextlib.contextmanager
def aggregator_running(sandbox: Sandbox) -> Iterator[None]:
    """The aggregator alone; as `running`."""
    from cli.processes import Service, stopping

    services: list[Service] = []
    home = sandbox.coordinator
    with stopping(services):
        click.echo("Starting the aggregator as a process of its own ...", err=True)
        service = Service(
            "the aggregator",
            ["federation", "start", "--home", str(home.folder)],
            sandbox.folder / "aggregator.log",
        )
        services.append(service)
        service.wait_for(home.service_file, _START_SECONDS)
        yield


@contextlib.contextmanager
def nodes_running(sandbox: Sandbox) -> Iterator[None]:
    """The parties' nodes, the aggregator running; as `running`."""
    from cli.processes import Service, stopping

    services: list[Service] = []
    with stopping(services):
        click.echo("Starting the party nodes as processes of their own ...", err=True)
        for name, home in sandbox.parties.items():
            services.append(
                Service(
                    f"party {name}",
                    ["party", "start", "--home", str(home.folder)],
                    sandbox.folder / f"{name}.log",
                )
            )
        for service, home in zip(services, sandbox.parties.values(), strict=True):
            service.wait_for(home.node_file, _START_SECONDS)
        yield


def play(sandbox: Sandbox) -> RoundStatus:
    """Start every role, run the sandbox's plan and stop them. Raises the round's cause where it fails."""
    with running(sandbox):
        return play_round(sandbox)


def play_round(sandbox: Sandbox, show: bool = True) -> RoundStatus:
    """Run the sandbox's plan once, its roles running. Raises the round's cause where it fails."""
    from cli.live import follow
    from federation.coordinator import rounds

    run = rounds.launch(sandbox.coordinator, sandbox.plan)
    status = follow(sandbox.coordinator, run, sandbox.plan.deadlines.run_seconds, show)
    if status.exit_code:
        raise status.failure(f"{_next_step(sandbox, status.cause)}The logs are in {sandbox.folder}.")
    return status


def _next_step(sandbox: Sandbox, cause: str) -> str:
    """What the party that `cause` comes from told its own people: here they are the same people."""
    from crypto.codes import parted
    from federation import files

    for home in sandbox.parties.values():
        node = files.read_json(home.node_file) if home.node_file.exists() else {}
        if node.get("advice") and cause.endswith(parted(str(node["cause"]))[1]):
            return f"{node['advice']} "
    return ""
