"""At the coordinator: make a federation, admit parties, run its service."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import click

from cli.commands.joining import invitations, invite, move
from cli.commands.serving import Starting, federation_logs, metrics_address, start_options, stop_options
from cli.completing import member_names
from cli.homes import federation_home
from cli.output import confirm_fingerprint, format_option, naming, say
from cli.paths import OUT_FILE
from cli.service import running, soon, stop_holder
from cli.trial import dry_run_option, say_would, writing
from crypto.codes import Code
from crypto.errors import Refusal

#: Where the admission desk listens unless it is told otherwise.
_DESK_PORT = 7445


@click.group(name="federation")
def command() -> None:
    """At the coordinator: make a federation, admit parties, run its service."""


for _each in (invite, invitations, move, federation_logs):
    command.add_command(_each)


@command.command()
@click.argument("name")
@federation_home
@click.option("--gate", default="127.0.0.1:7443", show_default=True, help="host:port that parties reach.")
@click.option("--exchange", default="127.0.0.1:7444", show_default=True, help="host:port of the data plane.")
@click.option("--desk", help="host:port of the admission desk.  [default: the gate's host, port 7445]")
@dry_run_option
@format_option
def init(
    name: str, home: Path, gate: str, exchange: str, desk: str | None, dry_run: bool, output: str
) -> None:
    """Make the federation NAME: its certificate authority and the coordinator's identity."""
    from federation.addresses import Address
    from federation.coordinator.home import CoordinatorHome, FederationSettings

    reached = Address.parse(gate)
    at = Address.parse(desk) if desk is not None else Address(reached.host, _DESK_PORT)
    settings = FederationSettings(name, reached, Address.parse(exchange), at)
    if dry_run:
        CoordinatorHome.unmade(home, settings)
        say_would(output, f"make the federation {name} with its keys in {home}", federation=name)
        return
    made = CoordinatorHome.create(home, settings, dt.datetime.now(dt.UTC))
    fingerprint = made.identity().public.fingerprint
    say(
        output,
        {"federation": name, "home": str(home), "fingerprint": fingerprint},
        f"federation {name} is ready in {home}\n"
        f"coordinator's fingerprint, to compare with each party by another channel:\n  {fingerprint}",
    )


@command.command()
@federation_home
@format_option
def show(home: Path, output: str) -> None:
    """Show the federation's addresses and the coordinator's fingerprint."""
    from federation.coordinator.home import CoordinatorHome

    opened = CoordinatorHome.open(home)
    settings, fingerprint = opened.settings(), opened.identity().public.fingerprint
    facts = {
        "federation": settings.name,
        "gate": str(settings.gate),
        "exchange": str(settings.exchange),
        "desk": None if settings.desk is None else str(settings.desk),
        "fingerprint": fingerprint,
    }
    say(
        output,
        facts,
        f"{settings.name}: gate {settings.gate}, exchange {settings.exchange}, "
        f"desk {settings.desk or 'none'}\nfingerprint {fingerprint}",
    )


@command.command()
@click.argument("request_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@federation_home
@click.option("--fingerprint", help="The party's fingerprint as it was read out; skips the question.")
@click.option("--out", type=OUT_FILE, help="Default: PARTY.admission.")
@dry_run_option
@format_option
def admit(
    request_file: Path, home: Path, fingerprint: str | None, out: Path | None, dry_run: bool, output: str
) -> None:
    """Admit the party whose request is in REQUEST_FILE, after its fingerprint was compared."""
    from crypto.identity import normal_fingerprint
    from federation import files
    from federation.coordinator.home import CoordinatorHome
    from federation.roster import Request

    opened = CoordinatorHome.open(home)
    with naming(request_file):
        request = Request.from_json(
            files.read_json(request_file, "Ask the party for `isthmus party request`.")
        )
    found = request.identity.fingerprint
    if fingerprint is None:
        whose = f"{request.party} asks to be admitted. Its fingerprint"
        question = "Did the party read out the same one over another channel?"
        confirm_fingerprint(found, whose, question, request.party)
    elif normal_fingerprint(fingerprint) != found:
        raise Refusal(
            "the request has another fingerprint than the one that was read out",
            party=request.party,
            file=str(request_file),
            advice="Do not admit it. Ask the party how its request reached you.",
            code=Code.FINGERPRINT_DIFFERS,
        )
    now, target = dt.datetime.now(dt.UTC), out if out is not None else Path(f"{request.party}.admission")
    if dry_run:
        with writing(target, dry_run) as file:
            files.write(file, opened.admission_for(request, now))
        say_would(output, f"admit {request.party}", f"write {target}", party=request.party, fingerprint=found)
        return
    admission = opened.admit(request, now)
    files.write(target, admission)
    say(
        output,
        {"party": request.party, "fingerprint": found, "admission": str(target)},
        f"{request.party} is admitted. Send {target} back to it; it holds no secret.",
    )


@command.command()
@federation_home
@format_option
def members(home: Path, output: str) -> None:
    """List the admitted parties and their fingerprints."""
    from federation.coordinator.home import CoordinatorHome

    found = CoordinatorHome.open(home).roster().members
    facts = {name: member.identity.fingerprint for name, member in found.items()}
    say(output, {"members": facts}, "\n".join(f"{n}  {f}" for n, f in facts.items()) or "nobody yet")


@command.command()
@click.argument("party", shell_complete=member_names)
@federation_home
@dry_run_option
@format_option
def remove(party: str, home: Path, dry_run: bool, output: str) -> None:
    """Take PARTY off the roster: the gate and the exchange refuse it from now on."""
    from federation.coordinator.home import CoordinatorHome
    from federation.ids import party_id

    opened, name = CoordinatorHome.open(home), party_id(party)
    if dry_run:
        opened.member_file(name)
        say_would(output, f"take {name} off the roster", party=name)
        return
    opened.remove(name)
    say(output, {"removed": party}, f"{party} is no longer a member")


@command.command()
@federation_home
@start_options
def start(home: Path, starting: Starting) -> None:
    """Run the aggregator's service: in the foreground, or with --detach in the background.

    It is the SuperLink, the gate, the exchange, the admission desk and the rounds.
    """
    stop = starting.stop_on_signal()
    from federation.coordinator.home import CoordinatorHome

    opened = CoordinatorHome.open(home)
    settings = opened.settings()
    if starting.detach:
        what = f"the service of {settings.name}"
        starting.in_background("federation", what, opened, opened.lock_file, opened.service_file)
        return
    from federation.coordinator.service import CoordinatorService

    with CoordinatorService(opened, starting.say, starting.operation(opened)) as service:
        service.tell(f"{settings.name} is up: gate {settings.gate}, exchange {settings.exchange}", "up")
        service.run_until(stop)
        service.tell("stopping", "stopping")
    starting.finish(service)


@command.command()
@federation_home
@format_option
def status(home: Path, output: str) -> None:
    """Say whether the service runs, who is a member, and what the newest round does."""
    from crypto.certificates import expires
    from federation.coordinator.home import CoordinatorHome
    from federation.coordinator.record import RoundStatus
    from federation.coordinator.rounds import running_service
    from federation.locks import holder

    opened = CoordinatorHome.open(home)
    process = holder(opened.lock_file)
    runs = opened.runs()
    newest = RoundStatus.load(opened.round_folder(runs[-1])) if runs else None
    ready = process is not None and opened.service_file.exists()
    pages = metrics_address(running_service(opened)) if ready else None
    ending = expires(opened.tls_certificate())
    facts = {
        "running": process is not None,
        "ready": ready,
        "pid": process,
        "log": str(opened.log_file),
        "metrics": pages,
        "members": sorted(opened.roster().members),
        "newest_round": newest.to_json() if newest is not None else None,
        "certificate_expires": ending.isoformat(),
    }
    lines = [
        f"service: {_service_state(process, ready)}",
        f"members: {', '.join(sorted(opened.roster().members)) or 'nobody yet'}",
        f"newest round: {newest.run} {newest.state}" if newest is not None else "no round yet",
    ]
    if pages is not None:
        lines.append(f"health and metrics: {pages}")
    if warning := soon(ending, dt.datetime.now(dt.UTC)):
        lines.append(f"{warning}: restart the service, which renews it")
    say(output, facts, "\n".join(lines))


def _service_state(process: int | None, ready: bool) -> str:
    if process is None:
        return "not running"
    return f"{'running' if ready else 'starting'}, process {process}"


@command.command()
@federation_home
@dry_run_option
@stop_options
def stop(home: Path, patience: float, now: bool, dry_run: bool, output: str) -> None:
    """Stop the service that runs in this folder."""
    from federation.coordinator.home import CoordinatorHome
    from federation.locks import holder

    opened = CoordinatorHome.open(home)
    what = "the federation's service"
    if dry_run:
        process = running(holder, opened.lock_file, what)
        say_would(output, f"stop {what}, process {process}", process=process)
        return
    process = stop_holder(holder, opened.lock_file, what, patience, now)
    say(output, {"stopped": process}, f"stopped (process {process})")
