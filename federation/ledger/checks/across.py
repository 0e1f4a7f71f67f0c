"""Do the packs of several roles tell one story? Here a ledger that was forked, or cut, comes to light."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from crypto import note
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
from federation.ledger.lines import Frame, Logged
from federation.ledger.reading import Reading

_ALONE = "only one role's pack was given"


def one_run(readings: Sequence[Reading]) -> Outcome:
    """The packs are of one run of one federation, of different roles, with one plan and one key of each."""
    if len(readings) < 2:
        return not_applicable(_ALONE)
    for one, other in combinations(readings, 2):
        if one.pack.files["plan.json"] != other.pack.files["plan.json"]:
            what = f"{one.pack.party} and {other.pack.party} do not have the same plan"
            return failed(Finding(Happened.REWRITTEN, what, "plan.json"))
        for name in set(one.known) & set(other.known):
            if one.known[name] != other.known[name]:
                what = f"{one.pack.party} and {other.pack.party} do not have the same key of {name}"
                return failed(Finding(Happened.REWRITTEN, what, "members.json"))
    return passed(
        f"{', '.join(reading.pack.party for reading in readings)}: one run, one plan, one key of each"
    )


def forks(readings: Sequence[Reading]) -> Outcome:
    """What one role showed to another is a beginning of the ledger in its own pack, and to all the same."""
    if len(readings) < 2:
        return not_applicable(_ALONE)
    by_name = {reading.pack.party: reading for reading in readings}
    compared = 0
    for holder in readings:
        for name, states in _shown_to(holder).items():
            if name in by_name:
                finding = _fork(by_name[name], holder.pack.party, states)
                if finding is not None:
                    return failed(finding)
                compared += len(states)
    finding = _two_states(readings)
    if finding is not None:
        return failed(finding)
    return passed(f"what each role showed to another is a beginning of its ledger here, {compared} times")


def received(readings: Sequence[Reading]) -> Outcome:
    """What one role counted of the messages that came from another is how that one's guard log begins."""
    if len(readings) < 2:
        return not_applicable(_ALONE)
    by_name = {reading.pack.party: reading.sent for reading in readings}
    compared, untold = 0, []
    for holder in readings:
        for attempt in holder.attempts:
            told = {str(entry.fields["party"]): entry for entry in attempt.of("received")}
            for name in sorted(set(by_name) - {holder.pack.party}):
                if name in told:
                    finding = _left_out(by_name[name].get(attempt.number, []), holder.pack.party, told[name])
                    if finding is not None:
                        return failed(finding)
                    compared += 1
                elif attempt.finished:
                    untold.append(f"{holder.pack.party} of {name}")
    if untold:
        return unknown(f"it was not written down how many messages came: at {', '.join(untold)}")
    return passed(f"what came at one role left another by its guard log, {compared} times")


def answered(readings: Sequence[Reading]) -> Outcome:
    """Each cosignature on a checkpoint is also in the ledger of the role that gave it."""
    if len(readings) < 2:
        return not_applicable(_ALONE)
    by_name = {reading.pack.party: reading for reading in readings}
    counted = 0
    for owner in readings:
        for size, text in owner.checkpoints().items():
            root = note.read(text).root
            for name in set(owner.cosigners[size]) & set(by_name):
                states = _shown_to(by_name[name]).get(owner.pack.party, [])
                if (size, root) not in [(each, known) for each, known, _ in states]:
                    what = (
                        f"{name} co-signed {owner.pack.party}'s checkpoint over {size} entries, and {name}'s "
                        "ledger does not say so"
                    )
                    return failed(Finding(Happened.DROPPED, what, f"log.jsonl of {name}"))
                counted += 1
    return passed(f"{counted} cosignatures are also in the ledgers of those who gave them")


def _shown_to(holder: Reading) -> Mapping[str, list[tuple[int, bytes, Logged | None]]]:
    """Other role -> the states (size, root) of its ledger that this one says it saw."""
    found: dict[str, list[tuple[int, bytes, Logged | None]]] = {}
    for name, size, root, entry in _states(holder):
        found.setdefault(name, []).append((size, root, entry))
    return {name: sorted(states, key=lambda state: state[0]) for name, states in found.items()}


def _states(holder: Reading) -> Iterator[tuple[str, int, bytes, Logged | None]]:
    for entry in holder.entries:
        if entry.kind == "witness":
            yield entry.fields["party"], entry.fields["size"], bytes.fromhex(entry.fields["root"]), entry
    for (name, size), text in holder.witnessed().items():
        yield name, size, note.read(text).root, None


def _fork(owner: Reading, holder: str, states: list[tuple[int, bytes, Logged | None]]) -> Finding | None:
    """Where the owner's ledger parts from what it showed to `holder`."""
    same = 0
    for size, root, _ in states:
        if size > owner.tree.size:
            what = f"{holder} saw {size} entries of {owner.pack.party}'s ledger; its pack has fewer"
            return Finding(Happened.DROPPED, what, index=owner.tree.size)
        if owner.tree.root(size) != root:
            name = owner.pack.party
            what = f"{name}'s ledger was forked: {holder} was shown another one of {size} entries"
            if size - same == 1:
                return entry_finding(Happened.FORKED, what, owner.entries[same])
            return Finding(Happened.FORKED, what, index=same, until=size - 1)
        same = size
    return None


def _two_states(readings: Sequence[Reading]) -> Finding | None:
    """One role's ledger of one size that two packs tell otherwise, whether its own pack is here or not."""
    seen: dict[tuple[str, int], dict[bytes, str]] = {}
    for holder in readings:
        for name, size, root in _told_by(holder):
            holders = seen.setdefault((name, size), {})
            holders.setdefault(root, holder.pack.party)
            if len(holders) > 1:
                one, other = list(holders.values())[:2]
                what = (
                    f"{name}'s ledger was forked: of {size} entries it is one in the pack of {one}, and "
                    f"another in that of {other}"
                )
                return Finding(Happened.FORKED, what, f"log.jsonl of {name}")
    return None


def _told_by(holder: Reading) -> Iterator[tuple[str, int, bytes]]:
    """Every state of any ledger that a pack speaks of: name, size, root."""
    for size, text in holder.checkpoints().items():
        yield holder.pack.party, size, note.read(text).root
    for name, size, root, _ in _states(holder):
        yield name, size, root


def _left_out(sent: Sequence[Frame], to: str, entry: Logged) -> Finding | None:
    """The first message that came and that its sender's guard log does not have, as far as can be told."""
    count, sender = int(entry.fields["count"]), entry.fields["party"]
    lines = [frame for frame in sent if frame.to == to][:count]
    digest = hashlib.sha256(b"".join(bytes.fromhex(frame.fields["sha256"]) for frame in lines)).hexdigest()
    if len(lines) == count and digest == entry.fields["digest"]:
        return None
    where = f"guard.jsonl of {sender}"
    if len(lines) < count:
        what = (
            f"left out of the guard log: {to} received {count} messages from {sender} in attempt "
            f"{entry.attempt}, of which {sender} logged {len(lines)}"
        )
    else:
        what = (
            f"left out of the guard log: the first {count} messages to {to} in attempt {entry.attempt} are "
            f"not those that {to} received from {sender}"
        )
    return Finding(Happened.DROPPED, what, where, line=_first_missing(sent, to, count))


def _first_missing(sent: Sequence[Frame], to: str, count: int) -> int:
    """The line from which on one is missing at the earliest: after the last where too few are there."""
    lines = [frame.index for frame in sent if frame.to == to]
    if not lines:
        return sent[0].index if sent else 0
    return lines[0] if len(lines) >= count else lines[-1] + 1
