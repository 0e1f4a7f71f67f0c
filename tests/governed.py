"""What the owners of the tests' data allow: a manifest of each dataset, and a grant for what the tests do.

Written by the program's own functions, so that a round of a test refuses what a round in earnest would. Only
the manifest's facts are the tests' own: drafting one reads the table, which is tested elsewhere.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto.dsse import key_id
from crypto.errors import UsageError
from crypto.identity import Identity
from federation import files
from federation.addresses import Address
from federation.coordinator.home import CoordinatorHome, FederationSettings
from federation.governance import manifest as manifests
from federation.governance.authorisation import Authorisation, Left
from federation.governance.grant import Grant, GrantLimits, LegalBasis, Recipient, Transfer
from federation.governance.manifest import (
    Dataset,
    Evidence,
    FieldFacts,
    Grades,
    Institution,
    Manifest,
    Residency,
    Retention,
    Right,
    Rights,
    Subjects,
    TableFacts,
)
from federation.governance.needing import Known, operations_of
from federation.governance.terms import (
    Form,
    National,
    Operation,
    PartyKind,
    Personal,
    Regime,
    RightBasis,
    SubjectKind,
    Use,
)
from federation.ids import AGGREGATOR, PartyId
from federation.plan import Plan
from parties.connectors import columns
from parties.dataset import DatasetConfig
from parties.governance.knowing import pinned
from parties.governance.shelf import Shelf
from parties.home import PartyHome
from parties.round.acceptance import own_dataset

PURPOSE, FEDERATION = "credit-scoring", "sme"
#: All that a plan may do.
OPERATIONS = (
    *(Operation.PSI, Operation.TRAIN_VERTICAL, Operation.TRAIN_HORIZONTAL),
    *(Operation.EVALUATE, Operation.SCORE, Operation.EXPORT),
)
_SEALED = (Form.ENCRYPTED_UPDATE, Form.MASKED_UPDATE, Form.DP_UPDATE, Form.AGGREGATE, Form.PREDICATE)
_FORMS = {Use.KEY: (Form.PSI_TOKEN,), Use.NEVER: ()}
EVIDENCE = Evidence(title="contract.pdf", sha256="ab" * 32)


def govern(home: PartyHome, members: Iterable[str], *, purpose: str = PURPOSE) -> None:
    """For each dataset of party.toml whose file can be read: a manifest, and a grant to all other members."""
    name = home.name()
    for dataset in home.config().get("datasets", {}):
        with contextlib.suppress(UsageError):  # A round says what is wrong with it.
            config = own_dataset(home, dataset)
            present = columns(config.file)
            config.check_columns(present)
            manifest = manifest_of(config, present)
            keep_manifest(home, manifest)
            others = {*members, AGGREGATOR} - {name}
            grant_id = f"test-{len(Shelf(home).grants())}"
            to = dict.fromkeys(others, "CN")
            Shelf(home).put(grant_of(manifest, to, pinned(home), id=grant_id, purpose=purpose))


def keep_manifest(home: PartyHome, manifest: Manifest) -> None:
    """Write the manifest where its owner would."""
    file = Shelf(home).manifest_file(manifest.dataset.id)
    files.write(file, manifests.toml(manifest).encode())


def manifest_of(config: DatasetConfig, present: Iterable[str]) -> Manifest:
    """What is said of a table with the columns `present`, by the roles that party.toml gives them."""
    named = dict.fromkeys(config.feature_columns(tuple(present)), Use.FEATURE)
    named |= {column: Use.STRATUM for column in (config.accepted, config.group, config.time) if column}
    named |= {config.key: Use.KEY} | ({config.label: Use.LABEL} if config.label is not None else {})
    facts = {column: field_of(named.get(column, Use.NEVER)) for column in present}
    return manifest(config.party, config.name, config.key, facts)


def field_of(use: Use, **changes: Any) -> FieldFacts:
    """A column of company data of this use, which may leave in every form that its use has."""
    said: dict[str, Any] = {
        "use": use,
        "type": "text" if use is Use.KEY else "number",
        "grades": Grades(gbt43697=National.GENERAL),
        "personal": Personal.NONE,
        "egress": _FORMS.get(use, _SEALED),
    }
    return FieldFacts(**{**said, **changes})


def manifest(party: str, dataset: str, key: str, fields: Mapping[str, FieldFacts]) -> Manifest:
    """A manifest of company data in CN."""
    right = Right(holder=party, basis=RightBasis.OWN_COLLECTION)
    return Manifest(
        manifest=manifests.VERSION,
        party=Institution(id=party, legal_name=party.title(), jurisdiction="CN", kind=PartyKind.BANK),
        dataset=Dataset(
            id=dataset,
            version="1",
            collected_in=("CN",),
            residency=Residency(store=("CN",), process=("CN",), keys=("CN",)),
            subjects=Subjects(kinds=(SubjectKind.LEGAL_PERSON,)),
            rights=Rights(holding=right, processing=right, operating=right),
            retention=Retention(data_until=dt.date(2099, 1, 1)),
        ),
        table=TableFacts(key=key, rows=1000, min_cohort=10),
        fields=dict(fields),
    )


def identity(name: str) -> Identity:
    """The same key for the same name in every test."""
    return Identity(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()))


def known(*names: str) -> Known:
    """Whom the tests' names mean where no party's folder says it."""
    return Known(FEDERATION, {PartyId(name): key_id(identity(name).public) for name in names})


KNOWN = known("bank", "platform", "public", AGGREGATOR)


def admit(home: PartyHome, coordinators: Path, *others: str) -> None:
    """Make the party a member of a federation of its own in `coordinators`, with the `others` pinned."""
    now = dt.datetime.now(dt.UTC)
    settings = FederationSettings(FEDERATION, Address("127.0.0.1", 1), Address("127.0.0.1", 2))
    home.accept(CoordinatorHome.create(coordinators, settings, now).admit(home.request(), now), now)
    for name in others:
        home.pin(PartyId(name), identity(name).public.fingerprint)


def recipients(to: Mapping[str, str], whom: Known | None = None) -> dict[str, Recipient]:
    """Each recipient at its place, by the fingerprint that is known of it."""
    found = (whom or known(*to)).fingerprints
    return {name: Recipient(place=to[name], fingerprint=found[PartyId(name)]) for name in to}


def grant_of(about: Manifest, to: Mapping[str, str], whom: Known | None = None, **changes: Any) -> Grant:
    """A grant over `about` for everything, without limits, for a year around now.

    `whom` the names mean; by default the tests' own identities.
    """
    now = dt.datetime.now(dt.UTC)
    said: dict[str, Any] = {
        "grant": "isthmus.grant/v1",
        "id": "test",
        "federation": FEDERATION if whom is None else whom.federation,
        "owner": about.party.id,
        "dataset": about.dataset.id,
        "manifest_sha256": about.digest,
        "to": recipients(to, whom),
        "purpose": PURPOSE,
        "operations": OPERATIONS,
        "fields": ("*",),
        "legal_basis": (LegalBasis(regime=Regime.NOT_PERSONAL, basis="company data", evidence=EVIDENCE),),
        "valid_from": now - dt.timedelta(days=1),
        "valid_until": now + dt.timedelta(days=365),
        "limits": GrantLimits(),
    }
    return Grant(**{**said, **changes})


def allowed(plan: Plan, me: str, dataset: DatasetConfig) -> Authorisation:
    """What acceptance finds where the owner allows everything, for tests of what comes after it."""
    named = {dataset.key: Use.KEY} | ({dataset.label: Use.LABEL} if dataset.label is not None else {})
    about = manifest(me, dataset.name, dataset.key, {name: field_of(use) for name, use in named.items()})
    places = {seat: "CN" for seat in plan.roles() if seat != me}
    return Authorisation(
        manifest=about,
        grants=(grant_of(about, places, purpose=plan.purpose),),
        places=places,
        purpose=plan.purpose,
        operations=operations_of(plan, shares_points=False),
        columns=frozenset(named),
        left=Left(),
        revoked=lambda: None,
    )


def transfer(origin: str, destination: str, until: dt.date) -> Transfer:
    """A way over one border."""
    return Transfer.model_validate(
        {
            "origin": origin,
            "destination": destination,
            "mechanism": "cn-standard-contract",
            "evidence": EVIDENCE.model_dump(),
            "valid_until": until,
        }
    )
