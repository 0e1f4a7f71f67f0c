"""Do the grants cover an order? All of it is decided here, from what it is given: no file, no clock.

Every recipient (the aggregator too), of the very identity that was granted to, needs every operation with
every column that is used, under grants of this federation that are in force, for the plan's purpose, over
today's manifest, within their limits, with a mechanism for each border. Several grants together may cover;
each of them counts what is spent then. A refusal names the rule of compliance/controls.yaml (G-GRANT,
G-PURPOSE, G-GRADE, G-EXPIRED, G-LIMIT, G-TRANSFER, G-RIGHTS, G-MANIFEST).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from federation.errors import GrantRefused, GrantRule
from federation.governance.authorisation import Left
from federation.governance.grant import Grant
from federation.governance.limits import Spent, exceeded, left
from federation.governance.manifest import Manifest
from federation.governance.needing import Needs
from federation.governance.terms import Form, National
from federation.ids import PartyId

_EVERY = "*"
#: Columns that a refusal names; of others it says how many there are.
_MOST_NAMED = 5
_RENEW = "Make a new grant with `isthmus grant new --plan plan.toml`, if you agree."


@dataclass(frozen=True, slots=True)
class Held:
    """Today's manifest, every grant that the owner signed, and what became of them."""

    manifest: Manifest
    grants: Sequence[Grant]
    spent: Mapping[str, Spent] = field(default_factory=dict)
    revoked: Mapping[str, dt.datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Covered:
    """The fewest grants that cover it, where each recipient is, and what their limits still allow."""

    grants: tuple[Grant, ...]
    places: Mapping[PartyId, str]
    left: Left


def cover(needs: Needs, held: Held, now: dt.datetime) -> Covered:
    """The grants that cover `needs` at `now`; `GrantRefused` names rule, party, dataset, what is missing."""
    check_manifest(needs, held.manifest, now.date())
    own = sorted(
        (each for each in held.grants if each.owner == needs.owner and each.dataset == needs.dataset),
        key=lambda grant: grant.id,
    )
    unfit = {grant.id: found for grant in own if (found := _unfit(grant, needs, held, now)) is not None}
    usable = [grant for grant in own if grant.id not in unfit]
    gap = _gap(usable, needs, held.manifest, now.date())
    if gap is not None:
        raise _blamed(gap, usable, [grant for grant in own if grant.id in unfit], unfit, needs, held, now)
    for grant in tuple(usable):
        fewer = [each for each in usable if each is not grant]
        if _gap(fewer, needs, held.manifest, now.date()) is None:
            usable = fewer
    chosen = tuple(usable)
    return Covered(chosen, _places(chosen, needs), left(chosen, held.spent))


def check_manifest(needs: Needs, manifest: Manifest, today: dt.date) -> None:
    """Rights that have run out; columns that the manifest does not have, not for this use or in this form."""
    rights = manifest.dataset.rights
    for name in ("holding", "processing", "operating"):
        until = getattr(rights, name).until
        if until is not None and until < today:
            raise _refused(
                needs,
                "G-RIGHTS",
                f"the {name} right ran out on {until}",
                advice=f"Renew it and write the new date into dataset.rights.{name}.until of the manifest.",
            )
    for column, uses in needs.columns.items():
        facts = manifest.fields.get(column)
        wanted = " or ".join(sorted(use.value for use in uses))
        mend = "Exclude the column in party.toml, or look at it again in the manifest."
        if facts is None:
            raise _refused(
                needs, "G-MANIFEST", f"the manifest says nothing of column {column!r}", advice=mend
            )
        if facts.use not in uses:
            told = f'column {column!r} is used as {wanted}, and the manifest has it as "{facts.use.value}"'
            raise _refused(needs, "G-GRADE", told, advice=mend)
        if facts.grades.strictest is National.CORE:
            raise _refused(needs, "G-GRADE", f"column {column!r} is core data", advice=mend)
    lacking = missing_forms(needs, manifest)
    if lacking:
        raise _refused(
            needs,
            "G-GRADE",
            "the manifest does not permit all that this plan tells: "
            + "; ".join(_lacking(needs, manifest, form, columns) for form, columns in lacking.items()),
            advice="If you agree, add it to the `egress` of these fields in the manifest, then make a new "
            "grant with `isthmus grant new --plan plan.toml`; or exclude the columns in party.toml.",
        )


def missing_forms(needs: Needs, manifest: Manifest) -> dict[Form, tuple[str, ...]]:
    """The forms that the plan's messages need, each with the columns that may not leave so."""
    found: dict[Form, tuple[str, ...]] = {}
    for form in Form:
        uses = {use for telling in needs.tellings if telling.form is form for use in telling.of}
        columns = (name for name in sorted(needs.columns) if name in manifest.fields)
        lacking = tuple(
            name
            for name in columns
            if manifest.fields[name].use in uses and form not in manifest.fields[name].egress
        )
        if lacking:
            found[form] = lacking
    return found


def _lacking(needs: Needs, manifest: Manifest, form: Form, columns: Sequence[str]) -> str:
    """As in: "predicate" of feature columns 'age', 'size' (boosting/sides)."""
    uses = {manifest.fields[name].use for name in columns}
    told = [each.message for each in needs.tellings if each.form is form and uses & set(each.of)]
    named = ", ".join(map(repr, columns[:_MOST_NAMED]))
    more = f" and {len(columns) - _MOST_NAMED} more" if len(columns) > _MOST_NAMED else ""
    kinds = " and ".join(sorted(use.value for use in uses))
    return f'"{form.value}" of {kinds} columns {named}{more} ({", ".join(told)})'


def missing_transfers(grant: Grant, origin: str, recipients: Iterable[PartyId], today: dt.date) -> list[str]:
    """The destinations, among the recipients' places, that the grant has no valid mechanism for."""
    valid = {
        each.destination for each in grant.transfers if each.origin == origin and each.valid_until >= today
    }
    places = {grant.to[recipient].place for recipient in recipients if recipient in grant.to}
    return sorted(places - {origin} - valid)


def _unfit(grant: Grant, needs: Needs, held: Held, now: dt.datetime) -> GrantRefused | None:
    """Why this grant counts for nothing now; None where it counts."""
    if grant.purpose != needs.purpose:
        told = f"grant {grant.id} is for {grant.purpose!r}, and the plan's purpose is {needs.purpose!r}"
        return _refused(needs, "G-PURPOSE", told, at="purpose", advice=_RENEW)
    if grant.federation != needs.known.federation:
        told = f"grant {grant.id} is for the federation {grant.federation!r}, and this one is another"
        return _refused(needs, "G-GRANT", told, advice=_RENEW)
    if (name := _stranger(grant, needs)) is not None:
        told = f"grant {grant.id} names {name} by another fingerprint than {name} has in this federation"
        ask = (
            f"Ask {name} why its identity changed. Then, if you agree: `isthmus grant new --plan plan.toml`."
        )
        return _refused(needs, "G-GRANT", told, at=f"parties.{name}", advice=ask)
    if (at := held.revoked.get(grant.id)) is not None:
        return _refused(needs, "G-GRANT", f"grant {grant.id} was revoked on {told_time(at)}", advice=_RENEW)
    if now >= grant.valid_until:
        told = f"grant {grant.id} ran out on {told_time(grant.valid_until)}"
        return _refused(needs, "G-EXPIRED", told, advice=_RENEW)
    if now < grant.valid_from:
        told = f"grant {grant.id} is in force from {told_time(grant.valid_from)} on"
        return _refused(needs, "G-EXPIRED", told, advice="Launch the round again then.")
    if grant.manifest_sha256 != held.manifest.digest:
        told = f"the manifest was changed after grant {grant.id} was signed"
        return _refused(needs, "G-MANIFEST", told, advice=f"Read the manifest as it is now, then: {_RENEW}")
    over = exceeded(grant, needs, held.spent.get(grant.id, Spent()))
    if over is not None:
        return _refused(needs, "G-LIMIT", f"grant {grant.id}: {over}", advice=_RENEW)
    return None


def _stranger(grant: Grant, needs: Needs) -> PartyId | None:
    """The first recipient of the order that is another than the grant means by its name."""
    known = needs.known.fingerprints
    changed = (name for name in needs.recipients if name in grant.to)
    return min((name for name in changed if grant.to[name].fingerprint != known.get(name)), default=None)


def _gap(grants: Sequence[Grant], needs: Needs, manifest: Manifest, today: dt.date) -> GrantRefused | None:
    """What the grants leave uncovered; None where they cover everything."""
    if not grants:
        return _refused(needs, "G-GRANT", "there is no grant for this dataset", advice=_RENEW)
    unnamed = sorted(each for each in needs.recipients if not any(each in grant.to for grant in grants))
    if unnamed:
        told = f"no grant in force names {', '.join(unnamed)} as a recipient"
        return _refused(needs, "G-GRANT", told, at=f"parties.{unnamed[0]}", advice=_RENEW)
    origin = manifest.party.jurisdiction
    for recipient in sorted(needs.recipients):
        naming = [grant for grant in grants if recipient in grant.to]
        lawful = [grant for grant in naming if not missing_transfers(grant, origin, [recipient], today)]
        if not lawful:
            border = f"{origin} to {naming[0].to[recipient].place}"
            told = f"no transfer mechanism is in force for {border}, where {recipient} is"
            return _refused(needs, "G-TRANSFER", told, at=f"parties.{recipient}", advice=_RENEW)
        gap = _gap_of_recipient(recipient, lawful, needs)
        if gap is not None:
            return gap
    return None


def _gap_of_recipient(recipient: PartyId, grants: Sequence[Grant], needs: Needs) -> GrantRefused | None:
    for operation in sorted(needs.operations, key=lambda each: each.value):
        allowing = [grant for grant in grants if operation in grant.operations]
        if not allowing:
            told = f"no grant in force lets {recipient} take part in {operation.value}"
            return _refused(needs, "G-GRANT", told, at=f"parties.{recipient}", advice=_RENEW)
        granted = {name for grant in allowing for name in grant.fields}
        lacking = sorted(set(needs.columns) - granted) if _EVERY not in granted else []
        if lacking:
            told = (
                f"no grant in force lets column {lacking[0]!r} be used in {operation.value} with {recipient}"
            )
            return _refused(needs, "G-GRANT", told, at=f"parties.{recipient}", advice=_RENEW)
    return None


def _blamed(
    gap: GrantRefused,
    usable: Sequence[Grant],
    others: Sequence[Grant],
    unfit: Mapping[str, GrantRefused],
    needs: Needs,
    held: Held,
    now: dt.datetime,
) -> GrantRefused:
    """The reason to tell: why a grant that would have closed the gap does not count, or the gap itself.

    Of several such grants the one that comes nearest, in the order of `_unfit`'s checks, tells most.
    """
    closing = [grant for grant in others if _closes(gap, [*usable, grant], needs, held.manifest, now.date())]
    order = ("G-PURPOSE", "G-GRANT", "G-EXPIRED", "G-MANIFEST", "G-LIMIT")
    reasons = [unfit[grant.id] for grant in closing]
    return max(reasons, key=lambda reason: order.index(reason.rule), default=gap)


def _closes(
    gap: GrantRefused, grants: Sequence[Grant], needs: Needs, manifest: Manifest, today: dt.date
) -> bool:
    after = _gap(grants, needs, manifest, today)
    return after is None or after.what != gap.what


def _places(grants: Sequence[Grant], needs: Needs) -> dict[PartyId, str]:
    """Where each recipient is. Two grants that say differently are refused."""
    places: dict[PartyId, str] = {}
    for recipient in sorted(needs.recipients):
        said = {grant.to[recipient].place for grant in grants if recipient in grant.to}
        if len(said) > 1:
            raise _refused(
                needs,
                "G-TRANSFER",
                f"two grants have {recipient} in different places: {', '.join(sorted(said))}",
                at=f"parties.{recipient}",
                advice="Revoke the one that is wrong: `isthmus grant revoke ID`.",
            )
        places[recipient] = said.pop()
    return places


def told_time(at: dt.datetime) -> str:
    """A time for people, in UTC to the minute."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _refused(needs: Needs, rule: GrantRule, what: str, *, at: str | None = None, advice: str) -> GrantRefused:
    return GrantRefused(
        rule,
        what,
        party=needs.owner,
        field=needs.place if at is None else at,
        advice=advice,
    )
