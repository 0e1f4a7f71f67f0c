"""From the packs of one run, what the pages show of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from pydantic import ValidationError

from cli.supervisor import flows
from cli.supervisor.facts import (
    Cosignature,
    Event,
    Granted,
    Planted,
    RolePack,
    RunFacts,
    Signed,
    Used,
)
from crypto import dsse, note
from crypto.errors import IsthmusError
from federation.governance.grant import GRANT_TYPE, REVOCATION_TYPE, Grant, Revocation
from federation.ledger.checks.witnesses import cosigned_at
from federation.ledger.findings import Report
from federation.ledger.lines import Attempt, Logged
from federation.ledger.pack import Pack
from federation.ledger.reading import Reading
from federation.ledger.verify import verify

Document = TypeVar("Document", Grant, Revocation)

#: The last second that a date can tell.
_LAST_SECOND = 253_402_300_799
#: Entries of no run that still bear on one.
_OF_NO_RUN = ("manifest", "grant", "revocation", "witness")


def gather(packs: Sequence[Pack], digests: Mapping[str, str], trusted: Mapping[str, str]) -> RunFacts:
    """The facts of one run. `digests`: name of a pack -> SHA-256 of its file.

    Raises `UsageError` where members.json of a pack cannot be read.
    """
    readings = [Reading(pack) for pack in packs]
    first = readings[0]
    said = _said_places(readings)
    places = {name: _place(name, told) for name, told in said.items()}
    named = set(places) | {name for reading in readings for name in _outside(reading)}
    report = verify(packs, {name: text for name, text in trusted.items() if name in named})
    roles = tuple(_role(reading, report, digests[reading.pack.name]) for reading in readings)
    sent = flows.in_order(flow for reading in readings for flow in flows.flows(reading, places))
    longest = max(readings, key=lambda reading: len(reading.attempts))
    plan = _plan(first)
    return RunFacts(
        key=key_of(first.pack.statement.federation, first.pack.run),
        run=first.pack.run,
        federation=first.pack.statement.federation,
        plan=str(plan.get("name", "")),
        purpose=str(plan.get("purpose", "")),
        began=min((at for attempt in longest.attempts for at in _times(attempt.plan)), default=""),
        ended=max((at for attempt in longest.attempts for at in _times(attempt.close)), default=""),
        outcome=_outcome(longest.attempts),
        attempts=len(longest.attempts),
        rounds=max((len(attempt.of("round")) for attempt in longest.attempts), default=0),
        places=places,
        disputed=tuple(name for name, told in said.items() if len({*told.values()} - {""}) > 1),
        packs=roles,
        flows=sent,
        crossings=flows.crossings(sent, {role.role: role.granted for role in roles}),
        events=_events(readings),
        report=report,
    )


def key_of(federation: str, run: str) -> str:
    """What a run is called in addresses: its name where that is plain, and a digest that tells runs apart."""
    plain = re.sub(r"[^a-z0-9-]+", "-", run.lower()).strip("-")[:64]
    return f"{plain or 'run'}-{hashlib.sha256(f'{federation}|{run}'.encode()).hexdigest()[:8]}"


def _said_places(readings: Sequence[Reading]) -> dict[str, dict[str, str]]:
    """Each that took part -> whose pack says that it is where. The coordinator's says it of nobody."""
    found: dict[str, dict[str, str]] = {}
    for reading in readings:
        for name, seat in reading.members.items():
            found.setdefault(name, {})[reading.pack.party] = seat.place
    return dict(sorted(found.items()))


def _place(name: str, told: Mapping[str, str]) -> str:
    """Where a role is: as its own pack says, else as any says; empty where none does."""
    return told.get(name) or next((told[role] for role in sorted(told) if told[role]), "")


def _role(reading: Reading, report: Report, digest: str) -> RolePack:
    pack, seat = reading.pack, reading.members.get(reading.pack.party)
    return RolePack(
        role=pack.party,
        file=pack.name,
        sha256=digest,
        made_at=pack.statement.made_at,
        software=dict(pack.statement.software),
        place=seat.place if seat is not None else "",
        fingerprint=seat.identity.fingerprint if seat is not None else "",
        checks=tuple(check for check in report.checks if check.party == pack.party),
        verdicts=flows.verdicts(reading),
        checkpoints=tuple(_signed(reading)),
        outside=_outside(reading),
        planted=() if reading.is_aggregator else tuple(map(_planted, reading.attempts)),
        granted=tuple(_granted(reading)),
        entries=len(reading.entries),
    )


def _signed(reading: Reading) -> Iterator[Signed]:
    for size, text in reading.checkpoints().items():
        try:
            root = note.read(text).root.hex()
        except IsthmusError:
            continue
        given = (
            Cosignature(name, _utc(cosigned_at(text, name, reading.known[name])))
            for name in reading.cosigners[size]
        )
        yield Signed(size, root, tuple(given))


def _planted(attempt: Attempt) -> Planted:
    opened = attempt.of("opening")
    committed = "" if attempt.plan is None else str(attempt.plan.fields["commitment"])
    hits = sum(int(entry.fields["hits"]) for entry in opened)
    return Planted(attempt.number, committed, bool(opened), hits)


def _granted(reading: Reading) -> Iterator[Granted]:
    """The grants as they are written. Whether their owner signed them, the checks say."""
    taken = {each.grant_id: each for each in _documents(reading, "revocations", REVOCATION_TYPE, Revocation)}
    for grant in _documents(reading, "grants", GRANT_TYPE, Grant):
        yield Granted(grant, taken.get(grant.id), _used(reading, grant.id))


def _documents(reading: Reading, folder: str, kind: str, form: type[Document]) -> Iterator[Document]:
    for data in reading.pack.under(folder).values():
        try:
            yield form.model_validate_json(dsse.unverified(data, kind))
        except (ValidationError, IsthmusError):
            continue


def _used(reading: Reading, grant: str) -> Used:
    """Counted in the whole ledger, every run of the owner under this grant."""
    stood = {
        (entry.run, entry.attempt)
        for entry in reading.entries
        if entry.kind == "plan" and grant in _list(entry.fields["grants"])
    }
    under = [entry for entry in reading.entries if (entry.run, _attempt(entry)) in stood]
    sent: dict[str, int] = {}
    for entry in under:
        if entry.kind == "close":  # Counts the bytes of the run so far, its attempts before included.
            sent[entry.run] = max(int(entry.fields["bytes"]), sent.get(entry.run, 0))
    return Used(
        runs=len({run for run, _ in stood}),
        rounds=len(stood) + len([entry for entry in under if entry.kind == "round"]),
        size=sum(sent.values()),
    )


def _events(readings: Sequence[Reading]) -> tuple[Event, ...]:
    found = [event for reading in readings for event in _told(reading)]
    return tuple(sorted(found, key=lambda event: (event.at, event.role, event.index)))


def _told(reading: Reading) -> Iterator[Event]:
    for entry in reading.entries:
        if entry.run == reading.pack.run or (not entry.run and entry.kind in _OF_NO_RUN):
            by = {name for size, names in reading.cosigners.items() if size > entry.index for name in names}
            yield Event(
                entry.at,
                reading.pack.party,
                entry.index,
                entry.kind,
                entry.fields,
                entry.digest,
                tuple(sorted(by)),
            )


def _outcome(attempts: Sequence[Attempt]) -> str:
    """The state of the last attempt: finished, failed, refused; empty while it is open."""
    if not attempts:
        return ""
    last = attempts[-1]
    if last.close is not None:
        return str(last.close.fields["state"])
    return "refused" if last.of("refusal") else ""


def _plan(reading: Reading) -> Mapping[str, object]:
    try:
        return reading.plan
    except IsthmusError:
        return {}


def _outside(reading: Reading) -> tuple[str, ...]:
    return tuple(sorted(name.removesuffix(".json") for name in reading.pack.under("cosignatures")))


def _times(entry: Logged | None) -> list[str]:
    return [] if entry is None else [entry.at]


def _attempt(entry: Logged) -> int:
    return entry.attempt if "attempt" in entry.fields else 0


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _utc(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(min(max(seconds, 0), _LAST_SECOND), dt.UTC)
