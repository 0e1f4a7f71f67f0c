"""Where a plan's aggregator and keys may sit: for `isthmus policy place`, and before a round is launched."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cli.output import format_option, say
from crypto.codes import Code
from crypto.errors import Refusal, UsageError

if TYPE_CHECKING:
    from federation.compliance.facts import Party
    from federation.compliance.placement import Placements
    from federation.governance.manifest import Manifest
    from federation.ids import PartyId
    from federation.plan import Plan

F = TypeVar("F", bound=Callable[..., Any])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_AT = "Give for instance --at aggregator=CN-SH, or aggregator=SG: a country, or an area inside one."


def places_options(command: F) -> F:
    """`--manifest FILE` and `--at NAME=PLACE`, passed as `manifest_files` and `at`."""
    of_each = click.option(
        "--manifest", "manifest_files", type=_FILE, multiple=True, help="Of each party with data."
    )
    where = click.option(
        "--at",
        multiple=True,
        metavar="NAME=PLACE",
        help="Where the aggregator is to sit, as in aggregator=SG; another name is a witness of the logs.",
    )
    return of_each(where(command))


@click.command()
@click.argument("plan_file", metavar="PLAN", type=_FILE)
@places_options
@click.option(
    "--language", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of the text."
)
@format_option
def place(
    plan_file: Path, manifest_files: tuple[Path, ...], at: tuple[str, ...], language: str, output: str
) -> None:
    """Show where aggregator and keys of PLAN may sit, which rule refuses the rest, and what is nearest.

    Judged by plan and manifests alone, as of today: what grants and statements must still add is told as
    needed. Exit code 3 when a rule refuses it as asked. Not legal advice.
    """
    from federation.compliance.verdicts import Language
    from federation.plan import load

    found = _placed(load(plan_file), manifest_files, at)
    told: Language = "zh" if language == "zh" else "en"
    say(output, {**found.to_json(), "not_legal_advice": True}, "\n".join([*found.lines(told), _ADVICE[told]]))
    if not found.asked.allowed:
        raise SystemExit(Refusal.exit_code)


def refuse_unlawful(plan: Plan, manifest_files: Sequence[Path], at: Sequence[str]) -> None:
    """Raise a `Refusal` with the rule where one about places refuses the plan; nothing was sent then.

    A plan itself says no country: without manifests nothing is judged, and one line says so. Judged under R1;
    what a paper can mend refuses nothing here. There is no way round a refusal but another placement.
    """
    if not manifest_files and not at:
        click.echo(
            "No rule about places was asked: nobody said where the parties are (--manifest, --at).", err=True
        )
        return
    found = _placed(plan, manifest_files, at)
    if found.asked.allowed:
        click.echo("No rule about places refuses the plan. This is not legal advice.", err=True)
        return
    nearest = found.nearest
    raise Refusal(
        f"{', '.join(found.asked.controls)} refuses the plan where it is placed: "
        f"{found.asked.refused[0].told.en} Nothing was sent",
        field="--at",
        advice="No placement of aggregator and keys is lawful: change who takes part, or with what data."
        if nearest is None
        else f"Place it so: {nearest.told().en}. `isthmus policy place` shows all placements.",
        code=Code.PLACE_REFUSED,
    )


def _placed(plan: Plan, manifest_files: Sequence[Path], at: Sequence[str]) -> Placements:
    """The plan's placements by plan and manifests alone, as of today."""
    from federation.compliance.gathering import planned
    from federation.compliance.placement import place as tried

    manifests = _manifests(plan, manifest_files)
    today = dt.datetime.now(dt.UTC).date()
    return tried(planned(plan, manifests, (), date=today, parties=_seats(plan, at)))


_ADVICE = {"en": "\nThis is not legal advice.", "zh": "\n本结果不构成法律意见。"}


def _manifests(plan: Plan, paths: Sequence[Path]) -> dict[PartyId, Manifest]:
    """Each party's; `UsageError` where one is missing, there twice, or of nobody in the plan."""
    from federation.governance.manifest import load
    from federation.ids import PartyId

    found: dict[PartyId, Manifest] = {}
    for path in paths:
        manifest = load(path)
        name = PartyId(manifest.party.id)
        if name in found or name not in plan.parties:
            raise UsageError(
                f"{name} has two manifests here" if name in found else f"the plan has no party {name}",
                party=name,
                file=str(path),
                field="--manifest",
                advice="Give one manifest for each party of the plan.",
            )
        found[name] = manifest
    missing = sorted(set(map(str, plan.parties)) - set(map(str, found)))
    if missing:
        raise UsageError(
            f"there is no manifest of {', '.join(missing)}: what is in its data stays unknown",
            party=missing[0],
            field="--manifest",
            advice="Ask for it: a manifest holds no row. Its owner drafts it with `isthmus data inspect`.",
        )
    return found


def _seats(plan: Plan, texts: Sequence[str]) -> dict[str, Party]:
    """Aggregator and witnesses, where they were said to be."""
    from pydantic import ValidationError

    from federation.compliance.facts import Party
    from federation.governance.terms import PartyKind
    from federation.ids import AGGREGATOR, party_id

    found: dict[str, Party] = {}
    for text in texts:
        name, equals, where = text.partition("=")
        aggregates = name == AGGREGATOR
        facts: dict[str, Any] = {
            "seat": "aggregator" if aggregates else "witness",
            "jurisdiction": where[:2],
            "place": where if len(where) > 2 else "",
            "kind": PartyKind.AGGREGATOR if aggregates else PartyKind.AUDITOR,
        }
        try:
            seat = Party.model_validate(facts)
        except ValidationError:
            raise UsageError(
                f"{where!r} is no place", field="--at", advice=_AT, code=Code.PLACE_UNKNOWN
            ) from None
        if not equals or name in found or name in plan.parties:
            raise UsageError(
                f"{text!r} is not NAME=PLACE, each name once, of the aggregator or a witness",
                field="--at",
                advice=_AT + " A party is where its manifest says.",
            )
        found[name if aggregates else party_id(name)] = seat
    if AGGREGATOR not in found:
        raise UsageError(
            "where the aggregator is to sit is not said", field="--at", advice=_AT, code=Code.PLACE_UNKNOWN
        )
    return found
