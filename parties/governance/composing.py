"""A grant as its owner gives it: for one plan and no more, or from what was said word by word."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from crypto.codes import Code
from federation import files
from federation.errors import GrantRefused, UsageError
from federation.governance.covering import Held, cover
from federation.governance.grant import VERSION, Grant, GrantLimits, LegalBasis, Recipient, Transfer
from federation.governance.manifest import Evidence, Manifest
from federation.governance.needing import NOBODY, Known, Needs
from federation.governance.terms import Mechanism, Operation, Personal, Regime
from federation.ids import PartyId
from federation.plan import Plan
from parties.governance.authority import needs_of
from parties.governance.knowing import pinned
from parties.governance.shelf import Shelf
from parties.home import PartyHome
from parties.round.acceptance import own_dataset

_TO = "--to is PARTY=COUNTRY, with two capital letters for a country"
#: What each part of a grant asks for, by its name.
_ASKED = {
    "id": "--id is 3 to 63 lower-case letters, digits and hyphens",
    "to": f"{_TO}, at least once",
    "place": _TO,
    "purpose": "--purpose, or the plan's own, is letters, digits, spaces and . _ -, as in credit-scoring",
    "operations": "--operation is given at least once, or a --plan",
    "fields": "--field is given at least once, or a --plan",
}
_AGAIN = "Run `isthmus grant new` with --help: it shows how everything is written."


@dataclass(frozen=True, slots=True)
class Terms:
    """What the owner decides. What is left empty follows from the plan: purpose, operations, fields.

    `to`: recipient -> place. `until`: the last day on which it holds, in UTC.
    """

    to: Mapping[str, str]
    until: dt.date
    basis: tuple[LegalBasis, ...]
    transfers: tuple[Transfer, ...] = ()
    purpose: str = ""
    operations: tuple[Operation, ...] = ()
    fields: tuple[str, ...] = ()
    limits: GrantLimits = field(default_factory=GrantLimits)
    grant_id: str = ""
    valid_from: dt.datetime | None = None


def compose(
    home: PartyHome, dataset: str, plan: Plan | None, terms: Terms, now: dt.datetime
) -> tuple[Grant, Manifest]:
    """The grant, not signed yet, and the manifest it stands on.

    With a plan it is held against it, as a round would do: `GrantRefused` says what it would not cover, such
    as a column that never leaves, a party that was left out, a border without a mechanism. The fingerprints
    of those that it is to are the pinned ones; that of the aggregator is the admission's.
    """
    manifest = Shelf(home).manifest(dataset)
    known = pinned(home)
    needs = None if plan is None else needs_for(home, dataset, plan, known)
    chosen = _fields(terms, needs)
    _check_basis(manifest, chosen, terms.basis)
    try:
        grant = Grant(
            grant=VERSION,
            id=terms.grant_id or f"{now:%Y%m%d}-{secrets.token_hex(3)}",
            federation=known.federation,
            owner=home.name(),
            dataset=dataset,
            manifest_sha256=manifest.digest,
            to=_recipients(home, terms.to, known),
            purpose=terms.purpose or (needs.purpose if needs is not None else ""),
            operations=terms.operations or _operations(needs),
            fields=chosen,
            legal_basis=terms.basis,
            transfers=terms.transfers,
            valid_from=terms.valid_from or now.replace(microsecond=0),
            valid_until=dt.datetime.combine(terms.until + dt.timedelta(days=1), dt.time(), dt.UTC),
            limits=terms.limits,
        )
    except ValidationError as error:
        raise _told(home, error) from None
    if needs is not None:
        _check_recipients(home, needs, terms)
        cover(needs, Held(manifest, [grant]), max(now, grant.valid_from))
    return grant, manifest


def read_basis(text: str, evidence: Path, holder: str, separate_consent: bool) -> LegalBasis:
    """`REGIME:GROUND`, shown by the document `evidence`, of which the grant holds title and SHA-256."""
    regime, colon, ground = text.partition(":")
    if not colon or regime not in {each.value for each in Regime} or not ground.strip():
        raise UsageError(
            f"a legal basis is a regime and a ground, as in not-personal:company data; here {text!r}",
            field="--basis",
            advice=f"Regimes: {', '.join(each.value for each in Regime)}.",
        )
    return LegalBasis(
        regime=Regime(regime),
        basis=ground.strip()[:300],
        separate_consent=separate_consent,
        evidence=_evidence(evidence, holder),
    )


def read_transfer(text: str, holder: str) -> Transfer:
    """`FROM:TO:MECHANISM:DATE:FILE`, as in CN:SG:cn-standard-contract:2027-12-31:contract.pdf."""
    parts = text.split(":", 4)
    try:
        origin, destination, mechanism, until, file = parts
        named, day = Mechanism(mechanism), dt.date.fromisoformat(until)
    except ValueError:
        raise UsageError(
            f"a transfer is FROM:TO:MECHANISM:DATE:FILE, here {text!r}",
            field="--transfer",
            advice=f"Mechanisms: {', '.join(each.value for each in Mechanism)}.",
        ) from None
    try:
        return Transfer(
            origin=origin,
            destination=destination,
            mechanism=named,
            evidence=_evidence(Path(file), holder),
            valid_until=day,
        )
    except ValidationError:
        raise UsageError(
            f"a place is two capital letters (ISO 3166-1), here {origin!r} and {destination!r}",
            field="--transfer",
            advice=_AGAIN,
            code=Code.PLACE_UNKNOWN,
        ) from None


def _evidence(file: Path, holder: str) -> Evidence:
    digest = files.sha256(file, "Name the document that shows the ground; the grant holds its SHA-256.")
    return Evidence(title=file.name[:200], sha256=digest, held_by=holder[:200])


def _recipients(home: PartyHome, to: Mapping[str, str], known: Known) -> dict[str, Recipient]:
    """Place and fingerprint of each. `UsageError` for one whose fingerprint nobody here has compared."""
    for name in to:
        if PartyId(name) not in known.fingerprints:
            raise UsageError(
                f"nobody here has compared the fingerprint of {name}: it could be anybody",
                party=home.name(),
                field="--to",
                advice=f"Compare it with {name} by telephone, then run "
                f"`isthmus party trust {name} FINGERPRINT`.",
                code=Code.FINGERPRINT_UNCHECKED,
            )
    return {
        name: Recipient(place=place, fingerprint=known.fingerprints[PartyId(name)])
        for name, place in to.items()
    }


def _check_recipients(home: PartyHome, needs: Needs, terms: Terms) -> None:
    """A grant for a plan names everybody in it."""
    missing = [name for name in sorted(needs.recipients) if name not in terms.to]
    if missing:
        options = " ".join(f"--to {name}=COUNTRY" for name in missing)
        raise GrantRefused(
            "G-GRANT",
            f"this plan's messages go to {', '.join(missing)} too, whom the grant does not name",
            party=home.name(),
            field="--to",
            advice=f"Add {options}, or grant without --plan.",
        )


def needs_for(home: PartyHome, dataset: str, plan: Plan, known: Known = NOBODY) -> Needs:
    """What the plan asks of this party's `dataset`; `UsageError` where it uses another one, or none."""
    me = home.name()
    if me not in plan.parties or plan.parties[me].dataset != dataset:
        raise UsageError(
            f"the plan does not use the dataset {dataset} of {me}",
            party=me,
            field=f"parties.{me}",
            advice="Name the plan's own dataset with --dataset, or grant without --plan.",
            code=Code.NO_DATASET,
        )
    return needs_of(plan, tuple(map(PartyId, plan.parties)), me, own_dataset(home, dataset), known)


def _fields(terms: Terms, needs: Needs | None) -> tuple[str, ...]:
    if terms.fields or needs is None:
        return terms.fields
    return tuple(sorted(needs.columns))


def _operations(needs: Needs | None) -> tuple[Operation, ...]:
    return () if needs is None else tuple(each for each in Operation if each in needs.operations)


def _check_basis(manifest: Manifest, chosen: Sequence[str], basis: tuple[LegalBasis, ...]) -> None:
    """Personal data is granted under a law on personal data, and not as company data."""
    about = manifest.fields if "*" in chosen else {name: manifest.fields.get(name) for name in chosen}
    personal = sorted(
        name for name, facts in about.items() if facts is not None and facts.personal is not Personal.NONE
    )
    if personal and all(each.regime is Regime.NOT_PERSONAL for each in basis):
        raise UsageError(
            f"the manifest has personal data in {', '.join(personal)}, and the basis given is not-personal",
            party=manifest.party.id,
            field="--basis",
            advice="Give the law and the ground, as in --basis PIPL:consent, or leave those columns out.",
        )


def _told(home: PartyHome, error: ValidationError) -> UsageError:
    """What of the options makes no grant, each with its name."""
    problems = dict.fromkeys(
        _ASKED.get(str(detail["loc"][0]), f"{detail['loc'][0]} is not what belongs there")
        if detail["loc"]
        else str(detail["msg"]).removeprefix("Value error, ")
        for detail in error.errors(include_url=False, include_input=False)
    )
    return UsageError(
        "this is no grant:" + "".join(f"\n  - {problem}" for problem in problems),
        party=home.name(),
        advice=_AGAIN,
        code=Code.GRANT_MALFORMED,
    )
