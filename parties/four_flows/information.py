"""Information flow: the machines' telemetry at the platform, the registers at the public-data holder.

Telemetry is calibrated on the UCI "Steel Industry Energy Consumption" set (weekday and weekend load),
registers on Spanish SMEs 1998-2003 (court cases at 48 % of later bankrupts against 5 % of the others).
"""

from __future__ import annotations

import numpy as np

from parties.four_flows.factors import Firms
from parties.four_flows.streams import Floats, logistic
from parties.four_flows.trade import season

TAX_GRADES = ("D", "C", "B", "A")
_GRADE_EDGES = (-1.9, -0.85, 0.9)


def telemetry(firms: Firms, months: int, random: np.random.Generator) -> dict[str, Floats]:
    """Energy and machine states over the window, each of shape (firms,)."""
    count = len(firms)
    noise = random.standard_normal((7, count))
    seasonal, _ = season(firms, months)
    half = months // 2
    level = 6.0 + 0.7 * firms.size + 0.15 * firms.operations + 0.8 * noise[0]
    slope = 0.010 * firms.operations + 0.012 * noise[1]
    wobble = 0.12 * random.standard_normal((count, months))
    # A plant idles over the festival, but its base load does not: half of the season shows.
    load = np.exp(level[:, None] + slope[:, None] * (np.arange(months) - months / 2) + wobble)
    kwh = load * (0.5 + 0.5 * seasonal)
    festival = np.where(seasonal < 0.5, kwh, 0.0).sum(axis=1) / (seasonal < 0.5).sum(axis=1)
    weekend = logistic(np.where(firms.industry == 0, -0.6, 0.4) + 0.15 * firms.operations + 0.4 * noise[2])
    return {
        "kwh": np.round(kwh.sum(axis=1)),
        "kwh_trend": np.log(kwh[:, half:].sum(axis=1)) - np.log(kwh[:, :half].sum(axis=1)),
        "weekend_load": weekend,  # Mean load on Saturdays and Sundays over that on working days.
        "festival_load": festival / kwh.mean(axis=1),
        "utilisation": logistic(0.6 + 0.40 * firms.operations + 0.5 * noise[3]),
        "oee_spread": np.exp(-1.9 - 0.22 * firms.operations + 0.35 * noise[4]),
        "defect_rate": logistic(-3.6 - 0.30 * firms.operations + 0.6 * noise[5]),
        "devices_online": logistic(2.2 + 0.35 * firms.operations + 0.7 * noise[6]),
    }


def log_lawsuits(firms: Firms) -> Floats:
    """Log of the court cases to expect before the loan: rare, but many where all goes wrong."""
    return -4.65 - 1.1 * firms.conduct - 0.55 * firms.capital + 1.3 * firms.distress


def registers(firms: Firms, random: np.random.Generator) -> dict[str, Floats]:
    """Court, tax and company registers before the loan, each of shape (firms,)."""
    count = len(firms)
    noise = random.standard_normal((2, count))
    conduct, capital = firms.conduct, firms.capital
    filing = logistic(-2.5 - 0.60 * conduct)
    return {
        "age_years": firms.age,
        "employees": np.round(np.exp(2.5 + 0.75 * firms.size + 0.1 * firms.operations + 0.15 * noise[0])),
        "court_cases": random.poisson(np.exp(np.minimum(log_lawsuits(firms), 1.2))).astype(np.float64),
        "penalties": random.poisson(np.exp(-2.6 - 0.55 * conduct)).astype(np.float64),
        "registry_changes": random.poisson(0.5 + 0.25 * (conduct < 0)).astype(np.float64),
        "late_filing": (random.random(count) < filing).astype(np.float64),
        "late_tax_payments": random.poisson(np.exp(-1.9 - 0.25 * capital - 0.45 * conduct)).astype(
            np.float64
        ),
        "tax_grade": np.digitize(conduct + 0.3 * capital + 0.5 * noise[1], _GRADE_EDGES).astype(np.float64),
    }
