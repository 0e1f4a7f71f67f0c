"""Is the guard log the one that the ledger speaks of, and did the guard allow each message in it?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence

from federation.ledger.checks.facts import (
    Facts,
    committed_line,
    shipped_policy,
    uncommitted,
)
from federation.ledger.checks.statements import Verdict, stated, verdict_in
from federation.ledger.findings import (
    Finding,
    Happened,
    Outcome,
    entry_finding,
    failed,
    passed,
    unknown,
)
from federation.ledger.lines import Frame, Logged
from federation.ledger.reading import Reading

_FILE = "guard.jsonl"
VERDICTS, ENTITIES = "verdicts.jsonl", "entities.jsonl"
#: What roles tell each other about their ledgers, which goes on after the entry that closes an attempt.
_LEDGER = "ledger/"


def readable(reading: Reading, check: Callable[[Reading], Outcome]) -> Outcome:
    """What `check` finds, where the guard log can be read to its end; `chain` says where it cannot."""
    if reading.frames and not reading.frames[-1].readable:
        return unknown(f"the guard log cannot be read after line {reading.frames[-1].index}")
    return check(reading)


def chain(reading: Reading) -> Outcome:
    """Each line holds the SHA-256 of the line before it."""
    head = bytes(32)
    for frame in reading.frames:
        if frame.fields.get("previous") != head.hex():
            what = f"line {frame.index} of the guard log does not follow the line before it"
            return failed(_line(Happened.CHANGED, what, frame))
        if not frame.readable or json.dumps(frame.fields, ensure_ascii=True).encode() != frame.line:
            what = f"line {frame.index} of the guard log is not as Isthmus writes it"
            return failed(_line(Happened.REWRITTEN, what, frame))
        head = hashlib.sha256(frame.line).digest()
    return passed(f"{len(reading.frames)} messages left, one line each, none missing between them")


def roots(reading: Reading) -> Outcome:
    """At each round's end the guard log was what it is now, and so many bytes had left as were logged."""
    good, last = 0, None
    for attempt in reading.attempts:
        for entry in (*attempt.of("round"), *attempt.of("close")):
            lines = int(entry.fields["lines"])
            finding = _root_finding(reading, entry, good, lines)
            if finding is None and entry.kind == "close":
                finding = _bytes_finding(reading, entry, lines)
            if finding is not None:
                return failed(finding)
            good, last = lines, entry
    if last is None or last.kind != "close":
        return unknown("the ledger has no entry yet that says what the guard log held at the end")
    rest = reading.frames[good:]
    for frame in rest:
        if not frame.type.startswith(_LEDGER):
            what = f"line {frame.index} of the guard log, a message {frame.type}, left after this entry"
            return failed(entry_finding(Happened.NOT_COVERED, what, last))
    total = sum(frame.size for frame in reading.frames[:good])
    after = f"; {len(rest)} after it, about the ledgers alone" if rest else ""
    return passed(f"the guard log is the one that the ledger covers: {good} messages, {total} bytes{after}")


def numbers(reading: Reading) -> Outcome:
    """The guard counted each message of an attempt from 0, and each left in an attempt that was accepted."""
    accepted = {attempt.number for attempt in reading.attempts if attempt.plan is not None}
    for number, frames in reading.sent.items():
        for due, frame in enumerate(frames):
            if number not in accepted:
                what = f"line {frame.index} of the guard log left, and no plan was accepted for it"
                return failed(_line(Happened.NOT_ALLOWED, what, frame))
            if frame.fields["number"] != due:
                given = frame.fields["number"]
                what = f"line {frame.index} of the guard log has the number {given}; {due} is due"
                return failed(_line(Happened.DROPPED, what, frame))
    return passed("each message has its number within its attempt")


def verdicts(reading: Reading) -> Outcome:
    """Each message has a verdict that allowed it, and every verdict comes out the same when decided again."""
    lines = reading.pack.lines(VERDICTS)
    if not lines and not reading.frames:
        return passed("nothing left, and nothing was decided")
    text = shipped_policy(reading)
    finding = _foreign_facts(reading)
    if finding is not None:
        return failed(finding)
    decided = {hashlib.sha256(line).hexdigest(): verdict_in(line) for line in lines}
    for number, frames in reading.sent.items():
        finding = _first_unlike(reading, number, frames, decided)
        if finding is not None:
            return failed(finding)
    place = _first_different(reading, text, lines, list(decided.values()))
    if place is not None:
        what = f"verdict {place} comes out differently when the policy decides it again"
        return failed(Finding(Happened.REWRITTEN, what, VERDICTS, line=place))
    return passed(f"{len(lines)} verdicts come out byte for byte the same when decided again")


def _foreign_facts(reading: Reading) -> Finding | None:
    """The first line of entities that no plan entry settled, told before any is parsed."""
    lines = reading.pack.lines(ENTITIES)
    place = uncommitted(reading, lines, reading.attempts)
    if place is None and len(set(lines)) == len(lines):
        return None
    what = "these facts were settled by no plan's entry, or stand here twice"
    return Finding(Happened.ADDED, what, ENTITIES, line=place)


def _first_unlike(
    reading: Reading, number: int, frames: Sequence[Frame], decided: Mapping[str, Verdict]
) -> Finding | None:
    """The first message of an attempt without the verdict that its own attempt's facts call for."""
    attempt = next(each for each in reading.attempts if each.number == number)
    line = committed_line(reading, attempt)
    if line is None or attempt.plan is None:
        what = f"the pack lacks the facts that attempt {number} was decided on"
        return _line(Happened.DROPPED, what, frames[0]) if frames else None
    facts = Facts(reading, attempt, line)
    wrong = facts.wrong()
    if wrong:
        return entry_finding(Happened.NOT_ALLOWED, wrong, attempt.plan)
    for frame in frames:
        verdict = decided.get(frame.fields["verdict"])
        if verdict is None:
            what = f"line {frame.index} of the guard log names a verdict that the pack does not have"
            return _line(Happened.DROPPED, what, frame)
        if verdict.decision != "allow":
            what = f"line {frame.index} of the guard log left although its verdict is not to allow it"
            return _line(Happened.NOT_ALLOWED, what, frame)
        unlike = facts.unlike(frame, verdict)
        if unlike:
            return _line(Happened.NOT_ALLOWED, f"line {frame.index} of the guard log {unlike}", frame)
    return None


def _first_different(reading: Reading, text: str, lines: list[bytes], told: Sequence[Verdict]) -> int | None:
    """The first verdict that policy and entities do not give, decided by the guard's own program."""
    from federation.governance.guard.verdict import rederive

    if len(told) != len(lines):
        return len(told)  # One stands there twice.
    wrong, known = [], set()
    for entities in reading.pack.lines(ENTITIES):
        digest = stated(entities).digest
        known.add(digest)
        places = [place for place, verdict in enumerate(told) if verdict.entities == digest]
        found = rederive(text, entities, [lines[place] for place in places])
        wrong += [] if found is None else [places[found]]
    wrong += [place for place, verdict in enumerate(told) if verdict.entities not in known]
    return min(wrong, default=None)


def _root_finding(reading: Reading, entry: Logged, good: int, lines: int) -> Finding | None:
    frames = len(reading.frames)
    if lines > frames:
        what = f"the guard log had {lines} lines at this entry, and the pack has {frames}"
        return entry_finding(Happened.DROPPED, what, entry)
    if reading.guard_tree.root(lines).hex() != entry.fields["root"]:
        what = f"lines {good} to {max(good, lines - 1)} of the guard log are not those of this entry"
        return entry_finding(Happened.REWRITTEN, what, entry)
    return None


def _bytes_finding(reading: Reading, entry: Logged, lines: int) -> Finding | None:
    counted = sum(frame.size for frame in reading.frames[:lines])
    if counted == entry.fields["bytes"]:
        return None
    what = f"this entry says that {entry.fields['bytes']} bytes left; the guard log has {counted}"
    return entry_finding(Happened.REWRITTEN, what, entry)


def _line(happened: Happened, what: str, frame: Frame) -> Finding:
    return Finding(happened, what, _FILE, line=frame.index)
