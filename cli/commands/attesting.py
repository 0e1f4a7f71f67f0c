"""`isthmus policy attest`: a person signs what no software can decide."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.agreeing import agree
from cli.homes import party_home
from cli.output import format_option, say
from cli.paths import OUT_FILE
from cli.trial import dry_run_option, say_would, writing
from crypto.errors import UsageError

if TYPE_CHECKING:
    from federation.compliance.attestation import Attestation

_DAY = click.DateTime(["%Y-%m-%d"])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("control")
@party_home
@click.option("--office", required=True, help="As whom: dpo, legal, compliance, management, credit ...")
@click.option(
    "--document", type=_FILE, required=True, help="What is signed for. Its SHA-256 is signed; it stays here."
)
@click.option("--title", help="Of the document; its file's name by default.")
@click.option("--until", type=_DAY, required=True, help="The last day on which the statement holds.")
@click.option("--plan", type=_FILE, help="Made for this plan alone; for any plan by default.")
@click.option("--covers", multiple=True, metavar="COUNTRY", help="Toward this place; all by default.")
@click.option("--signer", default="", help="The person's name, where others may know it.")
@click.option("--out", type=OUT_FILE, help="Default: CONTROL.PARTY.attestation.json.")
@click.option("--yes", is_flag=True, help="Sign without being asked.")
@dry_run_option
@format_option
def attest(
    control: str,
    home: Path,
    office: str,
    document: Path,
    title: str | None,
    until: dt.datetime,
    plan: Path | None,
    covers: tuple[str, ...],
    signer: str,
    out: Path | None,
    yes: bool,
    dry_run: bool,
    output: str,
) -> None:
    """Sign a statement about CONTROL, such as EU-TIA, with the party's identity.

    The file is for whoever judges the run. Software checks that it is there, in force, by the right office
    and about the right document; it does not judge what the document says.
    """
    from pydantic import ValidationError

    from federation import files
    from federation.compliance.attestation import Attestation, sealed
    from federation.governance.manifest import Evidence
    from federation.plan import load
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    said_of = _may_sign(control, office)
    name = document.name if title is None else title
    digest = files.sha256(document, "Name the document that the statement is about.")
    try:
        made = Attestation(
            control=said_of,
            party=opened.name(),
            office=office,
            signer=signer,
            about="any" if plan is None else load(plan).digest.hex(),
            covers=tuple(sorted(set(covers))),
            dated=dt.datetime.now(dt.UTC).date(),
            valid_until=until.date(),
            document=Evidence(title=name[:200], sha256=digest, held_by=opened.name()),
        )
    except ValidationError as error:
        raise _told(error, opened.name()) from None
    text = "\n".join(_lines(made))
    target = out if out is not None else Path(f"{made.control}.{made.party}.attestation.json")
    if dry_run:
        with writing(target, dry_run) as file:
            files.write(file, sealed(made, opened.identity()))
        if output == "text":
            click.echo(text)
        facts = made.model_dump(mode="json")
        say_would(output, f"sign the statement and write {target}", attestation=facts)
        return
    if not yes:
        agree(
            text,
            "the statement",
            opened.name(),
            "Answer at a terminal, or give --yes.",
        )
    files.write(target, sealed(made, opened.identity()))
    say(
        output,
        {"attestation": made.model_dump(mode="json"), "file": str(target)},
        (f"{text}\n" if yes else "") + f"signed: {target}",
    )


def _may_sign(control: str, office: str) -> str:
    """The control's id; `UsageError` where nobody signs it, or this office does not."""
    from federation.compliance import offices
    from federation.compliance.catalogue import catalogue

    found = catalogue().control(control)
    right = found.parameters.get("offices", ())
    if not right:
        raise UsageError(
            f"nobody signs {found.id}: it is decided from evidence and papers",
            field="CONTROL",
            advice="Name a control that asks for a statement, such as EU-TIA.",
        )
    if office not in right:
        raise UsageError(
            f"{found.id} is for the {offices.named(right).en} to sign, not for {office!r}",
            field="--office",
            advice=f"Have it signed as {' or '.join(right)}.",
        )
    return found.id


def _lines(made: Attestation) -> list[str]:
    plan = "any plan" if made.about == "any" else f"the plan {made.about[:16]}…"
    return [
        f"Statement on {made.control} of {made.party}",
        f"  As:        {made.office}" + (f", {made.signer}" if made.signer else ""),
        f"  For:       {plan}, toward {', '.join(made.covers) or 'all places'}",
        f"  Holds:     {made.dated} to {made.valid_until}",
        f"  Document:  {made.document.title}  SHA-256 {made.document.sha256}",
        "  What the document says is not judged by software: whoever signs answers for it.",
    ]


_ASKED = {
    "covers": ("--covers", "is a country in two capital letters, as in --covers SG"),
    "signer": ("--signer", "is at most 200 characters"),
    "document": ("--title", "is 1 to 200 characters"),
}


def _told(error: Exception, party: str) -> UsageError:
    from pydantic import ValidationError

    fields = error.errors() if isinstance(error, ValidationError) else []
    named = next((str(each["loc"][0]) for each in fields if each["loc"]), "")
    option, what = _ASKED.get(named, ("--until", "is before today: a statement that holds on no day"))
    return UsageError(f"{option} {what}", party=party, field=option, advice="Correct it and sign again.")
