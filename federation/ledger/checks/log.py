"""Is the ledger one that only grew, in order, and does it tell each run from its plan to its end?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

from federation.ledger.findings import (
    Finding,
    Happened,
    Outcome,
    entry_finding,
    failed,
    passed,
    unknown,
)
from federation.ledger.lines import UNREADABLE, Attempt, Logged
from federation.ledger.reading import Reading

#: How far a role's clock may be set back by its time service without a word (seconds).
CLOCK_SECONDS = 5
_LAST = ("close", "refusal")
#: The order of the kinds within an attempt. `model`, `received` and `opening` may change places.
_RANK = {"plan": 0, "round": 1, "model": 2, "received": 2, "opening": 2, "close": 3, "refusal": 3}


def entries(reading: Reading) -> Outcome:
    """Each line is the one form of an entry that a ledger may have."""
    for entry in reading.entries:
        if entry.kind == UNREADABLE:
            what = "this line is not an entry that a ledger of Isthmus may hold"
            return failed(entry_finding(Happened.NOT_ALLOWED, what, entry))
    if not reading.entries:
        return failed(Finding(Happened.DROPPED, "the ledger is empty"))
    return passed(f"{len(reading.entries)} entries, of the allowed kinds: digests, names and numbers only")


def times(reading: Reading) -> Outcome:
    """Time does not go back by more than `CLOCK_SECONDS`."""
    latest, last = None, None
    for entry in reading.entries:
        at = _time(entry)
        if at is None:
            continue
        if latest is not None and (latest - at).total_seconds() > CLOCK_SECONDS:
            back = f"{(latest - at).total_seconds():.0f} s before entry {last}"
            what = f"this entry's time is {back}, which stands before it"
            return failed(entry_finding(Happened.CLOCK, what, entry))
        if latest is None or at > latest:
            latest, last = at, entry.index
    return passed("the entries' times never go back")


def made_after(reading: Reading) -> Outcome:
    """No entry is later than the time at which the pack was made."""
    made = dt.datetime.strptime(reading.pack.statement.made_at, "%Y-%m-%dT%H:%M:%S%z")
    for entry in reading.entries:
        at = _time(entry)
        if at is not None and (at - made).total_seconds() > CLOCK_SECONDS:
            what = f"this entry is later than the pack, which was made at {reading.pack.statement.made_at}"
            return failed(entry_finding(Happened.CLOCK, what, entry))
    return passed("no entry is later than the pack")


def order(reading: Reading) -> Outcome:
    """Each attempt at the run goes from its plan over numbered rounds to its end, and none is missing."""
    attempts = reading.attempts
    if not attempts:
        return failed(Finding(Happened.DROPPED, f"the ledger says nothing of the run {reading.pack.run}"))
    for earlier, later in pairwise(attempts):
        if later.number <= earlier.number:
            what = f"attempt {later.number} stands after attempt {earlier.number}"
            return failed(entry_finding(Happened.REORDERED, what, later.entries[0]))
    for attempt in attempts:
        finding = _first_out_of_order(attempt)
        if finding is not None:
            return failed(finding)
    finding = _first_round(attempts[0].of("round"))
    if finding is not None:
        return failed(finding)
    if attempts[-1].entries[-1].kind not in _LAST:
        return unknown(
            "the last attempt has no end: it still runs, the role was stopped, or entries are missing"
        )
    number = len(attempts)
    return passed(f"{number} attempt{'s' * (number > 1)}, each from its plan to its end without a gap")


def _first_out_of_order(attempt: Attempt) -> Finding | None:
    first = attempt.entries[0]
    if first.kind not in ("plan", "refusal"):
        what = f"attempt {attempt.number} begins with this entry: its plan was dropped before it"
        return entry_finding(Happened.DROPPED, what, first)
    for before, entry in pairwise(attempt.entries):
        if before.kind in _LAST or _RANK[entry.kind] < _RANK[before.kind]:
            what = f"a {entry.kind} entry stands after the {before.kind} entry of its attempt"
            return entry_finding(Happened.REORDERED, what, entry)
        if entry.kind in ("plan", "close", "opening") and entry.kind == before.kind:
            return entry_finding(Happened.ADDED, f"there are two {entry.kind} entries in one attempt", entry)
    return _numbers(attempt.of("round"))


def _first_round(rounds: Sequence[Logged]) -> Finding | None:
    """Rounds are counted from 0 or 1."""
    if rounds and rounds[0].fields["number"] > 1:
        return entry_finding(Happened.DROPPED, "round 1 was dropped before this entry", rounds[0])
    return None


def _numbers(rounds: Sequence[Logged]) -> Finding | None:
    """Numbers go up by one, and the guard log does not shrink."""
    for before, entry in pairwise(rounds):
        step = entry.fields["number"] - before.fields["number"]
        if step > 1:
            what = f"round {before.fields['number'] + 1} was dropped before this entry"
            return entry_finding(Happened.DROPPED, what, entry)
        if step < 1:
            what = f"round {entry.fields['number']} stands after round {before.fields['number']}"
            return entry_finding(Happened.REORDERED if step < 0 else Happened.ADDED, what, entry)
        if entry.fields["lines"] < before.fields["lines"]:
            what = "the guard log has fewer lines than at the round before"
            return entry_finding(Happened.REWRITTEN, what, entry)
    return None


def _time(entry: Logged) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(entry.at, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None
