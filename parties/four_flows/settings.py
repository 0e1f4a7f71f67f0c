"""What a generated world looks like: its size, its rates, its dirt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from crypto.errors import UsageError

Party = Literal["bank", "platform", "public"]
PARTIES: tuple[Party, ...] = get_args(Party)

#: Loans were granted in twelve successive months, the cohorts 0 to 11.
COHORTS = 12


@dataclass(frozen=True, slots=True)
class Settings:
    """The same settings give the same rows and the same files, byte for byte.

    The defaults are clean but for what every real set has: 2 % of the cells missing, rows in no
    order, firms that only one side knows. The dirt switches are off; each draws from a stream of its
    own, so that switching one on leaves everything else as it was. `drift_month` is the exception: it
    changes the firms themselves.

    Raises `UsageError` where the settings describe no world.
    """

    firms: int = 6000  # Borrowers: the rows of the bank's table.
    months: int = 24  # The window over which each firm is observed, up to its loan.
    seed: int = 0
    base_rate: float = 0.07  # Share of borrowers that default within twelve months.
    platform_overlap: float = 0.78  # Share of the borrowers that the platform knows.
    public_overlap: float = 0.95  # Share of the borrowers that the public-data holder knows.
    strangers: float = 0.15  # Firms that do not borrow, as a share of those that do.
    missing: float = 0.02  # Share of feature cells left empty; never the key or the label.
    countries: tuple[str, ...] = ("CN",)  # More than one adds a `country` column, first the largest.

    unit_mixup: bool = False  # Some amounts stand in 10,000 yuan where the column is in yuan.
    gbk: bool = False  # Text in Chinese; CSV files encoded in GBK.
    duplicate_ids: bool = False  # Some firms have two rows that differ.
    name_variants: bool = False  # A `firm_name` column that each party spells in its own way.
    delayed_labels: bool = False  # Loans younger than twelve months have no label yet.
    rejected_applicants: bool = False  # Applicants turned down: an `accepted` column, no label.
    drift_month: int | None = None  # Firms of this cohort (1 to 11) and later come from a slump.
    poisoned_party: Party | None = None  # This party corrupts its own rows on purpose.

    def __post_init__(self) -> None:
        _between("firms", self.firms, 100, 5_000_000)
        _between("months", self.months, 12, 24)
        _between("seed", self.seed, 0, 2**63 - 1)
        _between("base_rate", self.base_rate, 0.01, 0.5)
        _between("platform_overlap", self.platform_overlap, 0.05, 1.0)
        _between("public_overlap", self.public_overlap, 0.05, 1.0)
        _between("strangers", self.strangers, 0.0, 1.0)
        _between("missing", self.missing, 0.0, 0.5)
        if self.drift_month is not None:
            _between("drift_month", self.drift_month, 1, COHORTS - 1)
        if self.poisoned_party not in (None, *PARTIES):
            raise UsageError(
                "the poisoned party is none of the three",
                field="poisoned_party",
                advice=f"Choose one of {', '.join(PARTIES)}.",
            )
        codes = self.countries
        if not 1 <= len(codes) <= 6 or len(set(codes)) != len(codes) or not all(map(_is_country, codes)):
            raise UsageError(
                "the countries are not one to six different country codes",
                field="countries",
                advice="Give two capital letters each (ISO 3166-1 alpha-2), for instance CN and DE.",
            )


def _is_country(code: str) -> bool:
    return re.fullmatch("[A-Z]{2}", code) is not None


def _between(field: str, value: float, low: float, high: float) -> None:
    # Written so that NaN is refused too.
    if not low <= value <= high:
        raise UsageError(
            f"{field} is out of range", field=field, advice=f"Choose a number from {low:g} to {high:g}."
        )
