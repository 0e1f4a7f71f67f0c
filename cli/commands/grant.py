"""At a party: what its owner allows with its data, to whom, for what, until when; signed, and taken back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.agreeing import agree
from cli.commands.exporting import export_grant
from cli.comparing import compare_named
from cli.completing import dataset_names, grant_names
from cli.homes import party_home
from cli.output import format_option, say
from cli.trial import dry_run_option, say_would
from cli.trusting import trust_option, trusted
from crypto.errors import UsageError

if TYPE_CHECKING:
    from federation.governance.grant import Grant
    from federation.governance.limits import Spent
    from parties.governance.shelf import Kept
    from parties.home import PartyHome

_OPERATIONS = (
    *("psi", "train-vertical", "train-horizontal", "evaluate", "score", "export", "value", "confirm"),
    "audit",
)


@click.group(name="grant")
def command() -> None:
    """At a party: sign what may be done with its data, see what is in force, take it back."""


command.add_command(export_grant)


@command.command()
@party_home
@click.option(
    "--dataset", shell_complete=dataset_names, help="Which one of party.toml; by default the plan's, or data."
)
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Allow what this plan needs and no more.",
)
@click.option(
    "--to",
    multiple=True,
    help="PARTY=COUNTRY, for each other party and for aggregator; each with the fingerprint pinned here.",
)
@trust_option("The fingerprint of one in --to, as it told you itself; without it you are asked.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The last day of it.")
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), help="The first day; now by default.")
@click.option("--basis", multiple=True, required=True, help="LAW:GROUND, as in not-personal:company data.")
@click.option(
    "--evidence",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The document that shows the ground. Its SHA-256 is signed; it stays here.",
)
@click.option("--separate-consent", is_flag=True, help="Each person agreed to this in particular.")
@click.option("--transfer", multiple=True, help="FROM:TO:MECHANISM:DATE:FILE, for each border.")
@click.option("--purpose", default="", help="Without --plan.")
@click.option("--operation", "operations", multiple=True, type=click.Choice(_OPERATIONS))
@click.option("--field", "fields", multiple=True, help="A column; * for all that may leave at all.")
@click.option("--min-parties", type=click.IntRange(2), help="Only with this many parties or more.")
@click.option("--max-runs", type=click.IntRange(1))
@click.option("--max-rounds", type=click.IntRange(1), help="Attempts and training rounds, summed.")
@click.option("--max-psi-runs", type=click.IntRange(0), help="Alignments.")
@click.option("--max-epsilon", type=float, help="Summed over runs; then runs without noise are refused.")
@click.option("--max-equations-per-row", type=float, help="Summed over runs.")
@click.option("--max-bytes", type=click.IntRange(0), help="What may leave at most, summed over runs.")
@click.option("--id", "grant_id", default="", help="A name of your own for it.")
@click.option("--yes", is_flag=True, help="Sign without being asked.")
@dry_run_option
@format_option
def new(
    home: Path,
    dataset: str | None,
    plan_file: Path | None,
    to: tuple[str, ...],
    trust: tuple[str, ...],
    until: dt.datetime,
    start: dt.datetime | None,
    basis: tuple[str, ...],
    evidence: Path,
    separate_consent: bool,
    transfer: tuple[str, ...],
    purpose: str,
    operations: tuple[str, ...],
    fields: tuple[str, ...],
    min_parties: int | None,
    max_runs: int | None,
    max_rounds: int | None,
    max_psi_runs: int | None,
    max_epsilon: float | None,
    max_equations_per_row: float | None,
    max_bytes: int | None,
    grant_id: str,
    yes: bool,
    dry_run: bool,
    output: str,
) -> None:
    """Allow others to do something with a dataset: shown in plain language, then signed.

    With --plan the grant covers exactly what that plan needs. Each border that a message crosses needs a
    --transfer. Nothing leaves this machine by this command; the grant takes effect when its file is written.
    """
    from federation.governance.grant import GrantLimits
    from federation.governance.terms import Operation
    from federation.plan import load
    from parties.governance import words
    from parties.governance.composing import Terms, compose, needs_for, read_basis, read_transfer
    from parties.governance.shelf import Shelf
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    if not dry_run:
        compare_named(opened, frozenset(_places(to)), trusted(trust))
    plan = None if plan_file is None else load(plan_file)
    name = opened.name()
    planned = plan.parties[name].dataset if plan is not None and name in plan.parties else "data"
    asked = dataset or planned
    holder = Shelf(opened).manifest(asked).party.legal_name
    limits: dict[str, Any] = {
        "min_parties": min_parties or (None if plan is None else plan.least_parties),
        "max_runs": max_runs,
        "max_rounds": max_rounds,
        "max_psi_runs": max_psi_runs,
        "max_epsilon": max_epsilon,
        "max_equations_per_row": max_equations_per_row,
        "max_egress_bytes": max_bytes,
    }
    terms = Terms(
        to=_places(to),
        until=until.date(),
        basis=tuple(read_basis(each, evidence, holder, separate_consent) for each in basis),
        transfers=tuple(read_transfer(each, holder) for each in transfer),
        purpose=purpose,
        operations=tuple(map(Operation, operations)),
        fields=fields,
        limits=GrantLimits(**{key: value for key, value in limits.items() if value is not None}),
        grant_id=grant_id,
        valid_from=None if start is None else start.replace(tzinfo=dt.UTC),
    )
    grant, manifest = compose(opened, asked, plan, terms, dt.datetime.now(dt.UTC))
    lines = words.told(grant, manifest)
    if plan is not None:
        lines += words.telling(needs_for(opened, asked, plan).tellings)
    text = "\n".join(lines)
    if dry_run:
        if output == "text":
            click.echo(text)
        facts = {"signed": False, "grant": grant.model_dump(mode="json")}
        say_would(output, f"sign the grant and write {Shelf(opened).unused(grant)}", **facts)
        return
    if not yes:
        agree(
            text,
            "the grant",
            opened.name(),
            "Answer at a terminal, or give --yes after reading what --dry-run shows.",
        )
    kept = Shelf(opened).put(grant)
    file = Shelf(opened).grant_file(grant.id)
    facts = {"signed": True, "grant": grant.model_dump(mode="json"), "sha256": kept.sha256, "file": str(file)}
    shown = f"{text}\n" if yes else ""
    say(
        output,
        facts,
        f"{shown}signed and in force: {file}\ntake it back with `isthmus grant revoke {grant.id}`",
    )


@command.command()
@click.argument("grant_id", metavar="ID", shell_complete=grant_names)
@party_home
@format_option
def show(grant_id: str, home: Path, output: str) -> None:
    """Show grant ID in plain language, its state and what was spent under it."""
    from parties.governance import words
    from parties.governance.shelf import Shelf
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    kept = Shelf(opened).grant(grant_id)
    (facts,) = _listed(opened, [kept])
    manifest = _manifest(opened, kept.grant)
    lines = words.told(kept.grant, manifest)
    lines.append(f"  State:       {facts['state']}")
    if kept.revocation is not None:
        reason = f": {kept.reason}" if kept.reason else ""
        lines.append(f"  Revoked:     {facts['revoked_at']}{reason}")
    lines.append(f"  Spent:       {'; '.join(words.spendings(kept.grant, _spent(opened, kept.grant)))}")
    lines.append(f"  Signed by:   {opened.name()}  {opened.identity().public.fingerprint}")
    say(output, {**facts, "grant": kept.grant.model_dump(mode="json")}, "\n".join(lines))


@command.command(name="list")
@party_home
@format_option
def list_(home: Path, output: str) -> None:
    """List every grant with its state and what was spent of each limit."""
    from parties.governance import words
    from parties.governance.shelf import Shelf
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    kept = Shelf(opened).grants()
    listed = _listed(opened, kept)
    lines = []
    for each, facts in zip(kept, listed, strict=True):
        grant = each.grant
        lines.append(
            f"{grant.id}  {facts['state']:9} {grant.dataset}, for {grant.purpose}, to "
            f"{', '.join(sorted(grant.to))}, before {grant.valid_until:%Y-%m-%d}"
        )
        spent = words.spendings(grant, _spent(opened, grant))
        limited = [line for line in spent if " of " in line] or spent[:1]
        lines.append(f"    {'; '.join(limited)}")
    none = "no grant yet: nothing leaves. Make one with `isthmus grant new --plan plan.toml`."
    say(output, {"party": opened.name(), "grants": listed}, "\n".join(lines) if lines else none)


@command.command()
@click.argument("grant_id", metavar="ID", shell_complete=grant_names)
@click.option(
    "--reason",
    default="",
    help="For this party's own people: it is not sent, not signed, and in no evidence pack.",
)
@party_home
@dry_run_option
@format_option
def revoke(grant_id: str, reason: str, home: Path, dry_run: bool, output: str) -> None:
    """Take grant ID back. A run that needs it stops before its next message leaves."""
    from parties.governance.shelf import Shelf
    from parties.home import PartyHome

    if len(reason) > 300:
        raise UsageError("the reason is longer than 300 characters", field="--reason", advice="Shorten it.")
    opened = PartyHome.open(home)
    if dry_run:
        Shelf(opened).in_force(grant_id)
        say_would(output, f"revoke {grant_id}: a run that needs it would stop", revoked=grant_id)
        return
    kept = Shelf(opened).revoke(grant_id, reason, dt.datetime.now(dt.UTC))
    facts = {"revoked": grant_id, "sha256": kept.sha256}
    say(output, facts, f"revoked {grant_id}: nothing more leaves {opened.name()} under it")


def _places(pairs: tuple[str, ...]) -> dict[str, str]:
    places: dict[str, str] = {}
    for pair in pairs:
        name, equals, place = pair.partition("=")
        if not equals or name in places:
            raise UsageError(
                f"a recipient is PARTY=COUNTRY, once for each; here {pair!r}",
                field="--to",
                advice="As in --to platform=CN --to aggregator=CN.",
            )
        places[name] = place
    return places


def _spent(home: PartyHome, grant: Grant) -> Spent:
    from parties.governance.spending import Spending

    return Spending(home, home.name()).spent([grant.id])[grant.id]


def _manifest(home: PartyHome, grant: Grant) -> Any:
    """Today's manifest where it is the one that was granted, or None."""
    from crypto.errors import IsthmusError
    from parties.governance.shelf import Shelf

    try:
        found = Shelf(home).manifest(grant.dataset)
    except IsthmusError:
        return None
    return found if found.digest == grant.manifest_sha256 else None


def _listed(home: PartyHome, kept: list[Kept] | tuple[Kept, ...]) -> list[dict[str, Any]]:
    from dataclasses import asdict

    from parties.governance import words

    now = dt.datetime.now(dt.UTC)
    found = []
    for each in kept:
        grant, spent = each.grant, _spent(home, each.grant)
        found.append(
            {
                "id": grant.id,
                "dataset": grant.dataset,
                "purpose": grant.purpose,
                "federation": grant.federation,
                "to": {name: each.model_dump() for name, each in sorted(grant.to.items())},
                "until": grant.valid_until.isoformat(),
                "state": words.state(each, spent, _manifest(home, grant), now),
                "revoked_at": None if each.revocation is None else each.revocation.at.isoformat(),
                "limits": grant.limits.model_dump(exclude_none=True),
                "spent": asdict(spent),
                "sha256": each.sha256,
            }
        )
    return found
