"""What nobody observes: the latent state of every firm.

Four factors, each of which one flow shows best, and all four of which the outcome depends on. That is
why no party alone suffices, and why joining them pays.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from parties.four_flows.graph import Chain, chain
from parties.four_flows.settings import COHORTS, Settings
from parties.four_flows.streams import Flags, Floats, Integers, Stream, generator

INDUSTRIES = ("manufacture", "trade", "construction", "logistics", "technology", "service")
_INDUSTRY_SHARES = (0.34, 0.22, 0.16, 0.08, 0.10, 0.10)

#: The six macro-regions of GB/T 2260: the first digit of a division code is the place plus one.
REGIONS = ("north", "north-east", "east", "central-south", "south-west", "north-west")
_REGION_SHARES = (0.15, 0.08, 0.35, 0.25, 0.10, 0.07)

LENDERS = ("bank-a", "bank-b", "bank-c")
_LENDER_SHARES = (0.5, 0.3, 0.2)

#: Trade, capital, operations, conduct: mildly correlated, as a firm that sells also pays.
_CORRELATIONS = np.array(
    [
        [1.00, 0.30, 0.40, 0.15],
        [0.30, 1.00, 0.25, 0.25],
        [0.40, 0.25, 1.00, 0.10],
        [0.15, 0.25, 0.10, 1.00],
    ]
)

#: 1.5 to 3.5 % of firms invoice trade that did not happen; the reckless do so more often.
_FAKE_RATE, _FAKE_RATE_RECKLESS = 0.02, 0.04

#: In standard deviations: what a slump takes from trade and from operations.
_SLUMP_TRADE, _SLUMP_OPERATIONS = 0.8, 1.1


@dataclass(frozen=True, slots=True)
class Firms:
    """One value for each firm, borrowers first, strangers after; every array has shape (firms,)."""

    trade: Floats  # The four factors: standard normal, high is healthy.
    capital: Floats
    operations: Floats
    conduct: Floats
    distress: Floats  # What no flow but the courts' shows: standard normal, high is bad.
    shock: Floats  # What came down the supply chain: standard normal, high is good.
    size: Floats  # Log scale, standard normal.
    activity: Floats  # Many small deals against few large ones: log scale, standard normal.
    age: Floats  # Years since registration.
    industry: Integers  # Place in INDUSTRIES; likewise the next two.
    region: Integers
    lender: Integers
    country: Integers  # Place in Settings.countries.
    cohort: Integers  # Month in which the loan was granted, 0 to 11.
    fake: Flags  # Invoices trade that did not happen.

    def __len__(self) -> int:
        return len(self.size)

    def block(self, start: int, stop: int) -> Firms:
        """The firms from `start` up to `stop`."""
        return Firms(
            **{field.name: getattr(self, field.name)[start:stop] for field in dataclasses.fields(self)}
        )


def draw(settings: Settings, count: int) -> tuple[Firms, Chain]:
    """`count` firms and the supply chain that binds them."""
    random = generator(settings.seed, Stream.FACTORS)
    factors = random.standard_normal((count, 4)) @ np.linalg.cholesky(_CORRELATIONS).T
    trade, capital, operations, conduct = np.ascontiguousarray(factors.T)
    country_shares = 1.0 / np.arange(1, len(settings.countries) + 1)
    cohort = random.integers(0, COHORTS, count)
    reckless = conduct < -1.3
    links = chain(count, generator(settings.seed, Stream.GRAPH))
    if settings.drift_month is not None:
        slump = cohort >= settings.drift_month
        trade = trade - _SLUMP_TRADE * slump
        operations = operations - _SLUMP_OPERATIONS * slump
    firms = Firms(
        trade=trade,
        capital=capital,
        operations=operations,
        conduct=conduct,
        distress=random.standard_normal(count),
        shock=links.shock,
        size=random.standard_normal(count),
        activity=random.standard_normal(count),
        age=np.clip(random.gamma(2.0, 4.5, count), 0.3, 40.0),
        industry=random.choice(len(INDUSTRIES), count, p=_INDUSTRY_SHARES),
        region=random.choice(len(REGIONS), count, p=_REGION_SHARES),
        lender=random.choice(len(LENDERS), count, p=_LENDER_SHARES),
        country=random.choice(len(country_shares), count, p=country_shares / country_shares.sum()),
        cohort=cohort,
        fake=random.random(count) < np.where(reckless, _FAKE_RATE_RECKLESS, _FAKE_RATE),
    )
    return firms, links
