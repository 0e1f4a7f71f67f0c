"""At a party: the rules that decide what leaves, and what they would say of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.commands.attesting import attest
from cli.commands.placing import place
from cli.homes import party_home
from cli.output import format_option, say
from crypto.codes import Code
from crypto.errors import Refusal, UsageError

if TYPE_CHECKING:
    from federation.governance.guard.rules import Language
    from parties.governance.forecast import Forecast


@click.group(name="policy")
def command() -> None:
    """At a party: the rules that decide what leaves, and what they would say of a plan."""


command.add_command(attest)
command.add_command(place)


@command.command()
@click.argument("rule", required=False)
@click.option(
    "--language", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Of the text."
)
@format_option
def explain(rule: str | None, language: str, output: str) -> None:
    """Show what RULE demands and where it comes from; without RULE, all of them.

    A rule is one that the guard enforces, a control of the rule packs that a run is judged by, or both.
    """
    from federation.compliance import explaining
    from federation.compliance.catalogue import catalogue as controls
    from federation.governance.guard.rules import catalogue

    told: Language = "zh" if language == "zh" else "en"
    if rule is not None:
        facts, lines = _page(rule, told)
        say(output, facts, "\n".join(lines))
        return
    guarded = catalogue().values()
    titles = {each.id: each.title[told] for each in guarded}
    found = [{"rule": control.id, **explaining.to_json(pack, control)} for pack, control in controls()]
    titles |= {each["rule"]: each["title"][told] for each in found if each["rule"] not in titles}
    width = max(map(len, titles))
    say(
        output,
        {"rules": [each.to_json() for each in guarded], "controls": found},
        "\n".join(f"{name:{width}}  {title}" for name, title in titles.items()),
    )


def _page(name: str, language: Language) -> tuple[dict[str, object], list[str]]:
    """What the guard enforces under an id and what a run is judged by under it, as one page."""
    from federation.compliance import explaining
    from federation.governance.guard.rules import catalogue, rule

    control = explaining.find(name)
    if control is None:
        one = rule(name)
        return one.to_json(), one.lines(language)
    pack, judged = control
    guarded = catalogue().get(judged.id)
    facts: dict[str, object] = {"rule": judged.id} if guarded is None else guarded.to_json()
    lines = [] if guarded is None else [*guarded.lines(language), "", _JUDGED[language]]
    facts["control"] = explaining.to_json(pack, judged)
    return facts, [*lines, *explaining.lines(pack, judged, language)]


_JUDGED: Mapping[Language, str] = {
    "en": "The guard enforces that. A run is judged by this:",
    "zh": "以上由防护执行；运行按下列控制评判：",
}


@command.command()
@click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@party_home
@format_option
def test(plan: Path, home: Path, output: str) -> None:
    """Show what of PLAN would be refused here, and why. Nothing is sent or written.

    Exit code 3 when something would be. The sizes and contents of messages are only known when they are sent.
    """
    from federation.plan import load
    from parties.governance.forecast import forecast
    from parties.home import PartyHome

    opened, read = PartyHome.open(home), load(plan)
    if opened.name() not in read.parties:
        raise UsageError(
            f"the plan does not name {opened.name()}",
            file=str(plan),
            advice="Give a plan of this party's.",
            code=Code.PLAN_WITHOUT_US,
        )
    found = forecast(opened, read)
    say(output, _facts(found), "\n".join(_lines(found)))
    if not found.fine:
        raise SystemExit(Refusal.exit_code)


def _facts(found: Forecast) -> dict[str, object]:
    refusal = found.refusal
    return {
        "party": found.party,
        "refused_before_anything_is_sent": None
        if refusal is None
        else {"rule": refusal.rule, "what": refusal.what, "field": refusal.field, "advice": refusal.advice},
        "messages": [each.to_json() for each in found.messages],
    }


def _lines(found: Forecast) -> list[str]:
    lines = []
    if found.fine:
        lines.append(f"{found.party}: the grants cover this plan; an order for it would be accepted.")
    elif found.refusal is None:
        lines.append(
            f"{found.party}: the grants cover this plan, but the round would stop at the first message below "
            "that may not leave."
        )
    else:
        lines.append(f"{found.party}: an order for this plan would be refused before anything is sent.")
        lines += [f"  {found.refusal.what}", f"  next: {found.refusal.advice}"]
    rows = [
        (
            each.type,
            each.to,
            each.form + (f" of {' and '.join(each.of)}" if each.of else ""),
            each.operation,
            "refused: " + ", ".join(each.rules) if each.rules else "may leave",
        )
        for each in found.messages
    ]
    heads = ("message", "to", "what it carries", "operation", "verdict")
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
    lines.append("")
    for row in (heads, *rows):
        lines.append("  ".join(f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)).rstrip())
    lines.append("")
    stopped = len(found.refused)
    lines.append(
        f"{len(rows) - stopped} of {len(rows)} kinds of messages to a recipient may leave."
        + (" `isthmus policy explain RULE` says what a rule demands." if stopped else "")
    )
    return lines
