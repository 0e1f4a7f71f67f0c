"""The benchmark in a terminal: plans, violations, attacks, and what persons must still sign."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks.border.report import rows
from benchmarks.border.results import Border, Link, Scenario
from cli.supervisor.words import size
from federation.compliance.catalogue import Catalogue, catalogue

if TYPE_CHECKING:
    from rich.table import Table

#: Where the terminal's width is not known, or too small for a table.
_WIDTH = 110
_NOTHING = "-"


def told(border: Border, width: int = _WIDTH, rules: Catalogue | None = None) -> str:
    """All of it as text without colours, in tables `width` columns wide (at least 110)."""
    from rich.console import Console

    rules = catalogue() if rules is None else rules
    text = io.StringIO()
    console = Console(file=text, width=max(width, _WIDTH), markup=False, highlight=False, color_system=None)
    console.print(_plans(border))
    console.print("\n".join(["", *_costs(border), *_counts(border), ""]))
    if border.attacks:
        console.print(_attacks(border))
        console.print()
    waiting = rows.due(border, rules)
    if waiting:
        console.print(_due(waiting))
        console.print()
    console.print("Not legal advice: a lawyer signs the rules before anybody relies on them.")
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _table(title: str, *headings: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _plans(border: Border) -> Table:
    headings = (
        "plan",
        "must fail",
        "R1",
        "R2",
        "as expected",
        "fails",
        "AUC local/fused/pooled",
        "sent",
        "time",
    )
    table = _table("Plans", *headings)
    for each in border.scenarios:
        table.add_row(
            each.id,
            ", ".join(each.expected) or _NOTHING,
            each.judgement.verdict("R1").value,
            each.judgement.verdict("R2").value,
            "yes" if each.as_expected else "NO",
            ", ".join(each.judgement.failed()) or _NOTHING,
            _areas(each),
            size(sum(flow.bytes for flow in each.case.flows)),
            f"{each.utility[0].wall_seconds:.1f} s" if each.utility else _NOTHING,
        )
    return table


def _areas(scenario: Scenario) -> str:
    if not scenario.utility:
        return _NOTHING
    first = scenario.utility[0]
    return f"{first.auc_local:.3f}/{first.auc_fused:.3f}/{first.auc_pooled:.3f}"


def _costs(border: Border) -> Iterator[str]:
    """What each level of protection costs, and how long a round takes across a border."""
    for each in border.scenarios:
        for level in each.utility:
            yield (
                f"{each.id}, {level.protection}: AUC {level.auc_fused:.3f}; {size(level.bytes_sent)} sent "
                f"(the tables: {size(level.raw_bytes)}); {level.cpu_seconds:.1f} s of processor "
                f"(on one table: {level.plain_cpu_seconds:.2f} s)"
            )
        yield from (f"{each.id}, {_link(link)}" for link in each.links)


def _link(link: Link) -> str:
    how = f"{link.bandwidth_mbit:g} Mbit/s, " if link.bandwidth_mbit else ""
    lost = f"{link.loss:.1%} lost, " if link.loss else ""
    return f"{link.latency_ms} ms there and back: {link.wall_seconds:.1f} s a round ({how}{lost}by {link.by})"


def _counts(border: Border) -> Iterator[str]:
    yield from (f"{each.id}: {each.why}" for each in border.scenarios if not each.as_expected)
    if border.seeded:
        yield (
            f"Violations: {border.seeded} seeded, {border.detected} detected, {len(border.missed)} missed, "
            f"{len(border.declared_limits)} declared limits"
        )
    for each in border.mutations:
        if each["outcome"] != "detected":
            yield f"  {each['outcome']}: {each['name']} ({each['rule']}): {each['told']}"
    if border.clean_runs:
        yield f"Clean rounds: {border.clean_runs}, {border.false_alarms} false alarms"
    yield from (f"  false alarm: {alarm}" for alarm in border.alarms)
    if not border.seeded and not border.clean_runs:
        yield "No violation was seeded and no clean round played: nothing is known of missed or false alarms."


def _attacks(border: Border) -> Table:
    headings = ("attack", "view", "found", "95 %", "bound", "positive control", "negative control", "verdict")
    table = _table("Attacks", *headings)
    for each in border.attacks:
        controls = [
            f"{each[name]['value']:.3g} {'as it must be' if each[name]['ok'] else 'NOT as it must be'}"
            for name in ("positive", "negative")
        ]
        table.add_row(
            each["name"],
            each["view"],
            f"{each['value']:.3g} {each['unit']}",
            f"{each['lower']:.3g}-{each['upper']:.3g}",
            f"{each['bound']:.3g}",
            *controls,
            each["verdict"],
        )
    return table


def _due(waiting: tuple[rows.Due, ...]) -> Table:
    table = _table("What a person must still sign (isthmus policy attest)", "rule", "office", "plan: by whom")
    for each in waiting:
        where = "; ".join(
            f"{plan}: {', '.join(parties)}" if parties else plan for plan, parties in each.where
        )
        table.add_row(each.control, each.office.en if each.office else "see the rule", where)
    return table
