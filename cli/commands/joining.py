"""`isthmus federation invite` and `isthmus party join`: membership by one invitation; renewals and moves."""

from __future__ import annotations

import datetime as dt
import re
import sys
from pathlib import Path

import click

from cli.comparing import compare
from cli.homes import PARTY_HOME, at_home, federation_home, party_home
from cli.output import confirm_fingerprint, format_option, say
from cli.paths import OUT_FILE
from cli.service import not_held
from cli.trial import dry_run_option, say_would, writing
from cli.trusting import trust_option, trusted
from crypto.codes import Code
from crypto.errors import Refusal, UsageError

_LONGEST = 65_536
_TRUST = "A partner's fingerprint, as it told you itself. Once for each; without it you are asked."


@click.command()
@click.argument("party")
@federation_home
@click.option("--valid", default="72h", show_default=True, help="How long it is good for, such as 12h or 7d.")
@click.option("--out", type=OUT_FILE, help="Default: PARTY.invitation.")
@click.option("--line", is_flag=True, help="Print it as one line to paste, and write no file.")
@dry_run_option
@format_option
def invite(
    party: str, home: Path, valid: str, out: Path | None, line: bool, dry_run: bool, output: str
) -> None:
    """Invite PARTY: one file, or line, with which it joins once. It holds a secret, for PARTY alone."""
    from federation import files
    from federation.coordinator import joining
    from federation.coordinator.home import CoordinatorHome
    from federation.ids import party_id

    opened = CoordinatorHome.open(home)
    target = out if out is not None else Path(f"{party}.invitation")
    if dry_run:
        joining.check_invite(opened, party_id(party), _duration(valid))
        with writing(target, dry_run) as file:
            files.write_private(file, b"")
        told = "show its line" if line else f"write {target}"
        say_would(output, f"invite {party} for {valid}", told, party=party)
        return
    made = joining.invite(opened, party_id(party), dt.datetime.now(dt.UTC), _duration(valid))
    facts = {"invitation": made.id, "party": party, "expires": made.expires.isoformat()}
    if line:
        say(output, {**facts, "line": made.to_line()}, made.to_line())
        return
    files.write_private(target, files.canonical_json(made.to_json()) + b"\n")
    say(
        output,
        {**facts, "file": str(target)},
        f"send {target} to {party}, and to nobody else; it is good until {made.expires:%Y-%m-%d %H:%M} UTC\n"
        f"there: `isthmus party join {target.name}`\n"
        f"read this out to it over another channel:\n  {made.coordinator}",
    )


@click.command()
@federation_home
@click.option("--revoke", metavar="ID", help="Take this one back.")
@dry_run_option
@format_option
def invitations(home: Path, revoke: str | None, dry_run: bool, output: str) -> None:
    """List the invitations and what became of them; take one back with --revoke."""
    from federation.coordinator import joining
    from federation.coordinator.home import CoordinatorHome

    opened, now = CoordinatorHome.open(home), dt.datetime.now(dt.UTC)
    if revoke is not None and dry_run:
        found_one = joining.unused(opened, revoke)
        say_would(output, f"take back the invitation of {found_one.party}", invitation=found_one.id)
        return
    if revoke is not None:
        joining.revoke(opened, revoke)
    found = [
        {
            "invitation": each.id,
            "party": each.party,
            "state": each.state(now),
            "expires": each.expires.isoformat(),
        }
        for each in joining.invitations(opened)
    ]
    lines = [
        f"{each['invitation']}  {each['party']}  {each['state']}, until {each['expires']}" for each in found
    ]
    say(output, {"invitations": found}, "\n".join(lines) or "none yet")


@click.command()
@federation_home
@click.option("--gate", help="host:port that parties reach.")
@click.option("--exchange", help="host:port of the data plane.")
@click.option("--desk", help="host:port of the admission desk.")
@dry_run_option
@format_option
def move(
    home: Path, gate: str | None, exchange: str | None, desk: str | None, dry_run: bool, output: str
) -> None:
    """Give the federation other addresses. Members learn them by `isthmus party renew --desk HOST:PORT`."""
    from dataclasses import replace

    from federation.addresses import Address
    from federation.coordinator.home import CoordinatorHome
    from federation.locks import holder

    opened = CoordinatorHome.open(home)
    if gate is exchange is desk is None:
        raise UsageError("no address was given", advice="Give --gate, --exchange or --desk.")
    before = opened.settings()
    settings = replace(
        before,
        gate=before.gate if gate is None else Address.parse(gate),
        exchange=before.exchange if exchange is None else Address.parse(exchange),
        desk=before.desk if desk is None else Address.parse(desk),
    )
    if dry_run:
        say_would(output, f"write {opened.settings_file}", settings=settings.to_json())
        return
    opened.move(settings)
    running = holder(opened.lock_file) is not None
    restart = "\nrestart the service: it still listens at the old ones" if running else ""
    say(
        output,
        {**settings.to_json(), "restart": running},
        f"gate {settings.gate}, exchange {settings.exchange}, desk {settings.desk}{restart}\n"
        f"each party: `isthmus party renew --desk {settings.desk}`, then restart its node",
    )


@click.command()
@click.argument("invitation")
@party_home
@click.option("--fingerprint", help="The coordinator's fingerprint as it was read out; skips the question.")
@trust_option(_TRUST)
@dry_run_option
@format_option
def join(
    invitation: str, home: Path, fingerprint: str | None, trust: tuple[str, ...], dry_run: bool, output: str
) -> None:
    """Join a federation by its INVITATION, a file, its line, or - for the standard input.

    Makes the party's folder where there is none. The coordinator's fingerprint is shown, to be compared with
    what the coordinator reads out; then each partner's. Who was not compared is not trusted: compare later
    with `isthmus party trust`, or when a grant names it.
    """
    from crypto.identity import normal_fingerprint
    from federation.joining.invitation import read_invitation
    from parties import joining

    now, said = dt.datetime.now(dt.UTC), trusted(trust)
    read = read_invitation(_text(invitation))
    party = read.party
    if fingerprint is None:
        question = "Did the coordinator read out the same one over another channel?"
        confirm_fingerprint(read.coordinator, "The coordinator's fingerprint", question, party)
    elif normal_fingerprint(fingerprint) != read.coordinator:
        raise Refusal(
            "the invitation is by another coordinator than the one that was read out",
            party=party,
            advice="Do not use it. Ask the coordinator how it reached you.",
            code=Code.FINGERPRINT_DIFFERS,
        )
    if dry_run:
        made = joining.check_prepare(home, read, now).identity_file.exists()
        would = [] if made else [f"make the keys of {party} in {home}"]
        would += [f"send the request of {party} to the admission desk at {read.desk}"]
        say_would(output, *would, f"write the admission to {home}", party=party, federation=read.federation)
        return
    opened = joining.prepare(home, read, now)
    joined = joining.join(opened, read, now)
    left = compare(opened, joined.roster, said, None)
    own = opened.identity().public.fingerprint
    facts = {
        "party": party,
        "home": str(home),
        "federation": joined.admission.federation,
        "fingerprint": own,
        "trusted": opened.pins(),
        "not_compared": left,
    }
    at = at_home(home, PARTY_HOME)
    lines = [f"{party} is a member of {joined.admission.federation}; its folder is {home}"]
    if left:
        lines.append(f"not compared yet, so not trusted: {', '.join(left)}")
    lines += [
        f"describe your data in {opened.config_file}, then for each dataset `isthmus data inspect{at}` and",
        f"`isthmus grant new{at}`; at last `isthmus party start{at}`",
        f"read your own fingerprint out to your partners over another channel:\n  {own}",
    ]
    say(output, facts, "\n".join(lines))


@click.command()
@party_home
@click.option("--desk", help="host:port of the admission desk, when the aggregator has moved.")
@dry_run_option
@format_option
def renew(home: Path, desk: str | None, dry_run: bool, output: str) -> None:
    """Fetch a new certificate from the coordinator, and its addresses as they are now."""
    from crypto.certificates import expires
    from federation.addresses import Address
    from federation.locks import holder
    from parties import joining
    from parties.home import PartyHome

    opened, moved = PartyHome.open(home), None if desk is None else Address.parse(desk)
    if dry_run:
        asked = joining.check_renew(opened, moved)
        say_would(output, f"ask the admission desk at {asked} for a new certificate", f"write it to {home}")
        return
    renewed = joining.renew(opened, dt.datetime.now(dt.UTC), moved)
    until, running = expires(renewed.admission.certificate), holder(opened.lock_file) is not None
    restart = "\nrestart the node: it still uses the old ones" if running else ""
    say(
        output,
        {
            "party": opened.name(),
            "expires": until.isoformat(),
            "gate": str(renewed.admission.gate),
            "exchange": str(renewed.admission.exchange),
            "restart": running,
        },
        f"{opened.name()}'s certificate is good until {until:%Y-%m-%d}; gate {renewed.admission.gate}, "
        f"exchange {renewed.admission.exchange}{restart}",
    )


@click.command()
@party_home
@dry_run_option
@format_option
def rotate(home: Path, dry_run: bool, output: str) -> None:
    """Replace the party's TLS and SuperNode keys. Its identity, and so its fingerprint, stays."""
    from crypto.certificates import expires
    from federation.locks import holder
    from parties import joining
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    if dry_run:
        asked = joining.check_renew(opened)
        not_held(holder, opened.lock_file, "the party node", "isthmus party stop")
        say_would(
            output, f"make new keys and ask the admission desk at {asked} to admit them", f"write to {home}"
        )
        return
    until = expires(joining.rotate(opened, dt.datetime.now(dt.UTC)).admission.certificate)
    say(
        output,
        {"party": opened.name(), "expires": until.isoformat()},
        f"{opened.name()} has new keys; their certificate is good until {until:%Y-%m-%d}",
    )


def _text(invitation: str) -> str:
    """The invitation's line as it was given, or what its file holds."""
    from federation import files
    from federation.joining.invitation import LINE

    if invitation == "-":
        return sys.stdin.read(_LONGEST)
    if invitation.lstrip().startswith(LINE):
        return invitation
    return files.read(Path(invitation), "Name the invitation's file, or paste its line.").decode(
        "utf-8", "replace"
    )


def _duration(text: str) -> dt.timedelta:
    found = re.fullmatch(r"([1-9][0-9]{0,3})([hd])", text)
    if found is None:
        raise UsageError(
            f"{text[:40]!r} is no duration",
            field="--valid",
            advice="Write hours or days, such as 12h or 7d.",
            code=Code.DURATION_MALFORMED,
        )
    return dt.timedelta(hours=int(found[1])) if found[2] == "h" else dt.timedelta(days=int(found[1]))
