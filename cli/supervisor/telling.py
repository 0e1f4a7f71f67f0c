"""Facts as sentences: how a run stands, what a check found, what a grant allows and what was used of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cli.supervisor.facts import Crossing, Event, Granted, RunFacts
from cli.supervisor.words import Words, number, size
from federation.governance.grant import Grant
from federation.governance.guard.rules import Rule, catalogue
from federation.ledger.findings import Check, State


@dataclass(frozen=True, slots=True)
class Row:
    """One limit of a grant. share: of what is allowed, where both are known."""

    what: str
    spent: str
    most: str
    share: float | None


def headline(run: RunFacts, words: Words) -> str:
    """How the run's packs stand, with the first thing that is not right."""
    first = run.report.first
    if run.state is State.FAIL and first is not None:
        finding = first.outcome.finding
        if finding is None:
            return words.name("check", first.id)
        happened = words.name("happened", finding.happened.value)
        whose = words("whose.pack", role=first.party) if first.party else words("whose.several")
        return words("headline.fail", whose=whose, where=words.where(finding), happened=happened)
    undecided = dict.fromkeys(check.id for check in run.report.checks if check.state is State.UNKNOWN)
    if undecided:
        titles = [words("common.quoted", text=words.name("check", each)) for each in undecided]
        return words("headline.unknown", what=words.names(titles))
    return words("headline.pass")


def found(check: Check, words: Words) -> str:
    """What a check's finding says: where, and what was done there."""
    finding = check.outcome.finding
    if finding is None:
        return ""
    happened = words.name("happened", finding.happened.value)
    return words("common.colon").join((words.where(finding), happened))


def first_wrong(checks: Sequence[Check], words: Words) -> str:
    """The first check that failed, else the first that was not decided; empty where there is neither."""
    for state in (State.FAIL, State.UNKNOWN):
        for check in checks:
            if check.state is state:
                told = found(check, words)
                beside = words("where.beside", what=told) if told else ""
                held = words.name("state", state.value)
                return words("common.colon").join((words.name("check", check.id), held + beside))
    return ""


def tally(checks: Sequence[Check], words: Words) -> str:
    """How many hold, do not, cannot be decided, do not apply."""
    counts = {state: sum(check.state is state for check in checks) for state in State}
    if not counts[State.FAIL] and not counts[State.UNKNOWN]:
        return words("checks.all_hold", count=counts[State.PASS])
    return words(
        "checks.summary",
        passed=counts[State.PASS],
        failed=counts[State.FAIL],
        unknown=counts[State.UNKNOWN],
        na=counts[State.NOT_APPLICABLE],
    )


def checks_by(run: RunFacts, words: Words) -> list[tuple[str, list[Check]]]:
    """The checks of each pack, then those of several packs, with their headings."""
    several = [check for check in run.report.checks if not check.party]
    of_packs = [(words("checks.pack", role=pack.role), list(pack.checks)) for pack in run.packs]
    return [*of_packs, (words("checks.several"), several)]


def by_rule(run: RunFacts) -> Iterator[tuple[Rule, int]]:
    """Each rule of the guard's policy, and how many distinct requests it refused, in all packs together."""
    refused: dict[str, int] = {}
    for pack in run.packs:
        for each in pack.verdicts.rules:
            refused[each.rule] = refused.get(each.rule, 0) + each.refused
    yield from ((rule, refused[name]) for name, rule in catalogue().items() if name in refused)


def standing(granted: Granted, now: dt.datetime) -> str:
    """Whether a grant is in force: "pass", "fail", or "unknown" before it begins."""
    if granted.revocation is not None or now >= granted.grant.valid_until:
        return "fail"
    return "pass" if now >= granted.grant.valid_from else "unknown"


def standing_text(granted: Granted, now: dt.datetime, words: Words) -> str:
    """The same in words, with the days that are left."""
    if granted.revocation is not None:
        return words("granted.revoked", at=f"{granted.revocation.at:%Y-%m-%d}")
    if now >= granted.grant.valid_until:
        return words("granted.expired")
    if now < granted.grant.valid_from:
        return words("granted.not_yet")
    return words("granted.in_force", days=(granted.grant.valid_until - now).days)


def sentence(grant: Grant, words: Words) -> str:
    """Who lets whom use which data, for which purpose; a list of what for follows."""
    to = [words("grant.recipient", name=name, place=place) for name, place in sorted(grant.places.items())]
    return words(
        "grant.sentence",
        owner=grant.owner,
        to=words.names(to),
        dataset=grant.dataset,
        purpose=grant.purpose,
    )


def limits(granted: Granted, words: Words) -> list[Row]:
    """What was spent of each limit; of what is not in packs, the limit alone, where there is one."""
    limits_, used = granted.grant.limits, granted.used
    counted = (
        ("runs", used.runs, limits_.max_runs, number),
        ("rounds", used.rounds, limits_.max_rounds, number),
        ("bytes", used.size, limits_.max_egress_bytes, size),
    )
    rows = [
        Row(
            words(f"limit.{name}"),
            written(spent),
            words("limit.no_limit") if most is None else written(most),
            spent / most if most else None,
        )
        for name, spent, most, written in counted
    ]
    elsewhere = (
        ("epsilon", limits_.max_epsilon),
        ("equations", limits_.max_equations_per_row),
        ("psi", limits_.max_psi_runs),
    )
    rows += [
        Row(words(f"limit.{name}"), words("limit.elsewhere"), f"{most:g}", None)
        for name, most in elsewhere
        if most is not None
    ]
    return [*rows, Row(words("limit.parties"), "", number(limits_.min_parties), None)]


def over(crossings: Sequence[Crossing], origin: str, destination: str) -> list[Crossing]:
    """Those over one border, in one direction."""
    return [each for each in crossings if (each.flow.origin, each.flow.destination) == (origin, destination)]


def told(event: Event, words: Words) -> str:
    """An entry of a ledger as a sentence."""
    fields = dict(event.fields)
    for name in ("rows", "bytes", "lines", "hits", "size"):
        if isinstance(count := fields.get(name), int):
            fields[name] = number(count)
    if event.kind == "close":
        fields["state"] = words.name("outcome", str(fields["state"]))
    return words(f"kind.{event.kind}", **fields)
