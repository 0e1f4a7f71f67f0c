"""Was the run planned as it was logged, and did its owner's grants allow it at that time?"""

from __future__ import annotations

import datetime as dt
import hashlib

from federation.governance.grant import Grant
from federation.governance.guard.policy_versions import version_of
from federation.ledger.checks.granted import grant_in, revocations_in, time_of
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
from federation.ledger.keeping import ground_digest
from federation.ledger.lines import Attempt, Logged
from federation.ledger.reading import Reading
from federation.tables import Deadlines

#: The longest deadline of one message that a plan may have (seconds).
_LONGEST_DEADLINE = 86400.0
_NOTHING_GRANTED = "the aggregator has no data, so it grants nothing"


def plan(reading: Reading) -> Outcome:
    """plan.json is the plan that was accepted, by its digest, in every attempt."""
    digest = hashlib.sha256(reading.pack.files["plan.json"]).hexdigest()
    accepted = [attempt.plan for attempt in reading.attempts if attempt.plan is not None]
    for entry in accepted:
        if entry.fields["plan"] != digest:
            what = "the plan in the pack is not the plan that was accepted here"
            return failed(entry_finding(Happened.REWRITTEN, what, entry))
    if not accepted:
        return failed(Finding(Happened.DROPPED, "the ledger does not say that the plan was accepted"))
    return passed(f"the plan is the one that was accepted, before anything left: {digest[:16]}")


def shipped(reading: Reading) -> Outcome:
    """The policy's text is one that Isthmus shipped, by its digest: of what it says nothing is believed."""
    if not reading.frames and "policy.cedar" not in reading.pack.files:
        return not_applicable("nothing left, and the pack has no policy")
    version = version_of(reading.pack.files.get("policy.cedar", b""))
    if version is None:
        what = "the policy in the pack is none that Isthmus ever shipped"
        return failed(Finding(Happened.NOT_ALLOWED, what, "policy.cedar"))
    return passed(f"it is the policy of version {version}")


def ground(reading: Reading) -> Outcome:
    """What the guard decides by was settled in each plan's entry, and is what the pack holds."""
    policy = reading.pack.files.get("policy.cedar", b"")
    known = {ground_digest(policy, entities) for entities in reading.pack.lines("entities.jsonl")}
    told = [entry for attempt in reading.attempts for entry in attempt.of("plan")]
    for entry in told:
        if entry.fields["verdict"] not in known:
            what = "the policy and facts in the pack are not those that this attempt was decided by"
            return failed(entry_finding(Happened.REWRITTEN, what, entry))
    if not told:
        return unknown("the ledger does not say by what policy and facts the run was to be decided")
    return passed("policy and facts are those that were settled when the plan was accepted")


def grants(reading: Reading) -> Outcome:
    """Each attempt stood on grants of the owner's own signature, in force, logged before, not taken back."""
    if reading.is_aggregator:
        return not_applicable(_NOTHING_GRANTED)
    key = reading.known[reading.pack.party]
    found = {name: grant_in(name, data, key) for name, data in sorted(reading.pack.under("grants").items())}
    revoked = revocations_in(reading, key)
    used: set[str] = set()
    for attempt in reading.attempts:
        entry = attempt.plan
        if entry is None:
            continue
        if not entry.fields["grants"]:
            return failed(entry_finding(Happened.NOT_ALLOWED, "no grant is named for this attempt", entry))
        for name in entry.fields["grants"]:
            finding = _grant_finding(reading, entry, name, found.get(f"{name}.dsse.json"))
            finding = finding or _revocation_finding(attempt, name, revoked.get(name))
            finding = finding or _late_finding(
                reading, attempt, found[f"{name}.dsse.json"], revoked.get(name)
            )
            if finding is not None:
                return failed(finding)
            used.add(name)
        finding = _uncovered_members(
            reading, entry, [found[f"{name}.dsse.json"] for name in entry.fields["grants"]]
        )
        if finding is not None:
            return failed(finding)
    if not used:
        return unknown("no attempt at the run got as far as to stand on a grant")
    return passed(f"{', '.join(sorted(used))}: signed by {reading.pack.party}, in force when the run began")


def manifest(reading: Reading) -> Outcome:
    """The plan's entry, the grants and the ledger speak of one manifest."""
    if reading.is_aggregator:
        return not_applicable("the aggregator has no data, so no manifest")
    digest = reading.pack.files.get("manifest.sha256", b"").decode("ascii", "replace").strip()
    known = {entry.fields["sha256"] for entry in reading.entries if entry.kind == "manifest"}
    for attempt in reading.attempts:
        entry = attempt.plan
        if entry is not None and entry.fields["manifest"] != digest:
            what = "the manifest's digest in the pack is not the one at this entry"
            return failed(entry_finding(Happened.REWRITTEN, what, entry))
    for name, data in reading.pack.under("grants").items():
        if grant_in(name, data, reading.known[reading.pack.party]).manifest_sha256 != digest:
            what = f"grants/{name} is about another version of the manifest"
            return failed(Finding(Happened.REWRITTEN, what, f"grants/{name}"))
    if known and digest not in known:
        return failed(Finding(Happened.DROPPED, "the ledger does not say that this manifest came into force"))
    return passed(f"plan and grants are about one manifest: {digest[:16]}")


def _grant_finding(reading: Reading, entry: Logged, name: str, grant: Grant | None) -> Finding | None:
    """What is wrong with the grant that a plan's entry names."""
    if grant is None:
        return entry_finding(Happened.DROPPED, f"this entry names the grant {name}; the pack lacks it", entry)
    at = time_of(entry)
    if grant.owner != reading.pack.party:
        what = f"the grant {name} is of {grant.owner}, not of {reading.pack.party}"
    elif not grant.valid_from <= at <= grant.valid_until:
        what = f"the grant {name} was not in force at this entry's time"
    elif reading.plan.get("purpose") != grant.purpose:
        what = f"the grant {name} is for another purpose than the plan"
    else:
        return _unlogged(reading, entry, name)
    return entry_finding(Happened.NOT_ALLOWED, what, entry)


def _uncovered_members(reading: Reading, entry: Logged, used: list[Grant]) -> Finding | None:
    """Grants together are to everybody else who took part, by fingerprint, and in this federation."""
    federation = reading.pack.statement.federation
    for grant in used:
        if grant.federation != federation:
            what = f"the grant {grant.id} is for the federation {grant.federation}, not for {federation}"
            return entry_finding(Happened.NOT_ALLOWED, what, entry)
    known = reading.known
    to = {name for grant in used for name in grant.to if name in known and grant.to[name].means(known[name])}
    lacking = sorted(set(reading.known) - {reading.pack.party} - to)
    if not lacking:
        return None
    what = f"no grant that this entry names is to {', '.join(lacking)}"
    return entry_finding(Happened.NOT_ALLOWED, what, entry)


def _unlogged(reading: Reading, entry: Logged, name: str) -> Finding | None:
    """A grant is in the ledger before the plan that stands on it, with the digest of its file."""
    digest = hashlib.sha256(reading.pack.files[f"grants/{name}.dsse.json"]).hexdigest()
    logged = [each for each in reading.entries[: entry.index] if each.fields.get("grant") == name]
    granted = [each for each in logged if each.kind == "grant"]
    if not granted:
        what = f"the ledger does not say before this entry that the grant {name} was signed"
        return entry_finding(Happened.DROPPED, what, entry)
    if granted[-1].fields["sha256"] != digest:
        what = f"the grant {name} in the pack is not the one that this entry speaks of"
        return entry_finding(Happened.REWRITTEN, what, granted[-1])
    if any(each.kind == "revocation" for each in logged):
        return entry_finding(Happened.NOT_ALLOWED, f"the grant {name} had been taken back before", entry)
    return None


def _revocation_finding(attempt: Attempt, name: str, at: dt.datetime | None) -> Finding | None:
    """A grant that was taken back during an attempt ends it within one round."""
    if at is None:
        return None
    entry = attempt.plan
    if entry is not None and at < time_of(entry):  # Within one second their order in the ledger decides.
        what = f"the grant {name} had been taken back at {at.isoformat()}"
        return entry_finding(Happened.NOT_ALLOWED, what, entry)
    after = [each for each in attempt.of("round") if time_of(each) > at]
    if len(after) > 1:
        what = f"rounds went on after the grant {name} was taken back at {at.isoformat()}"
        return entry_finding(Happened.NOT_ALLOWED, what, after[1])
    return None


def _late_finding(
    reading: Reading, attempt: Attempt, grant: Grant, revoked: dt.datetime | None
) -> Finding | None:
    """No attempt is finished later than its grant was in force, and one message's deadline.

    A message is asked for before it leaves, and an attempt is not finished without messages: so whatever a
    run has no rounds for, its end tells.
    """
    close = attempt.close
    if close is None or not attempt.finished:
        return None
    ended = min(grant.valid_until, revoked or grant.valid_until)
    if time_of(close) <= ended + _deadline(reading):
        return None
    what = f"the run was finished after the grant {grant.id} had ended at {ended.isoformat()}"
    return entry_finding(Happened.NOT_ALLOWED, what, close)


def _deadline(reading: Reading) -> dt.timedelta:
    """How long one message may take, by the plan; the default where the plan does not say."""
    told = reading.plan.get("deadlines")
    given = told.get("message_seconds") if isinstance(told, dict) else None
    seconds = given if isinstance(given, int | float) else Deadlines().message_seconds
    return dt.timedelta(seconds=min(max(float(seconds), 0.0), _LONGEST_DEADLINE))
