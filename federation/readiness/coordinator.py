"""The aggregator's own readiness: folder, certificates, doors, members, and a plan's parties."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from federation.coordinator import joining
from federation.coordinator.home import CoordinatorHome
from federation.flower.engine import SuperLinkClient
from federation.flower.keys import public_key_pem
from federation.ids import PartyId
from federation.locks import holder
from federation.plan import Plan
from federation.readiness import machine, reaching
from federation.readiness.findings import Finding, Readiness, look


def examine(home: CoordinatorHome, plan: Plan | None, now: dt.datetime) -> Readiness:
    """Look at everything that a coordinator needs for a round of `plan`, or of any."""
    process = holder(home.lock_file)
    renewal = "Restart the service, which renews it: `isthmus federation stop`, `isthmus federation start`."
    service = ("the federation's service", "isthmus federation start")
    findings = [
        *look("folder", [lambda: machine.rights(home), lambda: machine.whole(home)]),
        *look("folder", [lambda: machine.running(process, *service)]),
        *look("certificates", [lambda: machine.certificate(home, now, renewal)]),
        *look("machine", [lambda: machine.disk(home), machine.memory]),
        *look("network", [lambda: _doors(home, process is not None)]),
        *look("partners", [lambda: _members(home, plan, now)]),
    ]
    if process is not None and home.service_file.exists():
        findings += look("partners", [lambda: _online(home, plan)])
    return Readiness("aggregator", tuple(findings))


def _doors(home: CoordinatorHome, running: bool) -> Iterator[Finding]:
    settings = home.settings()
    doors = {
        "the gate": settings.gate,
        "the exchange": settings.exchange,
        "the admission desk": settings.desk,
    }
    for name, address in doors.items():
        if address is not None:
            yield from reaching.listening(name, address, running)


def _members(home: CoordinatorHome, plan: Plan | None, now: dt.datetime) -> Iterator[Finding]:
    members = home.roster().members
    waiting = {each.party for each in joining.invitations(home) if each.state(now) == "open"}
    for name in plan.parties if plan is not None else ():
        if PartyId(name) in members:
            yield Finding("partners", "ok", f"{name} is a member")
        elif PartyId(name) in waiting:
            yield Finding(
                "partners",
                "fail",
                f"{name} was invited and has not joined",
                f"Ask {name} to run `isthmus party join`.",
            )
        else:
            yield Finding(
                "partners", "fail", f"{name} is not a member", f"Run `isthmus federation invite {name}`."
            )
    if plan is None and not members:
        yield Finding("partners", "warn", "nobody is a member yet", "Run `isthmus federation invite PARTY`.")
    elif plan is None:
        yield Finding("partners", "ok", f"members: {', '.join(sorted(members))}")


def _online(home: CoordinatorHome, plan: Plan | None) -> Iterator[Finding]:
    """Which of the members' nodes are connected now, as the SuperLink knows it."""
    from federation.coordinator.rounds import running_service

    service, members = running_service(home), home.roster().members
    client = SuperLinkClient(str(service["superlink"]), Path(str(service["superlink_root"])))
    try:
        states = {public_key_pem(node.public_key): node.status for node in client.nodes()}
    finally:
        client.close()
    for name, member in sorted(members.items()):
        if plan is not None and name not in plan.parties:
            continue
        if states.get(public_key_pem(member.supernode)) == "online":
            yield Finding("partners", "ok", f"{name} is online")
        else:
            yield Finding(
                "partners",
                "fail" if plan is not None else "warn",
                f"{name}'s node is not connected",
                f"Ask {name} to run `isthmus party start`, and `isthmus doctor` if it does not connect.",
            )
