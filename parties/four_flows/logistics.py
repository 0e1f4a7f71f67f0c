"""Logistics flow: what was shipped, on time or not, and how long the stock lay.

The carriers' electronic waybills are with the public-data holder; punctuality and stock are with the
platform. Invoices are with the platform alone. So whoever invoices trade that did not happen shows it
in neither table, and only where the two are joined: fewer waybills than the invoices call for.
"""

from __future__ import annotations

import numpy as np

from parties.four_flows.factors import INDUSTRIES, Firms
from parties.four_flows.streams import Floats, Integers, logistic
from parties.four_flows.trade import FAKE_INVOICES

#: Waybills for each genuine invoice: goods travel, services mostly do not.
WAYBILLS_PER_INVOICE = dict(zip(INDUSTRIES, (0.80, 0.80, 0.70, 0.80, 0.30, 0.30), strict=True))
#: A firm that fakes trade ships a fifth less, as it passes genuine goods through others' books.
_FAKE_SHIPPING = float(np.exp(-0.25))


def waybills(firms: Firms, invoices: Integers, random: np.random.Generator) -> Floats:
    """Waybills registered over the window, shape (firms,)."""
    intensity = np.array(list(WAYBILLS_PER_INVOICE.values()))[firms.industry]
    genuine = np.where(firms.fake, invoices / FAKE_INVOICES * _FAKE_SHIPPING, invoices)
    habit = np.exp(0.22 * random.standard_normal(len(firms)))
    bills: Floats = random.poisson(genuine * intensity * habit).astype(np.float64)
    return bills


def platform_logistics(firms: Firms, random: np.random.Generator) -> dict[str, Floats]:
    """On-time rate and days of stock, each of shape (firms,)."""
    noise = random.standard_normal((2, len(firms)))
    return {
        "on_time_rate": logistic(1.9 + 0.34 * firms.operations + 0.5 * noise[0]),
        "stock_days": np.exp(3.5 - 0.22 * firms.operations + 0.45 * noise[1]),
    }
