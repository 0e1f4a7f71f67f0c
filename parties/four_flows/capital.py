"""Capital flow, seen by the bank: the loan, the account, and how the firm's own debtors pay.

Receivables are calibrated on IBM's "Accounts Receivable" sample (delay lognormal with a mean of 26
days, 36 % late, 68 % late if disputed), loans on the SBA's 7(a) files of fiscal years 2003 to 2006, the
price on the People's Bank of China's one-year benchmark of October 2015, which held until 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from parties.four_flows.factors import Firms
from parties.four_flows.streams import Floats, logistic

_TERMS, _TERM_SHARES = np.array([6.0, 12.0, 24.0, 36.0]), (0.15, 0.55, 0.20, 0.10)
_LATE_IF_DISPUTED = 0.68
_BENCHMARK = 0.0435
#: A bank prices no loan to a small firm below its benchmark by more than a tenth, or above four times it.
_CHEAPEST, _DEAREST = 0.9 * _BENCHMARK, 4 * _BENCHMARK

#: The columns of `account_history`, in the table's order.
HISTORY = ("interest_rate", "account_years", "account_turnover", "loans_repaid", "credit_enquiries_6m")


@dataclass(frozen=True, slots=True)
class Capital:
    """The bank's columns, and one that the outcome needs; every array has shape (firms,)."""

    columns: dict[str, Floats]
    leverage: Floats  # Log leverage, standardised.


def capital_flow(firms: Firms, random: np.random.Generator) -> Capital:
    """Draw the loan and the account at the time of the application."""
    count = len(firms)
    noise = random.standard_normal((6, count))
    log_leverage = -0.26 * firms.capital + 0.45 * noise[0]
    receivables = 5 + random.poisson(30 * np.exp(0.4 * firms.size))
    disputed = random.binomial(receivables, random.beta(2, 7, count))
    punctual = logistic(-1.10 - 0.34 * firms.capital - 0.22 * firms.shock + 0.6 * noise[1])
    late = random.binomial(disputed, _LATE_IF_DISPUTED) + random.binomial(receivables - disputed, punctual)
    delay_sd = 0.45
    delay = 0.22 * firms.capital + 0.12 * firms.shock + np.sqrt(delay_sd**2 - 0.22**2 - 0.12**2) * noise[2]
    columns = {
        "loan_amount": np.round(np.exp(12.6 + 0.7 * firms.size + 0.5 * noise[3]), -3),
        "term_months": random.choice(_TERMS, count, p=_TERM_SHARES),
        "instalments": (random.random(count) < 0.35).astype(np.float64),
        "secured": (random.random(count) < logistic(-0.3 + 0.4 * firms.size)).astype(np.float64),
        "leverage": np.exp(-0.6 + log_leverage),
        "overdrafts_12m": random.poisson(np.exp(-1.0 - 0.42 * firms.capital)).astype(np.float64),
        "average_balance": np.round(np.exp(11.0 + 0.8 * firms.size + 0.3 * firms.capital + 0.7 * noise[4])),
        "credit_utilisation": logistic(0.1 - 0.42 * firms.capital + 0.7 * noise[5]),
        "receivable_days": np.exp(np.log(26.0) - delay_sd**2 / 2 - delay),
        "late_receivables": late / receivables,
        "disputed_receivables": disputed / receivables,
        "months_on_book": 23.0 - firms.cohort,
    }
    return Capital(columns, log_leverage / np.sqrt(0.26**2 + 0.45**2))


def account_history(
    firms: Firms, loan: Mapping[str, Floats], random: np.random.Generator
) -> dict[str, Floats]:
    """What the bank's books say beside the loan and the account of `capital_flow`, each of shape (firms,).

    They follow from its columns `loan` and from the firm's age and size, so that they show nothing of the
    latent factors that those do not; drawn from a stream of their own, they leave every other column as it
    was.
    """
    count = len(firms)
    noise = random.standard_normal((2, count))
    margin = (
        0.012 + 0.006 * np.log1p(loan["leverage"]) - 0.006 * loan["secured"] + 0.0002 * loan["term_months"]
    )
    rate = np.clip(_BENCHMARK + margin + 0.006 * noise[0], _CHEAPEST, _DEAREST)
    years = np.maximum(firms.age * random.beta(2, 2, count), loan["months_on_book"] / 12)
    asked = 0.4 + 1.2 * loan["credit_utilisation"] + 0.15 * loan["overdrafts_12m"]
    return {
        "interest_rate": rate,  # Agreed for the loan: a share of the outstanding amount per year.
        "account_years": years,  # Since the firm opened its first account at this bank, in years.
        "account_turnover": np.round(
            np.exp(14.0 + 0.9 * firms.size + 0.6 * noise[1])
        ),  # Yuan credited, 12 months.
        "loans_repaid": random.poisson(0.25 * years).astype(np.float64),  # Earlier loans here, paid in full.
        "credit_enquiries_6m": random.poisson(asked).astype(
            np.float64
        ),  # By lenders, in the credit register.
    }
