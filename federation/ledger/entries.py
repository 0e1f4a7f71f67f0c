"""What a ledger's entries may say. An entry is canonical JSON: kind, time, and the fields of its kind.

    manifest     dataset, sha256                     a version of a manifest came into force
    grant        grant, sha256                       the owner signed a grant
    revocation   grant, sha256                       the owner took it back
    plan         run, attempt, plan, order, verdict, grants, manifest, commitment
                                                     an order was accepted: nothing had left before
    refusal      run, attempt, plan, rule            an order was refused, by which rule
    round        run, attempt, number, lines, root   the guard log so far (RFC 6962 root over its lines)
    model        run, attempt, sha256                the model part that a round left here
    received     run, attempt, party, count, digest  the envelopes that came from another role in it:
                                                     SHA-256 over their SHA-256s, in order
    opening      run, attempt, sha256, hits          the canaries' seed was opened; how often they were found
    close        run, attempt, lines, root, bytes, state
                                                     the end of a round here, finished or not
    score        run, rows, sha256                   rows were scored with that model; the scores' digest
    export       run, what, sha256                   something of a model was written out
    witness      party, size, root                   another role's checkpoint, which this one co-signed
    start, stop                                      the node's life

Digests are 64 hexadecimal digits. `entry` refuses any other kind, field or form: text of a user's own cannot
get in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

from federation import files
from federation.errors import UsageError

#: An entry as it stands in the log: its canonical JSON, without a line end.
EntryBytes: TypeAlias = bytes
Value: TypeAlias = str | int | list[str]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,126}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

HASH, NAME, COUNT, NAMES = "digest", "name", "number", "names"
KINDS: Mapping[str, Mapping[str, str]] = {
    "manifest": {"dataset": NAME, "sha256": HASH},
    "grant": {"grant": NAME, "sha256": HASH},
    "revocation": {"grant": NAME, "sha256": HASH},
    "plan": {
        "run": NAME,
        "attempt": COUNT,
        "plan": HASH,
        "order": HASH,
        "verdict": HASH,
        "grants": NAMES,
        "manifest": HASH,
        "commitment": HASH,
    },
    "refusal": {"run": NAME, "attempt": COUNT, "plan": HASH, "rule": NAME},
    "round": {"run": NAME, "attempt": COUNT, "number": COUNT, "lines": COUNT, "root": HASH},
    "model": {"run": NAME, "attempt": COUNT, "sha256": HASH},
    "received": {"run": NAME, "attempt": COUNT, "party": NAME, "count": COUNT, "digest": HASH},
    "opening": {"run": NAME, "attempt": COUNT, "sha256": HASH, "hits": COUNT},
    "close": {"run": NAME, "attempt": COUNT, "lines": COUNT, "root": HASH, "bytes": COUNT, "state": NAME},
    "score": {"run": NAME, "rows": COUNT, "sha256": HASH},
    "export": {"run": NAME, "what": NAME, "sha256": HASH},
    "witness": {"party": NAME, "size": COUNT, "root": HASH},
    "start": {},
    "stop": {},
}


def entry(kind: str, at: str, /, **fields: Value) -> EntryBytes:
    """The bytes of one entry; `at` in UTC, `2026-11-27T09:00:00Z`. `UsageError` for what may not be in it."""
    wanted = KINDS.get(kind)
    if wanted is None or set(fields) != set(wanted) or not _TIME.fullmatch(at):
        raise UsageError(
            f"a ledger entry of kind {kind!r} does not have these fields",
            advice="Verify the ledger's file: `isthmus ledger verify`.",
        )
    for name, form in wanted.items():
        if not _fits(fields[name], form):
            raise UsageError(
                f"the ledger takes no such {name}: digests, names and numbers only",
                field=name,
                advice="Verify the ledger's file: `isthmus ledger verify`.",
            )
    return files.canonical_json({"kind": kind, "at": at, **fields})


def parsed(line: bytes) -> dict[str, Any]:
    """The fields of an entry; `UsageError` unless it is the one canonical form of an allowed entry."""
    try:
        fields = json.loads(line)
        again = entry(fields.pop("kind"), fields.pop("at"), **fields)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        again = None
    if again != line:
        raise UsageError(
            "this is not an entry of a ledger", advice="Compare the file with a backup, and keep both."
        )
    return dict(json.loads(line))


def _fits(value: object, form: str) -> bool:
    if form == COUNT:
        return type(value) is int and value >= 0
    if form == NAMES:
        return isinstance(value, list) and all(_fits(name, NAME) for name in value)
    pattern = _DIGEST if form == HASH else _NAME
    return isinstance(value, str) and pattern.fullmatch(value) is not None
