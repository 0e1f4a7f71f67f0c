"""Everything that a party needs for a round, looked at once. Nothing is changed, and no data leaves."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from crypto.version import component_versions
from federation.errors import IsthmusError, PeerFailure, UsageError
from federation.ids import PartyId
from federation.locks import holder
from federation.plan import Plan
from federation.readiness import machine, reaching
from federation.readiness.estimating import Estimate, estimate
from federation.readiness.findings import Finding, Look, Readiness, look
from parties.dataset import DatasetConfig, hindrances
from parties.governance.forecast import forecast
from parties.governance.readiness import ungranted
from parties.home import PartyHome
from parties.joining import greeting, roster
from parties.round.acceptance import own_dataset

#: Clocks of organisations differ; certificates and grants have five minutes of grace.
_WARN_SKEW, _LARGE_SKEW = 30.0, 240.0
_RENEW = "Run `isthmus party renew`, then restart the node."


def examine(home: PartyHome, plan: Plan | None, now: dt.datetime) -> Readiness:
    """Look at folder, certificates, machine, network, clock, versions, data, partners, grants and the plan.

    Where `plan` is None only what every plan needs is looked at. `now`: what this machine's clock says (UTC).
    """
    findings = [*_local(home, now)]
    if home.admission_file.exists():
        findings += _beyond(home, plan, now)
    else:
        findings.append(
            Finding(
                "certificates",
                "fail",
                "this party is not a member of a federation yet",
                "Ask the coordinator for an invitation, then run `isthmus party join INVITATION`.",
            )
        )
    findings += look("data", [lambda: _data(home)])
    if plan is not None and home.admission_file.exists():
        findings += _planned(home, plan, now)
    elif home.admission_file.exists():
        findings += look("grants", [lambda: _granted(home, now)])
    return Readiness(str(home.name()), tuple(findings))


def _local(home: PartyHome, now: dt.datetime) -> Iterator[Finding]:
    node = ("the node", "isthmus party start")
    yield from look("folder", [lambda: machine.rights(home), lambda: machine.whole(home)])
    yield from look("folder", [lambda: machine.running(holder(home.lock_file), *node)])
    if home.admission_file.exists():
        yield from look("certificates", [lambda: machine.certificate(home, now, _RENEW)])


def _beyond(home: PartyHome, plan: Plan | None, now: dt.datetime) -> list[Finding]:
    """What is asked of others, all at once: each waits a few seconds at most."""
    try:
        admission = home.admission()
    except IsthmusError as error:
        return [Finding("certificates", "fail", str(error), error.advice, error.code)]
    papers = reaching.Papers(home.authority_file, home.tls_certificate_file, home.tls_key_file)
    looks: list[tuple[str, Look]] = [
        ("network", lambda: reaching.door("the gate", admission.gate, papers, ("http/1.1",))),
        ("network", lambda: reaching.door("the exchange", admission.exchange, papers, ("h2",))),
    ]
    if admission.desk is not None:
        desk = admission.desk
        looks.append(("network", lambda: reaching.door("the admission desk", desk, papers, ("http/1.1",))))
        looks.append(("clock", lambda: _if_reached(lambda: _greeting(home))))
        looks.append(("partners", lambda: _if_reached(lambda: _partners(home, plan))))
    with ThreadPoolExecutor(len(looks)) as pool:
        found = list(pool.map(lambda each: list(look(each[0], [each[1]])), looks))
    return [finding for findings in found for finding in findings]


def _if_reached(asked: Look) -> Iterator[Finding]:
    """What was asked at the desk; nothing where it is not reached, which the look at its door says."""
    try:
        yield from asked()
    except PeerFailure:
        return


def _greeting(home: PartyHome) -> Iterator[Finding]:
    """The coordinator's clock and versions beside this machine's."""
    before = dt.datetime.now(dt.UTC)
    told = greeting(home)
    after = dt.datetime.now(dt.UTC)
    yield skew(told.time, before, after)
    yield from compared(component_versions(), told.versions)


def skew(theirs: dt.datetime, before: dt.datetime, after: dt.datetime) -> Finding:
    """This machine's clock against the coordinator's, which was asked between `before` and `after` (UTC)."""
    # Their time is told in whole seconds, and is of some moment in between.
    off = max((before - theirs).total_seconds() - 1.0, (theirs - after).total_seconds(), 0.0)
    ahead = "ahead of" if before > theirs else "behind"
    text = f"this machine's clock is {off:,.0f} s {ahead} the coordinator's"
    mend = "Set this machine's clock by NTP (`timedatectl set-ntp true`); ask the coordinator to do the same."
    if off > _LARGE_SKEW:
        return Finding("clock", "fail", text, mend)
    if off > _WARN_SKEW:
        return Finding("clock", "warn", text, mend)
    return Finding("clock", "ok", "this machine's clock agrees with the coordinator's")


def compared(ours: dict[str, str], theirs: object) -> Iterator[Finding]:
    """Isthmus must be the same version at every role, Flower of the same minor version."""
    theirs = theirs if isinstance(theirs, dict) else {}
    for name, parts in (("isthmus", 3), ("flwr", 2)):
        own, other = ours[name], str(theirs.get(name, "unknown"))
        if own.split(".")[:parts] == other.split(".")[:parts]:
            yield Finding("versions", "ok", f"{name} {own} here and at the coordinator")
        else:
            yield Finding(
                "versions",
                "fail",
                f"{name} is {own} here and {other} at the coordinator",
                "Install the coordinator's versions here: `pip install "
                f"isthmus=={theirs.get('isthmus', 'VERSION')} flwr=={theirs.get('flwr', 'VERSION')}`.",
            )


def _partners(home: PartyHome, plan: Plan | None) -> Iterator[Finding]:
    """Whether a plan's partners are members, and their fingerprints compared here."""
    members, pins, own = roster(home), home.pins(), home.name()
    named = [PartyId(name) for name in plan.parties] if plan is not None else list(members.members)
    for name in sorted(set(named) - {own}):
        member = members.members.get(name)
        if member is None:
            yield Finding(
                "partners",
                "fail",
                f"{name} is not a member of {members.federation}",
                f"Ask the coordinator to run `isthmus federation invite {name}`.",
            )
        elif name not in pins:
            yield Finding(
                "partners",
                "fail" if plan is not None else "warn",
                f"nobody here has compared the fingerprint of {name}",
                f"Ask {name} to read it out, then run `isthmus party trust`.",
            )
        elif pins[name] != member.identity.fingerprint:
            yield Finding(
                "partners",
                "fail",
                f"{name} has another identity than the one that is pinned here",
                f"Ask {name} by telephone why, before you trust it by `isthmus party trust`.",
            )
        else:
            yield Finding("partners", "ok", f"{name} is a member, and its fingerprint was compared")


def _data(home: PartyHome) -> Iterator[Finding]:
    """party.toml and the headers of what it names."""
    tables = home.config().get("datasets")
    troubles = hindrances(tables, party=home.name(), folder=home.folder)
    for sentence in troubles:
        what, _, advice = sentence.partition(" (next: ")
        mend = (
            advice.removesuffix(")") or f"Describe your data in {home.config_file}; docs/party.md says how."
        )
        yield Finding("data", "fail" if advice else "warn", what, mend)
    if not troubles and isinstance(tables, dict):
        yield Finding("data", "ok", f"described and readable: {', '.join(tables)}")


def _granted(home: PartyHome, now: dt.datetime) -> Iterator[Finding]:
    sentences = ungranted(home, now)
    for sentence in sentences:
        what, _, advice = sentence.partition(" (next: ")
        yield Finding("grants", "warn", what, advice.removesuffix(")"))
    if not sentences:
        yield Finding("grants", "ok", "every dataset has a grant in force")


def _planned(home: PartyHome, plan: Plan, now: dt.datetime) -> list[Finding]:
    """What a named plan asks of this party: its place in it, cells, grants, room."""
    if home.name() not in plan.parties:
        return [
            Finding(
                "plan",
                "fail",
                f"the plan does not name {home.name()}",
                "Ask whoever wrote it; it names " + ", ".join(plan.parties) + ".",
            )
        ]
    return [
        *look("plan", [lambda: _cells(home, plan)]),
        *look("grants", [lambda: _covered(home, plan, now)]),
    ]


def _covered(home: PartyHome, plan: Plan, now: dt.datetime) -> Iterator[Finding]:
    seen = forecast(home, plan, now)
    if seen.refusal is not None:
        yield Finding("grants", "fail", str(seen.refusal), seen.refusal.advice, seen.refusal.code)
    for rule in sorted({rule for each in seen.refused for rule in each.rules}):
        stopped = sum(rule in each.rules for each in seen.refused)
        yield Finding(
            "grants",
            "fail",
            f"the guard would stop {stopped} kinds of messages by {rule}",
            f"`isthmus policy explain {rule}` says what it demands.",
        )
    if seen.fine:
        yield Finding("grants", "ok", "manifest and grants cover the plan")


def _cells(home: PartyHome, plan: Plan) -> Iterator[Finding]:
    """The party's own table as the plan takes it, and what the plan is likely to cost."""
    dataset = own_dataset(home, plan.parties[home.name()].dataset)
    rows, features = _size(dataset)
    yield Finding(
        "plan", "ok", f"dataset {dataset.name}: {rows:,} rows, {features} columns that may be features"
    )
    least = plan.alignment.minimum_intersection
    if rows < least and plan.shape != "horizontal":
        yield Finding(
            "plan",
            "fail",
            f"{rows:,} rows can never be the {least:,} common ones that the plan asks for",
            "Lower alignment.minimum_intersection in the plan, or bring more rows.",
        )
    likely = expected(plan, rows, features)
    if likely is not None:
        yield Finding("plan", "ok", f"if the partners' tables are like this one: {likely.told()}")
    needed = 0.0 if likely is None else likely.memory_bytes
    yield from machine.memory(int(needed))
    yield from machine.disk(home, 0 if likely is None else int(likely.bytes / len(plan.parties)))


def expected(plan: Plan, rows: int, features: int) -> Estimate | None:
    """What the plan costs if every party's table is like this party's."""
    return estimate(plan, rows, features * len(plan.parties))


def _size(dataset: DatasetConfig) -> tuple[int, int]:
    """Rows and features of the table; the outcome is looked at too, as a round would refuse a gap in it."""
    table = dataset.read().frame
    if dataset.label is not None and dataset.accepted is None and table[dataset.label].isna().any():
        empty = int(table[dataset.label].isna().sum())
        raise UsageError(
            f"{empty:,} rows have no outcome",
            party=str(dataset.holder),
            file=None if dataset.file is None else str(dataset.file),
            field=dataset.label,
            advice="Leave those rows out of the table, or name the column that says who was accepted as "
            "`accepted` in party.toml.",
        )
    return len(table), len(dataset.feature_columns(dataset.present()))
