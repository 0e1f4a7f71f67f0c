"""Trade flow, seen by the platform: monthly invoices and the buyers behind them.

Calibrated on the invoices of CUMCM 2020 problem C (302 firms, 1.1 million invoices): Gamma-Poisson
counts; tickets lognormal with mu 9.49 and sd 2.12 over all invoices; 9 % void (15 % at defaulters);
1.2 % returned; a median of 36 buyers (13 at defaulters) with a Herfindahl index of 0.15 (0.34), 17 %
of them shared with other firms; the Spring Festival month at 0.40 of an ordinary one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parties.four_flows.factors import INDUSTRIES, Firms
from parties.four_flows.streams import Floats, Integers, logistic

#: The calendar starts in October 2016; the window of cohort c starts c months later.
_FIRST_MONTH = 9
_SEASON = np.ones(12)
_SEASON[0], _SEASON[1] = 0.85, 0.40  # January, and February with the Spring Festival.

#: VAT by kind of taxpayer: until April 2018; from May 2018 (Cai Shui [2018] 32); from April 2019
#: (MOF, STA and GAC announcement [2019] 39).
_VAT = np.array([[0.17, 0.16, 0.13], [0.11, 0.10, 0.09], [0.06, 0.06, 0.06], [0.03, 0.03, 0.03]])
_VAT_CHANGES = (19, 30)  # May 2018 and April 2019, in months after October 2016.
_STANDARD, _TRANSPORT_AND_BUILDING, _SERVICES, _SMALL_SCALE = range(4)

_TICKET_MU, _TICKET_SD = 9.49, 2.12
#: How far firms' own mean log tickets differ, by size and otherwise; the rest is within a firm.
_TICKET_BY_SIZE, _TICKET_BY_ACTIVITY, _TICKET_BY_FIRM = 0.60, -0.60, 0.90
_TICKET_WITHIN = float(
    np.sqrt(_TICKET_SD**2 - _TICKET_BY_SIZE**2 - _TICKET_BY_ACTIVITY**2 - _TICKET_BY_FIRM**2)
)

#: A firm that fakes trade invoices 28 % more than it sells.
FAKE_INVOICES = float(np.exp(0.25))
_SHARED_BUYERS = 0.17


@dataclass(frozen=True, slots=True)
class Trade:
    """The platform's columns, and two that others need; every array has shape (firms,)."""

    columns: dict[str, Floats]
    invoices: Integers  # Over the window.
    concentration: Floats  # Log-odds of the largest buyer's share, standardised.


def season(firms: Firms, months: int) -> tuple[Floats, Integers]:
    """Each firm's own window: the seasonal factor, and the month of the calendar, (firms, months)."""
    calendar = firms.cohort[:, None] + np.arange(24 - months, 24)
    return _SEASON[(_FIRST_MONTH + calendar) % 12], calendar


def trade_flow(firms: Firms, months: int, random: np.random.Generator) -> Trade:
    """Draw the window's invoices and what a feature team makes of them."""
    seasonal, calendar = season(firms, months)
    counts = _monthly_counts(firms, seasonal, random)
    amounts = _monthly_amounts(firms, counts, random)
    invoices = counts.sum(axis=1)
    sales = amounts.sum(axis=1)
    voids = random.binomial(invoices, _void_rate(firms, random))
    returns = random.binomial(invoices, np.clip(random.beta(1, 82, len(firms)), 0, 0.3))
    buyers, top, concentration = _buyers(firms, invoices, random)
    half = months // 2
    issued = np.maximum(invoices, 1)
    columns = {
        "invoices": invoices.astype(np.float64),
        "sales": np.round(sales),
        "sales_growth": np.log1p(amounts[:, half:].sum(axis=1)) - np.log1p(amounts[:, :half].sum(axis=1)),
        "sales_variation": amounts.std(axis=1) / np.maximum(amounts.mean(axis=1), 1.0),
        "void_rate": voids / issued,
        "return_rate": returns / issued,
        "effective_vat": _effective_vat(firms, amounts, calendar, random),
        "buyers": buyers.astype(np.float64),
        "top_buyer_share": top,
        "buyer_hhi": top**2 + (1.0 - top) ** 2 / buyers,
        "shared_buyer_share": random.binomial(buyers, _SHARED_BUYERS) / buyers,
        "core_order_trend": 0.06 * firms.shock + 0.05 * random.standard_normal(len(firms)),
    }
    return Trade(columns, invoices, concentration)


def _monthly_counts(firms: Firms, seasonal: Floats, random: np.random.Generator) -> Integers:
    """Gamma-Poisson invoice counts, (firms, months); healthy trade and good shocks make them grow."""
    months = seasonal.shape[1]
    level = 2.6 + 0.75 * firms.size + 0.30 * firms.trade + 0.85 * firms.activity
    slope = 0.008 * firms.trade + 0.003 * firms.shock
    rate = np.exp(level[:, None] + slope[:, None] * (np.arange(months) - months / 2)) * seasonal
    rate *= np.where(firms.fake, FAKE_INVOICES, 1.0)[:, None]
    # A negative binomial is a Poisson whose rate is Gamma distributed, here with shape 4.
    counts: Integers = random.negative_binomial(4, 4.0 / (4.0 + rate))
    return counts


def _monthly_amounts(firms: Firms, counts: Integers, random: np.random.Generator) -> Floats:
    """Invoiced amounts in yuan, (firms, months).

    The sum of k lognormal tickets is drawn as one lognormal with the same mean and variance (Fenton,
    1960), rather than ticket by ticket.
    """
    mu = (
        _TICKET_MU
        + _TICKET_BY_SIZE * firms.size
        + _TICKET_BY_ACTIVITY * firms.activity
        + _TICKET_BY_FIRM * random.standard_normal(len(firms))
    )
    spread = np.log1p((np.exp(_TICKET_WITHIN**2) - 1.0) / np.maximum(counts, 1))
    mean = counts * np.exp(mu + _TICKET_WITHIN**2 / 2)[:, None]
    drawn = np.sqrt(spread) * random.standard_normal(counts.shape) - spread / 2
    amounts: Floats = mean * np.exp(drawn)
    return amounts


def _void_rate(firms: Firms, random: np.random.Generator) -> Floats:
    tilt = np.exp(-0.48 * firms.trade - 0.05 * firms.conduct)
    return np.clip(random.beta(2, 22, len(firms)) * 0.96 * tilt, 0.0, 0.6)


def _buyers(firms: Firms, invoices: Integers, random: np.random.Generator) -> tuple[Integers, Floats, Floats]:
    """Number of buyers, the largest one's share of sales, and that share's standardised log-odds."""
    noise = random.standard_normal((2, len(firms)))
    expected = np.exp(3.62 + 0.50 * firms.size + 0.92 * firms.trade + 0.45 * noise[0])
    buyers = np.clip(random.poisson(expected), 1, np.maximum(invoices, 1))
    odds = -0.75 * firms.trade - 0.20 * firms.size + 0.60 * noise[1]
    top = logistic(-0.55 + odds)
    return buyers, np.where(buyers == 1, 1.0, top), odds / np.sqrt(0.75**2 + 0.20**2 + 0.60**2)


def _effective_vat(firms: Firms, amounts: Floats, calendar: Integers, random: np.random.Generator) -> Floats:
    """Output tax over sales in the window: three rates for goods as the law changed, 6 or 3 % else."""
    by_industry = np.full(len(INDUSTRIES), _STANDARD)
    by_industry[[INDUSTRIES.index("construction"), INDUSTRIES.index("logistics")]] = _TRANSPORT_AND_BUILDING
    by_industry[[INDUSTRIES.index("technology"), INDUSTRIES.index("service")]] = _SERVICES
    small = firms.size + 0.5 * random.standard_normal(len(firms)) < -1.1
    kind = np.where(small, _SMALL_SCALE, by_industry[firms.industry])
    period = np.searchsorted(_VAT_CHANGES, calendar, side="right")
    tax = (amounts * _VAT[kind[:, None], period]).sum(axis=1)
    sales = amounts.sum(axis=1)
    first = _VAT[kind, period[:, 0]]
    return np.where(sales > 0, tax / np.maximum(sales, 1e-9), first)
