"""The ledger: what was granted, planned, sent and trained, shown to somebody who has no key and no data."""

from __future__ import annotations

import datetime as dt
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.commands.exporting import export_packs
from cli.commands.judged import verify_judged
from cli.commands.ledger_pages import page, serve
from cli.completing import run_names
from cli.homes import role_home
from cli.output import format_option, say, tell_error
from cli.trial import dry_run_option, say_would, writing
from cli.trusting import trust_option, trusted
from crypto.codes import Code
from crypto.errors import Refusal, UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from federation.coordinator.home import CoordinatorHome
    from federation.ledger.findings import Check, Report
    from federation.ledger.telling import Told
    from parties.home import PartyHome

#: A file or a folder that is read here.
_FILE = click.Path(dir_okay=False, path_type=Path)
_WIDTH = 110
_TERMS = """\
The ledger is what a role wrote down of each run, as it happened. The guard log lists every message that left
it: to whom, of what kind and size. Digests and signatures tie the two together, and the others to both."""


@click.group(name="ledger")
def command() -> None:
    """Show a run to somebody else: its evidence in one file, and whether it is true."""


command.add_command(export_packs)
command.add_command(serve)
command.add_command(page)


@command.command()
@click.argument("run", shell_complete=run_names)
@role_home
@click.option("--out", type=_FILE, required=True, help="The pack's file, such as evidence.zip.")
@dry_run_option
@format_option
def pack(run: str, home: Path, out: Path, dry_run: bool, output: str) -> None:
    """Put the evidence of RUN into one file that anybody can check: digests, signatures and grants; no row.

    Whoever gets it reads the plan, the grants with the columns they name, who took part, and how many
    messages of what size left. Keys and data are not in it.
    """
    from federation import files
    from federation.ledger import pack as packs

    if out.exists():
        raise UsageError(
            "there is a file already",
            file=str(out),
            advice="Give another name with --out.",
            code=Code.FILE_EXISTS,
        )
    data = _packed(home, run)
    with writing(out, dry_run) as file:
        files.write(file, data)
        made = packs.read(file)
    if dry_run:
        say_would(output, f"write {out} ({len(data)} bytes)", run=made.run, party=made.party)
        return
    facts = {
        "run": made.run,
        "party": made.party,
        "file": str(out),
        "bytes": len(data),
        "entries": len(made.lines("log.jsonl")),
        "messages": len(made.lines("guard.jsonl")),
    }
    told = f"{made.party}: {facts['entries']} entries of the ledger, {facts['messages']} messages of the run"
    say(output, facts, f"wrote {out} ({len(data)} bytes)\n{told}\ncheck it: isthmus ledger verify {out}")


@command.command()
@click.argument("pack_files", metavar="PACK...", nargs=-1, required=True, type=_FILE)
@trust_option()
@format_option
def verify(pack_files: tuple[Path, ...], trust: tuple[str, ...], output: str) -> None:
    """Check the packs of one run: was anything dropped, reordered, rewritten or forked since?

    Works without keys, data and network. Give the packs of several roles together: what one of them hid from
    the others comes to light then. Exit code 0 only where every check holds.

    A pack of `bench border` holds those of all roles, and the verdicts on the run: its evidence is checked,
    and the run judged again by the rules of this version. Exit code 1 where anything differs.
    """
    from federation.ledger.archive import is_judged

    if any(map(is_judged, pack_files)):
        verify_judged(pack_files, trusted(trust), output)
        return
    from federation.ledger import pack as packs
    from federation.ledger.findings import State
    from federation.ledger.telling import conclusion
    from federation.ledger.verify import verify as verified

    report = verified([packs.read(file) for file in pack_files], trusted(trust))
    if output == "text":
        _say_report(report)
    else:
        say(output, report.to_json(), "")
    if report.state is not State.PASS:
        failed = report.state is State.FAIL
        advice = (
            "Keep the file as it is, and ask its maker and the other members for theirs."
            if failed
            else "Give the fingerprint of each member with --trust, and the packs of the other roles."
        )
        error = Refusal(conclusion(report), advice=advice, code=Code.PACK_REFUSED)
        tell_error(error)
        sys.exit(error.exit_code)


@command.command()
@click.argument("pack_file", metavar="PACK", required=False, type=_FILE)
@role_home
@format_option
def show(pack_file: Path | None, home: Path, output: str) -> None:
    """A ledger as a timeline: of PACK, or of the role in --home. Nothing is checked by it."""
    told = _of_folder(home) if pack_file is None else _of_pack(pack_file)
    where = str(pack_file or home)
    if output == "text":
        _say_table(_timeline(where, told))
        click.echo("Shown as it stands. Whether it is true: isthmus ledger verify, on a pack.")
    else:
        say(output, {"ledger": where, "entries": [each.to_json() for each in told]}, "")


@command.command()
@click.argument("pack_file", metavar="PACK", type=_FILE)
@click.option(
    "--key",
    type=_FILE,
    required=True,
    help="Your Ed25519 key (PKCS #8 PEM, mode 0600): `openssl genpkey -algorithm ed25519` makes one.",
)
@click.option("--name", required=True, help="What you are called on it, such as regulator.")
@trust_option("A fingerprint, as that member told you itself; that of the pack's maker is needed.")
@click.option("--out", type=_FILE, help="The new pack's file; PACK.NAME.zip unless given.")
@dry_run_option
@format_option
def cosign(
    pack_file: Path,
    key: Path,
    name: str,
    trust: tuple[str, ...],
    out: Path | None,
    dry_run: bool,
    output: str,
) -> None:
    """As a witness from outside, such as a regulator: check PACK, and co-sign its ledger in a new file.

    The last state of each ledger that you co-signed is kept beside your key, in KEY.seen: another pack of
    that ledger has to go on from it.

    It says that you saw this ledger at this length. Should its owner ever show another one that does not go
    on from it, the two prove that it was rewritten. It does not say that what is in it is lawful.
    """
    from crypto.identity import Identity
    from federation import files
    from federation.ledger import pack as packs
    from federation.ledger.cosigning import Memory, Unwritten
    from federation.ledger.cosigning import cosign as cosigned

    target = out or pack_file.with_name(f"{pack_file.stem}.{name}.zip")
    if target.exists():
        raise UsageError(
            "there is a file already",
            file=str(target),
            advice="Give another name with --out.",
            code=Code.FILE_EXISTS,
        )
    identity = Identity.from_pem(files.read_secret(key))
    memory = (Unwritten if dry_run else Memory)(key.with_name(f"{key.name}.seen"))
    now = int(time.time())
    with writing(target, dry_run) as file:
        files.write(file, cosigned(packs.read(pack_file), identity, name, now, trusted(trust), memory))
    if dry_run:
        say_would(output, f"co-sign as {name} and write {target}", name=name)
        return
    fingerprint = identity.public.fingerprint
    facts = {"file": str(target), "name": name, "fingerprint": fingerprint}
    say(output, facts, f"wrote {target}\nco-signed by {name}, whose fingerprint is\n  {fingerprint}")


def _role_in(home: Path) -> PartyHome | CoordinatorHome:
    """Who lives in the folder: a party, unless it is a federation's."""
    from federation.coordinator.home import CoordinatorHome
    from parties.home import PartyHome

    if (home / "federation.json").exists():
        return CoordinatorHome.open(home)
    return PartyHome.open(home)


def _packed(home: Path, run: str) -> bytes:
    from federation.coordinator import packing as at_the_coordinator
    from federation.coordinator.home import CoordinatorHome
    from federation.ids import RunId
    from parties.governance import packing

    opened, now = _role_in(home), dt.datetime.now(dt.UTC)
    if isinstance(opened, CoordinatorHome):
        return at_the_coordinator.packed(opened, RunId(run), now)
    return packing.packed(opened, RunId(run), now)


def _of_pack(file: Path) -> list[Told]:
    from federation.ledger import pack as packs
    from federation.ledger.reading import Reading
    from federation.ledger.telling import timeline

    reading = Reading(packs.read(file))
    return timeline(reading.entries, reading.cosigners)


def _of_folder(home: Path) -> list[Told]:
    from federation.ledger.collecting import ledger_of
    from federation.ledger.telling import timeline

    return timeline(*ledger_of(_role_in(home)))


def _say_report(report: Report) -> None:
    from federation.ledger.telling import conclusion
    from federation.ledger.verify import NOT_SHOWN

    click.echo(f"run {report.run}, federation {report.federation}\n{conclusion(report)}\n\n{_TERMS}\n")
    for party in (*report.packs, ""):
        checks = [check for check in report.checks if check.party == party]
        if party:
            _say_table(_checks(f"{party} ({report.packs[party]})", checks))
        elif len(report.packs) > 1:
            _say_table(_checks("all packs together", checks))
    click.echo("What this does not show:")
    for line in NOT_SHOWN:
        click.echo(f"  - {line}")


def _checks(title: str, checks: list[Check]) -> Table:
    from rich.table import Table

    from federation.ledger.telling import STATES

    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        finding = check.outcome.finding
        told = check.outcome.told if finding is None else f"{finding.where}: {check.outcome.told}"
        table.add_row(STATES[check.state], check.title, told)
    return table


def _timeline(where: str, told: list[Told]) -> Table:
    from rich.table import Table

    table = Table(title=where, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for heading in ("entry", "time", "run", "what", "digest", "co-signed by"):
        table.add_column(heading, overflow="fold", no_wrap=heading not in ("what", "co-signed by"))
    for each in told:
        row = (str(each.index), each.at, each.run, each.what, each.digest[:8], ", ".join(each.cosigned))
        table.add_row(*row)
    return table


def _say_table(table: Table) -> None:
    """Print it without colours, as wide as the terminal, at least as wide as its words need."""
    import io
    import shutil

    from rich.console import Console

    width = max(_WIDTH, shutil.get_terminal_size().columns)
    text = io.StringIO()
    Console(file=text, width=width, markup=False, highlight=False).print(table)
    click.echo("\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n")
