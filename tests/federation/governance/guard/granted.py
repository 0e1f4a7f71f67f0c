"""An owner's manifest and grant as tests want them: allowing everything that a test does not take away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from federation.governance.authorisation import Authorisation, Lapse, Left
from federation.governance.grant import Grant
from federation.governance.guard.party import Attempt, GuardPolicy, Needles, NoNeedles
from federation.governance.manifest import Manifest
from federation.governance.terms import Form, Operation
from federation.ids import AGGREGATOR, PartyId
from federation.plan import Plan
from tests.governed import KNOWN, recipients

BANK, PLATFORM, PUBLIC = (PartyId(name) for name in ("bank", "platform", "public"))
PLAN = Plan.model_validate(
    {
        "name": "test",
        "purpose": "credit-scoring",
        "parties": {"bank": {"role": "label"}, "platform": {}, "public": {}},
    }
)
ATTEMPT = Attempt(PLAN, "test-run", PLAN.roles())
EVERY_FORM = [form.value for form in Form if form is not Form.CONTROL]


def column(use: str, egress: Sequence[str] = tuple(EVERY_FORM), **grades: Any) -> dict[str, Any]:
    return {
        "use": use,
        "type": "number",
        "grades": {"gbt43697": "general", **grades},
        "personal": "none",
        "egress": list(egress),
    }


def manifest(rows: int = 1000, jurisdiction: str = "CN", **fields: Mapping[str, Any]) -> Manifest:
    right = {"holder": "bank", "basis": "own-collection"}
    return Manifest.model_validate(
        {
            "manifest": "isthmus.manifest/v1",
            "party": {"id": "bank", "legal_name": "Bank", "jurisdiction": jurisdiction, "kind": "bank"},
            "dataset": {
                "id": "data",
                "version": "1",
                "collected_in": ["CN"],
                "residency": {"store": ["CN"], "process": ["CN"], "keys": ["CN"]},
                "subjects": {"kinds": ["legal-person"]},
                "rights": {"holding": right, "processing": right, "operating": right},
                "retention": {"data_until": "2040-01-01"},
            },
            "table": {"key": "uscc", "rows": rows, "min_cohort": 50},
            "fields": {
                "uscc": column("key"),
                "turnover": column("feature"),
                "overdue": column("label"),
                **fields,
            },
        }
    )


EVERYBODY = dict.fromkeys(("platform", "public", AGGREGATOR), "CN")


def grant(of: Manifest, to: Mapping[str, str] = EVERYBODY, **changed: Any) -> Grant:
    evidence = {"title": "agreement", "sha256": "0" * 64}
    return Grant.model_validate(
        {
            "grant": "isthmus.grant/v1",
            "id": "one",
            "federation": KNOWN.federation,
            "owner": "bank",
            "dataset": "data",
            "manifest_sha256": of.digest,
            "to": recipients(to),
            "purpose": "credit-scoring",
            "operations": [operation.value for operation in Operation],
            "fields": ["*"],
            "legal_basis": [{"regime": "not-personal", "basis": "company data", "evidence": evidence}],
            "valid_from": "2020-01-01T00:00:00Z",
            "valid_until": "2040-01-01T00:00:00Z",
            **changed,
        }
    )


def transfer(destination: str, mechanism: str, valid_until: str = "2040-01-01") -> dict[str, Any]:
    return {
        "origin": "CN",
        "destination": destination,
        "mechanism": mechanism,
        "evidence": {"title": "assessment", "sha256": "0" * 64},
        "valid_until": valid_until,
    }


def authorisation(
    of: Manifest | None = None,
    grants: Sequence[Grant] | None = None,
    *,
    left: Left | None = None,
    revoked: Callable[[], Lapse | None] = lambda: None,
) -> Authorisation:
    of = of or manifest()
    grants = tuple([grant(of)] if grants is None else grants)
    places = {name: place for each in grants for name, place in each.places.items()}
    columns = frozenset(of.fields)
    return Authorisation(
        of, grants, places, PLAN.purpose, frozenset(Operation), columns, left or Left(), revoked
    )


def guard(
    given: Authorisation | None = None, needles: Needles | None = None, me: PartyId = BANK
) -> GuardPolicy:
    return GuardPolicy(given or authorisation(), ATTEMPT, me, needles=needles or NoNeedles())
