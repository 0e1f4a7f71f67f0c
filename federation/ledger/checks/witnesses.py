"""Who else stands behind the ledger: its checkpoints, their cosignatures, and what it saw of the others.

A role can write any ledger it likes and sign it. It cannot have a second one co-signed: the others sign only
what continues the log that they have seen before.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterator, Mapping

from crypto import note
from crypto.errors import Refusal
from crypto.identity import PublicIdentity
from crypto.merkle import Tree, leaf_hash
from federation.ledger.findings import (
    Finding,
    Happened,
    Outcome,
    entry_finding,
    failed,
    not_applicable,
    passed,
    unknown,
)
from federation.ledger.lines import Attempt, Logged
from federation.ledger.reading import Reading, origin

#: With fewer cosignatures of others than this (or than there are others) an entry is not covered: G-LEDGER.
LEAST_COSIGNATURES = 2
#: How far the clocks of two roles may be apart (seconds).
CLOCKS_APART_SECONDS = 600
#: Up to how many digests are computed to tell what was done to a log.
_MOST_TRIES = 200_000


def signed(reading: Reading) -> Outcome:
    """Its checkpoints are signed by it, and about this log."""
    notes, key = reading.checkpoints(), reading.known[reading.pack.party]
    if not notes:
        return failed(Finding(Happened.DROPPED, "the pack has no checkpoint of the ledger", "checkpoints/"))
    for size, text in notes.items():
        file = f"checkpoints/{size}.note"
        finding = _note_finding(text, file, size, key, reading.origin)
        if finding is not None:
            return failed(finding)
    return passed(f"{len(notes)} checkpoints of {reading.origin}, each signed by {reading.pack.party}")


def roots(reading: Reading) -> Outcome:
    """At each checkpoint the log was what it is now: the RFC 6962 root over its first entries is the same."""
    good = 0
    for size, text in reading.checkpoints().items():
        if size > reading.tree.size:
            what = f"the ledger ends before this entry; a signed checkpoint says that it had {size}"
            return failed(Finding(Happened.DROPPED, what, index=reading.tree.size))
        if note.read(text).root != reading.tree.root(size):
            return failed(_changed(reading, good, size, note.read(text).root))
        good = size
    return passed(f"the ledger only grew: the first {good} entries are those of every checkpoint")


def cosigned(reading: Reading) -> Outcome:
    """Each attempt's first and last entry are in checkpoints that the other members co-signed."""
    others = sorted(set(reading.known) - {reading.pack.party})
    if not others:
        return failed(Finding(Happened.NOT_ALLOWED, "nobody else took part in the run", "members.json"))
    lacking: list[str] = []
    for attempt in heard_of(reading):
        for entry, latest in _to_cover(attempt, reading.tree.size):
            by = _covered_by(entry, latest, reading.cosigners)
            missing = [name for name in others if name not in by]
            few = len(by) < min(LEAST_COSIGNATURES, len(others))
            if few and attempt.finished:
                return failed(_uncovered(entry, by, missing))
            if missing:
                lacking.append(f"entry {entry.index} ({entry.kind}) by {', '.join(missing)}")
    if lacking:
        return unknown(f"not co-signed: {'; '.join(lacking)}. A member that had gone could not sign")
    return passed(f"{', '.join(others)} co-signed the ledger at the run's beginning and at its end")


def clocks(reading: Reading) -> Outcome:
    """The entries' times agree with the times at which others co-signed them.

    One co-signer that disagrees where at least `LEAST_COSIGNATURES` others agree has a wrong clock itself; it
    is named, and says nothing of this ledger.
    """
    compared, wrong, doubted = 0, set[str](), set[str]()
    for size, text in reading.checkpoints().items():
        compared += len(reading.cosigners[size])
        found = {name: _apart(reading, size, text, name) for name in reading.cosigners[size]}
        apart = {name: finding for name, finding in found.items() if finding is not None}
        agreeing = len(found) - len(apart)
        if len(apart) == 1 and agreeing:
            (wrong if agreeing >= LEAST_COSIGNATURES else doubted).update(apart)
        elif apart:
            return failed(next(iter(apart.values())))
    if doubted:
        named = ", ".join(sorted(doubted))
        return unknown(f"the clock of {named} alone disagrees, and only one other says who is right")
    if not compared:
        return unknown("no cosignature has a time to compare with")
    told = f"times agree with {compared} cosignatures to within {CLOCKS_APART_SECONDS} s"
    if wrong:
        told += f", but for those of {', '.join(sorted(wrong))}, whose clock alone disagrees"
    return passed(told)


def _apart(reading: Reading, size: int, text: str, name: str) -> Finding | None:
    """The entry at a checkpoint's end whose time is too far from this co-signer's."""
    at = cosigned_at(text, name, reading.known[name])
    for entry in (*reading.entries[size - 1 : size], *reading.entries[size : size + 1]):
        early = entry.index >= size
        apart = (at - _seconds(entry)) * (1 if early else -1)
        if apart > CLOCKS_APART_SECONDS:
            side = (
                "earlier than a cosignature that was there before it"
                if early
                else "later than a cosignature that covers it"
            )
            what = f"by its time this entry is {side} ({name}'s, by {apart} s)"
            return entry_finding(Happened.CLOCK, what, entry)
    return None


def witnessed(reading: Reading) -> Outcome:
    """What it says it saw of other logs is signed by them, and no log has two states of one size."""
    seen: dict[tuple[str, int], tuple[bytes, Logged]] = {}
    for entry in reading.entries:
        if entry.kind == "witness":
            name, size = str(entry.fields["party"]), int(entry.fields["size"])
            root = bytes.fromhex(entry.fields["root"])
            if seen.setdefault((name, size), (root, entry))[0] != root:
                what = f"{name} showed two different ledgers of {size} entries"
                return failed(entry_finding(Happened.FORKED, what, entry))
    kept = reading.witnessed()
    for (name, size), text in kept.items():
        file = f"witnessed/{name}-{size}.note"
        if name not in reading.known:
            return failed(Finding(Happened.ADDED, f"{name} did not take part in the run", file))
        theirs = origin(reading.pack.statement.federation, name)
        finding = _note_finding(text, file, size, reading.known[name], theirs)
        if finding is not None:
            return failed(finding)
        found = seen.get((name, size))
        if found is None:
            what = f"the ledger does not say that {name}'s checkpoint was co-signed"
            return failed(Finding(Happened.DROPPED, what, file))
        if note.read(text).root != found[0]:
            return failed(Finding(Happened.FORKED, f"{name} showed two ledgers of {size} entries", file))
    for (name, size), text in reading.witnessed("fork").items():
        file = f"witnessed/{name}-{size}.fork"
        note.opened(text, reading.known[name])
        what = f"{name} signed a ledger of {size} entries that did not continue the one it showed before"
        return failed(Finding(Happened.FORKED, what, file))
    if not kept:
        return not_applicable("the pack holds no checkpoint of another role")
    return passed(f"{len(kept)} checkpoints of others are signed by them, as the ledger says")


def heard_of(reading: Reading) -> list[Attempt]:
    """The attempts that the others know of: without those that ended before anything left.

    Who let nothing leave could ask nobody to co-sign. Where nothing ever left, all attempts.
    """
    sent = reading.sent
    return [
        attempt for attempt in reading.attempts if sent.get(attempt.number) or attempt.finished
    ] or reading.attempts


def cosigned_at(text: str, name: str, key: PublicIdentity) -> int:
    """When a witness co-signed (Unix seconds; its latest). The caller has verified the cosignature."""
    wanted = note.key_id(name, 4, key)
    lines = (line.split(" ") for line in text.split("\n") if line.startswith(f"\u2014 {name} "))
    decoded = (base64.b64decode(line[2]) for line in lines)
    return max(int.from_bytes(data[4:12], "big") for data in decoded if data[:4] == wanted)


def _note_finding(text: str, file: str, size: int, key: PublicIdentity, whose: str) -> Finding | None:
    try:
        checkpoint = note.opened(text, key)
    except Refusal:
        return Finding(Happened.SIGNATURE_WRONG, f"{file} is not a checkpoint that its owner signed", file)
    if checkpoint.origin != whose or checkpoint.size != size:
        return Finding(Happened.REWRITTEN, f"{file} is the checkpoint of another ledger or size", file)
    return None


def _to_cover(attempt: Attempt, size: int) -> Iterator[tuple[Logged, int]]:
    """An attempt's first and last entry, and the size up to which a checkpoint over it came in time.

    The plan is to be co-signed before the next entry of its attempt: before anything of it was done.
    """
    if attempt.plan is not None:
        after = (entry.index for entry in attempt.entries if entry.index > attempt.plan.index)
        yield attempt.plan, next(after, size)
    if attempt.close is not None:
        yield attempt.close, size


def _covered_by(entry: Logged, latest: int, signers: Mapping[int, tuple[str, ...]]) -> set[str]:
    """Who co-signed a checkpoint over the entry and at most `latest` entries."""
    return {name for size, names in signers.items() if entry.index < size <= latest for name in names}


def _uncovered(entry: Logged, by: set[str], missing: list[str]) -> Finding:
    told = f"only {', '.join(sorted(by))}" if by else "nobody else"
    what = f"{told} co-signed a checkpoint over this entry in time; missing: {', '.join(missing)}"
    return entry_finding(Happened.SIGNATURE_MISSING if by else Happened.NOT_COVERED, what, entry)


def _changed(reading: Reading, good: int, size: int, root: bytes) -> Finding:
    """The entry that was changed after a checkpoint was signed, or the narrowest range that holds it."""
    lines = reading.pack.lines("log.jsonl")
    for happened, index, candidate in _undone(lines, good, size):
        if Tree(map(leaf_hash, candidate)).root(size) == root:
            what = f"since a checkpoint over {size} entries was signed, this entry was {happened.value}"
            return entry_finding(happened, what, reading.entries[index])
    what = f"between the checkpoints over {good} and {size} entries an entry was dropped, moved or rewritten"
    if size - good == 1:
        return entry_finding(Happened.CHANGED, what, reading.entries[good])
    return Finding(Happened.CHANGED, what, index=good, until=size - 1)


def _undone(lines: list[bytes], good: int, size: int) -> Iterator[tuple[Happened, int, list[bytes]]]:
    """The log with one entry taken out again, or two neighbours put back, as far as this can be tried."""
    if (size - good) * size > _MOST_TRIES:
        return
    if len(lines) > size:
        for index in reversed(range(good, size)):  # Of two equal neighbours the second was added.
            yield Happened.ADDED, index, lines[:index] + lines[index + 1 : size + 1]
    for index in range(good, min(size, len(lines) - 1)):
        pair = [lines[index + 1], lines[index]]
        yield Happened.REORDERED, index, (lines[:index] + pair + lines[index + 2 :])[:size]


def _seconds(entry: Logged) -> int:
    return int(dt.datetime.strptime(entry.at, "%Y-%m-%dT%H:%M:%S%z").timestamp())
