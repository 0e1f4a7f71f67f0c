"""Which messages of a guard log left in which attempt at the run.

An attempt numbers its messages from 0. Those about the ledgers still leave after the entry that closes it;
an attempt that was killed closes nothing, and one that failed early let nothing leave.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from federation.ledger.keeping import ground_digest
from federation.ledger.lines import Attempt, Frame
from federation.ledger.pack import Pack


def by_attempt(attempts: Sequence[Attempt], frames: Sequence[Frame], pack: Pack) -> dict[int, list[Frame]]:
    """Attempt -> its lines of the guard log. Lines that are left over are the last attempt's."""
    stretches, grounds = _stretches(frames), _grounds(pack)
    found: dict[int, list[Frame]] = {}
    waiting: list[Attempt] = []
    for attempt in attempts:
        found[attempt.number] = []
        if attempt.plan is None:
            continue
        waiting.append(attempt)
        if attempt.close is not None:
            lines = int(attempt.close.fields["lines"])
            count = sum(stretch[0].index < lines for stretch in stretches)
            found |= _shared(stretches[:count], waiting, grounds)
            stretches, waiting = stretches[count:], []
    return found | _shared(stretches, waiting or attempts[-1:], grounds, found)


def _stretches(frames: Sequence[Frame]) -> list[list[Frame]]:
    """The log, cut where the numbers begin again."""
    found: list[list[Frame]] = []
    for frame in frames:
        if not found or frame.fields.get("number") == 0:
            found.append([])
        found[-1].append(frame)
    return found


def _shared(
    stretches: Sequence[list[Frame]],
    attempts: Sequence[Attempt],
    grounds: Mapping[str, str],
    before: Mapping[int, list[Frame]] | None = None,
) -> dict[int, list[Frame]]:
    """Give each stretch, from the last, to the last attempt that may be its; what fits none to the first."""
    found = {attempt.number: list((before or {}).get(attempt.number, ())) for attempt in attempts}
    free = list(attempts)
    for place, stretch in reversed(list(enumerate(stretches))):
        if len(free) > place + 1:  # More attempts than stretches: some let nothing leave.
            fitting = [
                index for index in range(place, len(free)) if _decided_by(stretch, free[index], grounds)
            ]
            free = free[: fitting[-1] + 1] if fitting else free
        whose = free.pop() if free else next(iter(attempts), None)
        if whose is not None:
            found[whose.number] = stretch + found[whose.number]
    return found


def _decided_by(stretch: Sequence[Frame], attempt: Attempt, grounds: Mapping[str, str]) -> bool:
    """Whether the first message's verdict is on what the attempt's plan entry settled."""
    verdict = str(stretch[0].fields.get("verdict"))
    return attempt.plan is not None and grounds.get(verdict) == attempt.plan.fields["verdict"]


def _grounds(pack: Pack) -> dict[str, str]:
    """A verdict's digest -> what a plan entry says that settles policy and entities as the verdict's."""
    policy = pack.files.get("policy.cedar", b"")
    lines = pack.lines("entities.jsonl")
    settled = {hashlib.sha256(line).hexdigest(): ground_digest(policy, line) for line in lines}
    found = {}
    for line in pack.lines("verdicts.jsonl"):
        try:
            entities = json.loads(line)["entities"]
            found[hashlib.sha256(line).hexdigest()] = settled.get(entities, "")
        except (ValueError, TypeError, KeyError, RecursionError):
            continue  # A check says so.
    return found
