"""What the owners in a sandbox allow: their manifests as drafted, and a grant for the sandbox's plan.

One person is all owners here, and nothing leaves the machine; in earnest each reads the draft, corrects it
and signs. What a draft holds back (identifiers, texts that describe single firms) is left out of the model;
forms that the plan needs and a draft does not propose are added, and the demo says of which columns.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from federation import files
from federation.governance.covering import missing_forms
from federation.governance.grant import LegalBasis, Transfer
from federation.governance.manifest import Evidence, Institution, Manifest
from federation.governance.terms import Mechanism, PartyKind, Personal, Regime, Use
from federation.ids import AGGREGATOR, PartyId
from federation.plan import Plan
from parties.dataset import DatasetConfig
from parties.governance.authority import needs_of
from parties.governance.composing import Terms, compose
from parties.governance.inspect import draft
from parties.governance.inspect.drafting import document
from parties.governance.shelf import Shelf
from parties.home import PartyHome

#: Where a sandbox's roles are unless its plan has consortia, and for how many days its grants hold.
PLACE, _DAYS = "CN", 365


def places(plan: Plan) -> dict[PartyId, str]:
    """Where each role is: a consortium that is called as a country is in it, the aggregator in `PLACE`."""
    return {
        AGGREGATOR: PLACE,
        **{PartyId(name): _country(party.consortium) or PLACE for name, party in plan.parties.items()},
    }


def _country(consortium: str | None) -> str:
    """The country that a consortium is called as; empty where it is called otherwise."""
    named = consortium is not None and re.fullmatch("[a-z]{2}", consortium) is not None
    return consortium.upper() if consortium is not None and named else ""


def drafts(
    datasets: Mapping[PartyId, DatasetConfig], plan: Plan, now: dt.datetime
) -> dict[PartyId, Manifest]:
    """The manifest of each party's dataset, as its table suggests it."""
    where = places(plan)
    return {
        name: draft(dataset, _institution(name, where[name]), now=now) for name, dataset in datasets.items()
    }


def held_back(manifests: Mapping[PartyId, Manifest], plan: Plan) -> dict[PartyId, tuple[str, ...]]:
    """Columns that the drafts keep from the model, by party; in a horizontal plan what one keeps, all do."""
    never = {
        name: [column for column, facts in manifest.fields.items() if facts.use is Use.NEVER]
        for name, manifest in manifests.items()
    }
    if plan.shape == "horizontal":
        anywhere = dict.fromkeys(column for columns in never.values() for column in columns)
        never = {
            name: [column for column in anywhere if column in manifest.fields]
            for name, manifest in manifests.items()
        }
    return {name: tuple(columns) for name, columns in never.items()}


def without(dataset: DatasetConfig, columns: tuple[str, ...]) -> DatasetConfig:
    """The dataset with these columns excluded, wherever else its configuration speaks of them."""
    fresh = tuple(column for column in columns if column not in (*dataset.exclude, *dataset.dates))
    return replace(
        dataset,
        exclude=(*dataset.exclude, *fresh),
        categorical=tuple(column for column in dataset.categorical if column not in fresh),
        columns={column: rules for column, rules in dataset.columns.items() if column not in fresh},
    )


def grant_all(
    homes: Mapping[PartyId, PartyHome], manifests: Mapping[PartyId, Manifest], plan: Plan, plan_file: Path
) -> None:
    """Keep each party's manifest, and sign a grant of it for the plan, to everybody in the plan."""
    now, where = dt.datetime.now(dt.UTC), places(plan)
    evidence = Evidence(title=plan_file.name, sha256=files.sha256(plan_file), held_by="the demo's folder")
    for name, home in homes.items():
        manifest, shelf, dataset = manifests[name], Shelf(home), plan.parties[name].dataset
        files.write(shelf.manifest_file(dataset), document(manifest, now).encode())
        personal = any(facts.personal is not Personal.NONE for facts in manifest.fields.values())
        regime = Regime.PIPL if personal else Regime.NOT_PERSONAL
        until = now.date() + dt.timedelta(days=_DAYS)
        terms = Terms(
            to={other: place for other, place in sorted(where.items()) if other != name},
            until=until,
            basis=(LegalBasis(regime=regime, basis="a demo on one machine", evidence=evidence),),
            transfers=_transfers(where[name], where.values(), evidence, until),
            grant_id="demo",
        )
        grant, _ = compose(home, dataset, plan, terms, now)
        shelf.put(grant)


def _transfers(
    origin: str, destinations: Iterable[str], evidence: Evidence, until: dt.date
) -> tuple[Transfer, ...]:
    """Nothing of a demo leaves the machine, so no border of its story needs a mechanism of law."""
    return tuple(
        Transfer(
            origin=origin,
            destination=place,
            mechanism=Mechanism.NONE_NEEDED,
            evidence=evidence,
            valid_until=until,
        )
        for place in sorted({*destinations} - {origin})
    )


def sentences(
    columns: Mapping[PartyId, tuple[str, ...]], datasets: Mapping[PartyId, DatasetConfig], plan: Plan
) -> tuple[str, ...]:
    """What the demo tells of it; of `columns`, those held back, the ones that were features are named."""
    signed = "Each owner's manifest was drafted from its table, and a grant signed for this plan"
    left_out = [
        f"Left out at {name}, as its manifest's draft keeps them at home: {', '.join(fresh)}."
        for name, dataset in datasets.items()
        if (fresh := dataset.feature_columns(columns[name]))
    ]
    where = sorted({*places(plan).values()})
    return (f"{signed} (governance/ in its folder; all in {' or '.join(where)}).", *left_out)


def _institution(name: PartyId, place: str) -> Institution:
    kind = next((kind for kind in PartyKind if name.startswith(kind.value)), None)
    if kind is None:
        kind = PartyKind.REGISTRY if name.startswith("public") else PartyKind.BANK
    return Institution(id=name, legal_name=name, jurisdiction=place, kind=kind)


def permitted(
    manifests: Mapping[PartyId, Manifest], datasets: Mapping[PartyId, DatasetConfig], plan: Plan
) -> tuple[dict[PartyId, Manifest], tuple[str, ...]]:
    """The manifests with every form that the plan needs, and a sentence for each form that a draft lacked.

    Such as tokens of a key that names persons, or sides of splits by a column about them: who runs a demo has
    asked for it, and owns the decision.
    """
    widened, told, members = dict(manifests), [], tuple(map(PartyId, plan.parties))
    for name, dataset in datasets.items():
        lacking = missing_forms(needs_of(plan, members, name, dataset), manifests[name])
        fields = dict(manifests[name].fields)
        for form, columns in lacking.items():
            for column in columns:
                facts = fields[column]
                fields[column] = facts.model_copy(update={"egress": (*facts.egress, form)})
            told.append(
                f"Permitted at {name} beyond its manifest's draft, as this plan needs it: {form.value} of "
                f"{', '.join(columns)}."
            )
        widened[name] = manifests[name].model_copy(update={"fields": fields})
    return widened, tuple(told)
