"""A grant in plain language: what its owner reads before signing, and anybody who is shown it afterwards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from crypto.identity import normal_fingerprint
from federation.governance.covering import told_time
from federation.governance.grant import Grant, LegalBasis
from federation.governance.limits import Spent
from federation.governance.manifest import Manifest
from federation.governance.needing import Telling
from federation.governance.terms import Operation, Personal, Regime, Use
from federation.ids import AGGREGATOR, PartyId
from parties.governance.shelf import Kept

_DONE = {
    Operation.PSI: "find out which records they have in common with it",
    Operation.TRAIN_VERTICAL: "train a model over the common records, each with its own columns",
    Operation.TRAIN_HORIZONTAL: "train one model, each on its own rows",
    Operation.EVALUATE: "measure how good the model is",
    Operation.SCORE: "compute joint scores, which are opened to the party with the outcomes",
    Operation.EXPORT: "hold this party's points of a scorecard and use them without it",
    Operation.VALUE: "measure what each party's data is worth",
    Operation.CONFIRM: "ask whether a fact about a record is true",
    Operation.AUDIT: "examine how the model was made",
}


def told(grant: Grant, manifest: Manifest | None) -> list[str]:
    """The grant, a sentence or two a line. `manifest`: today's, where it is the one that was granted."""
    others = sorted(name for name in grant.to if name != AGGREGATOR)
    places = grant.places
    where = ", ".join(f"{name} ({places[PartyId(name)]})" for name in others) or "no party"
    lines = [f"Grant {grant.id}: what {grant.owner} allows with its dataset {grant.dataset}"]
    lines.append(f"  Who may:     {where}")
    if AGGREGATOR in grant.to:
        lines.append(
            f"               through the aggregator ({places[AGGREGATOR]}), which relays sealed messages"
        )
    lines.append(f"  Known by:    their fingerprints, in the federation {grant.federation} and no other")
    lines += [
        f"               {name}  {normal_fingerprint(grant.to[name].fingerprint)}"
        for name in sorted(grant.to)
    ]
    lines.append(f"  What for:    {grant.purpose}, and nothing else")
    lines.append(f"  May:         {_DONE[grant.operations[0]]};")
    lines += [f"               {_DONE[operation]};" for operation in grant.operations[1:]]
    lines += ["               no row leaves in any of these"]
    lines += _columns(grant, manifest)
    lines.append(f"  From, until: {told_time(grant.valid_from)}, until before {told_time(grant.valid_until)}")
    lines.append(f"  How often:   {_limits(grant)}")
    lines += _borders(grant, manifest)
    lines += [f"  Ground:      {_ground(basis)}" for basis in grant.legal_basis]
    lines.append(f"  Stands on:   the manifest {grant.manifest_sha256[:16]}…; if that is changed, it lapses")
    return lines


#: Uses whose names say little to an owner.
_PLAINLY = {Use.STRATUM: "columns by which rows are parted or compared (group, time, size ...)"}


def telling(tellings: Iterable[Telling]) -> list[str]:
    """In what forms something of the columns of each use leaves by a plan's messages."""
    forms: dict[Use, dict[str, None]] = {}
    for each in tellings:
        for use in each.of:
            forms.setdefault(use, {})[each.form.value] = None
    lines = [
        f"{_PLAINLY.get(use, use.value)}: {', '.join(sorted(forms[use]))}" for use in Use if use in forms
    ]
    return [f"{'  In form:' if place == 0 else '':15}{line}" for place, line in enumerate(lines)]


def state(kept: Kept, spent: Spent, manifest: Manifest | None, now: dt.datetime) -> str:
    """In one word or two: in force, not yet, expired, revoked, used up, lapsed (the manifest was changed)."""
    grant, limits = kept.grant, kept.grant.limits
    if kept.revocation is not None:
        return "revoked"
    if now >= grant.valid_until:
        return "expired"
    if manifest is None or manifest.digest != grant.manifest_sha256:
        return "lapsed"
    used = (
        (spent.runs, limits.max_runs),
        (spent.rounds, limits.max_rounds),
        (spent.psi_runs, limits.max_psi_runs),
        (spent.egress_bytes, limits.max_egress_bytes),
        (spent.epsilon, limits.max_epsilon),
        (spent.equations_per_row, limits.max_equations_per_row),
    )
    if any(most is not None and amount >= most for amount, most in used):
        return "used up"
    return "not yet" if now < grant.valid_from else "in force"


def spendings(grant: Grant, spent: Spent) -> list[str]:
    """What was spent of each limit; of what has no limit, what was spent."""
    limits = grant.limits
    told = [
        _of("runs", f"{spent.runs:,}", limits.max_runs),
        _of("rounds", f"{spent.rounds:,}", limits.max_rounds),
        _of("alignments", f"{spent.psi_runs:,}", limits.max_psi_runs),
        _of("bytes sent", f"{spent.egress_bytes:,}", limits.max_egress_bytes),
        _of("equations for each row", f"{spent.equations_per_row:g}", limits.max_equations_per_row),
    ]
    if limits.max_epsilon is not None or spent.epsilon:  # Runs without noise have none, rather than 0.
        told.append(_of("epsilon", f"{spent.epsilon:g}", limits.max_epsilon))
    return told


def _of(what: str, amount: str, most: float | None) -> str:
    return f"{what}: {amount}" + (f" of {most:,}" if most is not None else "")


def _columns(grant: Grant, manifest: Manifest | None) -> list[str]:
    if "*" in grant.fields:
        return ["  With:        every column that the manifest has, in the forms that it permits"]
    lines = _wrapped("  With:        ", grant.fields)
    if manifest is None:
        return lines
    facts = {name: manifest.fields[name] for name in grant.fields if name in manifest.fields}
    personal = [name for name, each in facts.items() if each.personal is not Personal.NONE]
    kept = sorted(set(manifest.fields) - set(grant.fields))
    if personal:
        lines += _wrapped("               personal data among them: ", personal)
    if kept:
        lines += _wrapped("  Not with:    ", kept)
    return lines


def _wrapped(head: str, names: Sequence[str], width: int = 100) -> list[str]:
    lines, line = [], head
    for place, name in enumerate(names):
        piece = name + (", " if place + 1 < len(names) else "")
        if len(line) + len(piece.rstrip()) > width and line.strip():
            lines.append(line.rstrip())
            line = " " * 15
        line += piece
    return [*lines, line.rstrip()]


def _limits(grant: Grant) -> str:
    limits = grant.limits
    parts = ["any number of runs" if limits.max_runs is None else _counted(limits.max_runs, "run")]
    if limits.max_rounds is not None:
        parts.append(f"{_counted(limits.max_rounds, 'round')} over all runs")
    if limits.max_psi_runs is not None:
        parts.append(_counted(limits.max_psi_runs, "alignment"))
    if limits.max_epsilon is not None:
        parts.append(f"epsilon at most {limits.max_epsilon:g}, so only with noise")
    if limits.max_equations_per_row is not None:
        parts.append(f"at most {limits.max_equations_per_row:g} equations for each row")
    if limits.max_egress_bytes is not None:
        parts.append(f"at most {limits.max_egress_bytes:,} bytes")
    return f"{'; '.join(parts)}; only with {limits.min_parties} parties or more"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _borders(grant: Grant, manifest: Manifest | None) -> list[str]:
    origins = {each.origin for each in grant.transfers}
    if manifest is not None:
        origins.add(manifest.party.jurisdiction)
    crossed = [
        (origin, place)
        for origin in sorted(origins)
        for place in sorted(set(grant.places.values()) - {origin})
    ]
    if not crossed:
        places = ", ".join(sorted(set(grant.places.values())))
        return [f"  Borders:     none is crossed; everything stays in {places}"]
    lines = []
    for origin, place in crossed:
        ways = [each for each in grant.transfers if (each.origin, each.destination) == (origin, place)]
        lines += [
            f"  Border:      {origin} to {place}: {way.mechanism.value}, until {way.valid_until} "
            f"({way.evidence.title})"
            for way in ways
        ] or [f"  Border:      {origin} to {place}: NO MECHANISM, so nothing goes there"]
    return lines


def _ground(basis: LegalBasis) -> str:
    law = "not personal data" if basis.regime is Regime.NOT_PERSONAL else basis.regime.value
    consent = ", separate consent" if basis.separate_consent else ""
    return f"{law}: {basis.basis}{consent} (document {basis.evidence.title}, {basis.evidence.sha256[:16]}…)"
