"""At a party: make its keys, ask for admission, run its node."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.commands import dry_run
from cli.commands.joining import join, renew, rotate
from cli.commands.serving import Starting, metrics_address, party_logs, start_options, stop_options
from cli.comparing import compare
from cli.homes import party_home
from cli.output import confirm_fingerprint, format_option, naming, say
from cli.paths import OUT_FILE
from cli.service import running, soon, stop_holder
from cli.trial import dry_run_option, say_would, writing
from crypto.codes import Code
from crypto.errors import Refusal, UsageError

if TYPE_CHECKING:
    from parties.home import PartyHome


@click.group(name="party")
def command() -> None:
    """At a party: make its keys, ask for admission, run its node."""


for _each in (join, renew, rotate, dry_run.command, party_logs):
    command.add_command(_each)


@command.command()
@click.argument("name")
@party_home
@dry_run_option
@format_option
def init(name: str, home: Path, dry_run: bool, output: str) -> None:
    """Make the keys of party NAME. They stay in its folder, on this machine."""
    from federation.ids import party_id
    from parties.home import PartyHome

    checked = party_id(name)
    if dry_run:
        PartyHome.unmade(home)
        say_would(output, f"make the keys and the configuration of {checked} in {home}", party=checked)
        return
    made = PartyHome.create(home, checked)
    fingerprint = made.identity().public.fingerprint
    say(
        output,
        {"party": name, "home": str(home), "fingerprint": fingerprint, "config": str(made.config_file)},
        f"party {name} is ready in {home}; describe its data in {made.config_file}\n"
        f"its fingerprint, to compare by another channel:\n  {fingerprint}",
    )


@command.command()
@party_home
@format_option
def show(home: Path, output: str) -> None:
    """Show the party's name, fingerprint, federation and pinned partners."""
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    admission = opened.admission() if opened.admission_file.exists() else None
    facts = {
        "party": opened.name(),
        "fingerprint": opened.identity().public.fingerprint,
        "federation": admission.federation if admission is not None else None,
        "gate": str(admission.gate) if admission is not None else None,
        "trusted": opened.pins(),
        "rounds": list(opened.runs()),
    }
    lines = [f"{facts['party']}  {facts['fingerprint']}"]
    lines.append(f"federation: {facts['federation'] or 'not admitted yet'}")
    lines += [f"trusts {name}  {pin}" for name, pin in opened.pins().items()]
    say(output, facts, "\n".join(lines))


@command.command()
@party_home
@click.option("--out", type=OUT_FILE, help="Default: PARTY.request.")
@dry_run_option
@format_option
def request(home: Path, out: Path | None, dry_run: bool, output: str) -> None:
    """Write the request for admission: public keys only, to be sent to the coordinator."""
    from federation import files
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    made = opened.request()
    target = out if out is not None else Path(f"{made.party}.request")
    with writing(target, dry_run) as file:
        files.write_json(file, made.to_json())
    fingerprint = made.identity.fingerprint
    if dry_run:
        say_would(output, f"write {target}", party=made.party, fingerprint=fingerprint)
        return
    say(
        output,
        {"party": made.party, "request": str(target), "fingerprint": fingerprint},
        f"send {target} to the coordinator, and read this out over another channel:\n  {fingerprint}",
    )


@command.command()
@click.argument("admission_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@party_home
@click.option("--fingerprint", help="The coordinator's fingerprint as it was read out; skips the question.")
@dry_run_option
@format_option
def accept(admission_file: Path, home: Path, fingerprint: str | None, dry_run: bool, output: str) -> None:
    """Accept the coordinator's ADMISSION_FILE, after the coordinator's fingerprint was compared."""
    from crypto.identity import normal_fingerprint
    from federation import files
    from parties.admission import read_admission
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    data = files.read(admission_file)
    with naming(admission_file):
        found = read_admission(data).coordinator.fingerprint
    if fingerprint is None:
        question = "Did the coordinator read out the same one over another channel?"
        confirm_fingerprint(found, "The coordinator's fingerprint", question, opened.name())
    elif normal_fingerprint(fingerprint) != found:
        raise Refusal(
            "the admission is signed by another coordinator than the one that was read out",
            party=opened.name(),
            file=str(admission_file),
            advice="Do not accept it. Ask the coordinator how it reached you.",
            code=Code.FINGERPRINT_DIFFERS,
        )
    now = dt.datetime.now(dt.UTC)
    if dry_run:
        with naming(admission_file):
            would = opened.acceptable(data, now)
        say_would(output, f"make {opened.name()} a member of {would.federation}", f"write to {home}")
        return
    with naming(admission_file):
        admission = opened.accept(data, now)
    say(
        output,
        {"party": opened.name(), "federation": admission.federation, "coordinator": found},
        f"{opened.name()} is a member of {admission.federation}. Next: `isthmus party trust` for each "
        "partner; for each dataset `isthmus data inspect`, then `isthmus grant new`; at last "
        "`isthmus party start`.",
    )


@command.command()
@click.argument("partner", required=False)
@click.argument("fingerprint", nargs=-1)
@party_home
@dry_run_option
@format_option
def trust(partner: str | None, fingerprint: tuple[str, ...], home: Path, dry_run: bool, output: str) -> None:
    """Trust PARTNER by the FINGERPRINT that it read out over another channel.

    Without them the coordinator is asked who is a member, and you are asked about each whose fingerprint
    nobody here has compared.
    """
    from federation.ids import party_id
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    if partner is None:
        from parties.joining import roster, unpinned

        members = roster(opened)
        if dry_run:
            asked = list(unpinned(opened, members))
            say_would(output, *(f"ask you about the fingerprint of {name}" for name in asked), compare=asked)
            return
        left = compare(opened, members, {}, None)
        lines = [f"{opened.name()} trusts {name}  {pin}" for name, pin in opened.pins().items()]
        lines += [f"not compared: {name}" for name in left]
        say(output, {"trusted": opened.pins(), "not_compared": left}, "\n".join(lines) or "no partner yet")
        return
    if not fingerprint:
        raise UsageError(
            f"the fingerprint of {partner} is missing",
            advice=f"Give it as {partner} read it out, or run `isthmus party trust` alone to compare.",
            code=Code.FINGERPRINT_MISSING,
        )
    if dry_run:
        normal = opened.check_pin(party_id(partner), " ".join(fingerprint))
        say_would(output, f"trust {partner} by {normal}", trusted=partner, fingerprint=normal)
        return
    opened.pin(party_id(partner), " ".join(fingerprint))
    pin = opened.pins()[partner]
    say(output, {"trusted": partner, "fingerprint": pin}, f"{opened.name()} trusts {partner}  {pin}")


@command.command()
@party_home
@start_options
def start(home: Path, starting: Starting) -> None:
    """Run the party's node: in the foreground, or with --detach in the background."""
    stop = starting.stop_on_signal()
    from parties.dataset import hindrances
    from parties.governance.readiness import ungranted
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    if starting.detach:
        what = f"the node of {opened.name()}"
        starting.in_background("party", what, opened, opened.lock_file, opened.node_file)
        return
    from parties.node import PartyNode

    with PartyNode(opened, starting.say, starting.operation(opened)) as node:
        node.tell(f"{opened.name()} is up and waits for orders of {opened.admission().federation}", "up")
        # What is said of data sets is for this party's own people, and not in the log.
        for sentence in hindrances(
            opened.config().get("datasets"), party=opened.name(), folder=opened.folder
        ):
            starting.say(sentence)
        for sentence in ungranted(opened, dt.datetime.now(dt.UTC)):
            starting.say(sentence)
        node.run_until(stop)
        node.tell("stopping", "stopping")
    starting.finish(node)


@command.command()
@party_home
@format_option
def status(home: Path, output: str) -> None:
    """Say whether the node runs and what it does."""
    from federation import files
    from federation.locks import holder
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    process = holder(opened.lock_file)
    node, anew = {}, "Run `isthmus party stop`, then `isthmus party start`: it is written anew."
    if process is not None and opened.node_file.exists():
        told = files.read_json(opened.node_file, anew)
        with files.intact(opened.node_file, anew):
            node = dict(told)
    facts = {"party": opened.name(), "running": process is not None, "pid": process, **node}
    ending = _ending(opened)
    facts["log"], facts["metrics"] = str(opened.log_file), metrics_address(node)
    facts["certificate_expires"] = None if ending is None else ending.isoformat()
    line = f"{opened.name()}: not running"
    if process is not None:
        state, run = node.get("state", "starting"), node.get("run")
        doing = f" in {run}" if run and state == "running" else ""
        line = f"{opened.name()}: {state}{doing}, process {process}"
        if node.get("cause"):
            line += f"\nlast round{f' ({run})' if run else ''} ended: {node['cause']}"
        if node.get("advice"):
            line += f"\nnext: {node['advice']}"
        for trouble in node.get("troubles", ()):
            line += f"\ntrouble: {trouble} (`isthmus doctor` looks at each step of the way)"
        if facts["metrics"]:
            line += f"\nhealth and metrics: {facts['metrics']}"
    if ending is not None and (warning := soon(ending, dt.datetime.now(dt.UTC))):
        line += f"\n{warning}: `isthmus party renew`, then restart the node"
    say(output, facts, line)


def _ending(home: PartyHome) -> dt.datetime | None:
    """When the party's certificate ends; None before it was admitted."""
    from crypto.certificates import expires

    return expires(home.tls_certificate()) if home.admission_file.exists() else None


@command.command()
@party_home
@dry_run_option
@stop_options
def stop(home: Path, patience: float, now: bool, dry_run: bool, output: str) -> None:
    """Stop the node that runs in this folder."""
    from federation.locks import holder
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    what = f"the node of {opened.name()}"
    if dry_run:
        process = running(holder, opened.lock_file, what)
        say_would(output, f"stop {what}, process {process}", process=process)
        return
    process = stop_holder(holder, opened.lock_file, what, patience, now)
    say(output, {"stopped": process}, f"stopped (process {process})")
