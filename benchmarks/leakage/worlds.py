"""Parties' tables of the same firms in the same order: generated, or a user's files joined by their key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path

import pandas as pd

from federation.ids import AGGREGATOR, PartyId
from federation.message import Role
from federation.plan import Plan
from parties.connectors import read_table
from parties.dataset import DatasetConfig
from parties.four_flows import Settings, generate
from parties.sandbox.founding import given, vertical_plan

_SPARE = 1.5


@dataclass(frozen=True, slots=True, repr=False)
class World:
    """What each party holds: rows in the same order at all of them. The first party has the outcomes."""

    datasets: Mapping[PartyId, DatasetConfig]
    frames: Mapping[PartyId, pd.DataFrame]

    @property
    def label(self) -> PartyId:
        """The party with the outcomes."""
        return next(party for party, dataset in self.datasets.items() if dataset.label is not None)

    @property
    def others(self) -> tuple[PartyId, ...]:
        """The parties without them."""
        return tuple(party for party in self.datasets if party != self.label)

    def plan(self, **tables: object) -> Plan:
        """A vertical plan of these parties, with these tables."""
        return Plan.model_validate(vertical_plan(self.datasets).model_dump(exclude_unset=True) | tables)

    def roles(self, plan: Plan) -> dict[PartyId, Role]:
        """Who plays what, the aggregator last."""
        return {PartyId(party): role for party, role in plan.roles().items() if party != AGGREGATOR} | {
            AGGREGATOR: Role.AGGREGATOR
        }


def generated(firms: int, seed: int) -> World:
    """About `firms` firms that a bank, a platform and a public-data holder all know."""
    made = generate(Settings(firms=round(_SPARE * firms), seed=seed))
    datasets = {
        PartyId(party): DatasetConfig(
            "data",
            Path(f"{party}.csv"),
            "uscc",
            label="default_12m" if party == "bank" else None,
            party=party,
        )
        for party in ("bank", "platform", "public")
    }
    frames = {PartyId("bank"): made.bank, PartyId("platform"): made.platform, PartyId("public"): made.public}
    return _joined(datasets, frames, firms)


def of_files(folder: Path, config: Path | None) -> World:
    """The tables in a folder, as `isthmus demo --data FOLDER` takes them."""
    datasets, _ = given(folder, config)
    return _joined(datasets, {party: read_table(each.path) for party, each in datasets.items()}, None)


def _joined(
    datasets: Mapping[PartyId, DatasetConfig], frames: Mapping[PartyId, pd.DataFrame], most: int | None
) -> World:
    """The rows whose key stands in every table, by the key."""
    keyed = {
        party: frame.drop_duplicates(datasets[party].key).set_index(datasets[party].key, drop=False)
        for party, frame in frames.items()
    }
    common = reduce(pd.Index.intersection, (frame.index for frame in keyed.values())).sort_values()[:most]
    ordered = sorted(datasets, key=lambda party: datasets[party].label is None)
    return World(
        {party: replace(datasets[party], party=party) for party in ordered},
        {party: keyed[party].loc[common].reset_index(drop=True) for party in ordered},
    )
