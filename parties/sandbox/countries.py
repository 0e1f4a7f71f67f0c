"""Two countries for a hybrid sandbox: in each a bank, a platform and a public-data holder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd

from federation.errors import UsageError
from federation.ids import PartyId
from federation.plan import Plan
from parties.dataset import DatasetConfig
from parties.four_flows import Settings, generate
from parties.sandbox.peers import write_table

#: Consortium -> the generator's country. The first is twice as large as the second.
COUNTRIES: Final = {"cn": "CN", "de": "DE"}
#: The share of generated firms that default: more than in the main job, as the smaller country is tested too.
BASE_RATE: Final = 0.15
#: Place -> what its parties declare in the plan. A range holds most firms of either country, not all.
COLUMNS: Final[Mapping[str, Mapping[str, Mapping[str, list[Any]]]]] = {
    "bank": {
        "leverage": {"range": [0.0, 2.0]},
        "overdrafts_12m": {"range": [0.0, 4.0]},
        "credit_utilisation": {"range": [0.1, 0.9]},
        "late_receivables": {"range": [0.0, 0.7]},
        "disputed_receivables": {"range": [0.0, 0.7]},
        "receivable_days": {"range": [6.0, 80.0]},
    },
    "platform": {
        "sales_growth": {"range": [-1.5, 1.5]},
        "void_rate": {"range": [0.0, 0.4]},
        "top_buyer_share": {"range": [0.0, 1.0]},
        "core_order_trend": {"range": [-0.2, 0.2]},
        "on_time_rate": {"range": [0.6, 1.0]},
        "stock_days": {"range": [0.0, 110.0]},
        "kwh_trend": {"range": [-0.6, 0.6]},
        "utilisation": {"range": [0.2, 0.9]},
    },
    "public": {
        "age_years": {"range": [0.0, 30.0]},
        "registry_changes": {"range": [0.0, 3.0]},
        "late_tax_payments": {"range": [0.0, 2.0]},
        "late_filing": {"range": [0.0, 1.0]},
        "tax_grade": {"levels": ["A", "B", "C", "D"]},
    },
}
_LABEL = "default_12m"
#: A third of these, as many as all three parties of the smaller country know, has rows enough to train on.
_FEWEST_FIRMS = 3000


def party_of(place: str, country: str) -> PartyId:
    """The party of that place in that country."""
    return PartyId(f"{place}-{country}")


def check_countries(firms: int) -> None:
    """Raise `UsageError` where the smaller country would have too few firms for its columns."""
    if firms < _FEWEST_FIRMS:
        raise UsageError(
            f"{firms:,} firms are too few for two countries",
            field="--firms",
            advice=f"Generate {_FEWEST_FIRMS:,} at least.",
        )


def generated_countries(
    folder: Path, settings: Settings
) -> tuple[dict[PartyId, DatasetConfig], tuple[str, ...]]:
    """One world in two countries, parted by country: each party's table in its own folder, one sentence."""
    check_countries(settings.firms)
    world = generate(replace(settings, base_rate=BASE_RATE, countries=tuple(COUNTRIES.values())))
    datasets = {}
    sizes = []
    for country, code in COUNTRIES.items():
        for place, table in _tables(world):
            own = table[table["country"] == code].drop(columns="country").reset_index(drop=True)
            name = party_of(place, country)
            datasets[name] = DatasetConfig(
                name="data",
                file=write_table(folder, name, own),
                key="uscc",
                key_type="uscc",
                label=_LABEL if place == "bank" else None,
                party=name,
            )
            if place == "bank":
                sizes.append(f"{country} {len(own):,}")
    told = f"Generated {settings.firms:,} firms, seed {settings.seed}, in two countries: {', '.join(sizes)}."
    return datasets, (told,)


def _tables(world: Any) -> Iterator[tuple[str, pd.DataFrame]]:
    """Place -> its table: key, country, what is declared, and at the bank the outcome."""
    for place, declared in COLUMNS.items():
        outcome = [_LABEL] if place == "bank" else []
        yield place, getattr(world, place)[["uscc", "country", *declared, *outcome]]


def hybrid_plan() -> Plan:
    """Two rounds over both countries. A sum over two tells each the other's part, so it carries noise.

    The noise blurs the coefficients and hides no firm: `parties.hybrid.privacy` tells what a promise costs.
    """
    return Plan.model_validate(
        {
            "name": "sandbox",
            "purpose": "credit-scoring",
            "shape": "hybrid",
            "parties": {
                party_of(place, country): {
                    "role": "label" if place == "bank" else "feature",
                    "consortium": country,
                }
                for country in COUNTRIES
                for place in COLUMNS
            },
            "columns": {name: column for declared in COLUMNS.values() for name, column in declared.items()},
            "alignment": {"minimum_intersection": 200},
            "training": {"rounds": 2, "mu": 0.03},
            "privacy": {"unit": "party", "noise_multiplier": 0.002, "epsilon": 1e6},
        }
    )
