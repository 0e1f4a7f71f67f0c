"""What the exports are tried on: packs of a run on paper, with scores and an export after it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from federation.governance.grant import Evidence, Grant, GrantLimits, LegalBasis, Transfer
from federation.governance.terms import Mechanism, Operation, Regime
from federation.ledger.findings import Report
from federation.ledger.pack import Pack
from federation.ledger.reading import Reading
from federation.ledger.verify import verify
from tests.federation.ledger import world
from tests.governed import recipients

#: A text that no export may repeat.
TITLE = "Opinion of Mei Lin, counsel"


def scored(rounds: int = 2) -> world.World:
    """A run, after which the bank scores 40 rows and exports its part."""
    made = world.made(rounds)
    bank = made.roles["bank"]
    bank.log("score", made.now, run=world.RUN, rows=40, sha256=hashlib.sha256(b"scores").hexdigest())
    bank.log("export", made.now, run=world.RUN, what="pmml", sha256=hashlib.sha256(b"pmml").hexdigest())
    return made


def verified(packs: Sequence[Pack]) -> tuple[list[Reading], Report]:
    """The packs, read, and their verification by somebody who compared every fingerprint."""
    return [Reading(pack) for pack in packs], verify(packs, world.fingerprints())


def grant(**changed: Any) -> Grant:
    """A grant of the bank to a party abroad and the aggregator, with every limit but two."""
    fields: dict[str, Any] = {
        "grant": "isthmus.grant/v1",
        "id": "g-2026-07-credit",
        "federation": "lakeside",
        "owner": "bank",
        "dataset": "loans",
        "manifest_sha256": "ab" * 32,
        "to": recipients({"registry": "SG", "aggregator": "CN"}),
        "purpose": "credit-scoring",
        "operations": (Operation.PSI, Operation.TRAIN_VERTICAL),
        "fields": ("uscc", "balance"),
        "legal_basis": (
            LegalBasis(
                regime=Regime.NOT_PERSONAL,
                basis="company data",
                evidence=Evidence(title=TITLE, sha256="cd" * 32, held_by="Mei Lin"),
            ),
        ),
        "transfers": (
            Transfer(
                origin="CN",
                destination="SG",
                mechanism=Mechanism.CN_CONTRACT,
                evidence=Evidence(title=TITLE, sha256="ef" * 32, held_by="Mei Lin"),
                valid_until=dt.date(2026, 11, 30),
            ),
        ),
        "valid_from": dt.datetime(2026, 7, 1, tzinfo=dt.UTC),
        "valid_until": dt.datetime(2027, 1, 1, tzinfo=dt.UTC),
        "limits": GrantLimits(max_runs=3, max_rounds=40, max_epsilon=1.5, max_egress_bytes=50_000_000),
    }
    return Grant(**{**fields, **changed})


def texts(value: object) -> Iterator[str]:
    """Every text in a document, names included."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def same_bytes(first: object, second: object) -> bool:
    """Whether two documents are written alike, order included."""
    return json.dumps(first) == json.dumps(second)
