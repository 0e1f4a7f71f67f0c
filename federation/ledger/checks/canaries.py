"""Were the planted records those that had been committed to, and was none of them found in what left?"""

from __future__ import annotations

import hashlib

from federation.ledger.checks.witnesses import heard_of
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
from federation.ledger.lines import Attempt
from federation.ledger.reading import Reading

_FILE = "canaries.json"


def commitment(seed: bytes, manifest: str) -> str:
    """What a plan's entry commits to: the SHA-256 of the seed (32 bytes) that the records are made from, and
    of the digest of the manifest (in hexadecimal) of the table that they are planted in."""
    return hashlib.sha256(b"isthmus canaries|" + seed + bytes.fromhex(manifest)).hexdigest()


def canaries(reading: Reading) -> Outcome:
    """canaries.json: attempt -> {"seed": 64 hexadecimal digits}, each opened after the attempt."""
    if reading.is_aggregator:
        return not_applicable("the aggregator has no rows to plant records among")
    seeds = reading.pack.document(_FILE) if _FILE in reading.pack.files else {}
    opened, unopened = 0, []
    for attempt in heard_of(reading):
        if attempt.plan is None:
            continue
        if not attempt.of("opening"):
            unopened.append(str(attempt.number))
            continue
        finding = _finding(attempt, seeds.get(str(attempt.number)))
        if finding is not None:
            return failed(finding)
        opened += 1
    if unopened or not opened:
        return unknown(f"the planted records were not opened in attempt {', '.join(unopened) or 'none'}")
    return passed("the planted records are those committed to before, and none was found in what left")


def _finding(attempt: Attempt, told: object) -> Finding | None:
    plan, opening = attempt.plan, attempt.of("opening")[0]
    seed = bytes.fromhex(str(told["seed"])) if isinstance(told, dict) else b""
    if len(seed) != 32:
        return entry_finding(
            Happened.DROPPED, "the pack does not hold the seed that was opened here", opening
        )
    if hashlib.sha256(seed).hexdigest() != opening.fields["sha256"]:
        return entry_finding(Happened.REWRITTEN, "the seed in the pack is not the one opened here", opening)
    if plan is not None and commitment(seed, plan.fields["manifest"]) != plan.fields["commitment"]:
        what = "the planted records are not those that this entry committed to"
        return entry_finding(Happened.REWRITTEN, what, plan)
    if opening.fields["hits"]:
        what = f"{opening.fields['hits']} planted records were found in what left"
        return entry_finding(Happened.NOT_ALLOWED, what, opening)
    return None
