"""Firms of one kind in two or three countries, each with a bank and a platform, over real seats."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize

from crypto.private import Private
from crypto.summation.schemes import protection
from federation.ids import AGGREGATOR, PartyId
from federation.message import Role
from federation.messages.sum import Upload
from federation.plan import Plan
from federation.secure_sum.adder import Adder
from federation.session import Session
from parties.dataset import DatasetConfig
from parties.keys import KeyReport
from parties.round.rows import OwnTable
from tests.seats import run_seats

Floats = npt.NDArray[np.float64]
PLACES = {"bank": Role.LABEL, "platform": Role.HELPER}
COLUMNS: dict[str, Any] = {
    "tenor": {"range": [-3.0, 3.0]},
    "debt": {"range": [0.0, 60.0]},
    "late": {"range": [-3.0, 3.0]},
    "branch": {"levels": ["a", "b", "c", "d"]},
}
#: The slopes that all countries share; the intercept is each country's own.
#: How far `tenor` and `late` spread in each country: what its rows know of either slope.
SPREADS = {"a": (1.5, 0.3), "b": (0.3, 1.5), "c": (1.0, 1.0)}
SLOPES = {"tenor": 0.5, "debt": -0.4, "late": 0.9}


def plan_of(countries: int, **tables: Any) -> Plan:
    """A plan over `countries` consortia of a bank and a platform; noise where there are two."""
    names = "abc"[:countries]
    parties = {
        f"{place}-{country}": {
            "consortium": country,
            "role": "label" if place == "bank" else "feature",
        }
        for country in names
        for place in PLACES
    }
    small = {"alignment": {"minimum_intersection": 50}, "sum": {"protection": "mask"}}
    noise = {"unit": "party", "noise_multiplier": 0.002, "epsilon": 1e6}
    return Plan.model_validate(
        {
            "name": "two-countries",
            "purpose": "credit-scoring",
            "shape": "hybrid",
            "parties": parties,
            "columns": COLUMNS,
            "privacy": noise if countries == 2 else {},
            "training": {"rounds": 2, "mu": 0.03},
            **small,
            **tables,
        }
    )


def country_of(name: str) -> str:
    return name.rpartition("-")[2]


def place_of(name: str) -> str:
    return name.rpartition("-")[0]


def firms(country: str, rows: int) -> pd.DataFrame:
    """All columns of one country's firms, with the outcome; its base rate is its own."""
    generator = np.random.default_rng(40 + "abc".index(country))
    tenor, late = (spread * generator.normal(size=rows) for spread in SPREADS[country])
    debt = generator.lognormal(1.5, 0.9, rows)
    branch = generator.choice(["a", "b", "c", "d"], rows, p=[0.5, 0.3, 0.19, 0.01])
    risk = SLOPES["tenor"] * tenor + SLOPES["debt"] * np.log(debt) + SLOPES["late"] * late
    risk = risk + 0.8 * (branch == "b") - 0.5 + 0.4 * "abc".index(country)
    bad = (risk + generator.logistic(size=rows) > 0).astype(np.int64)
    gaps = generator.random(rows) < 0.05
    return pd.DataFrame(
        {
            "firm": [f"{country}-{number:05d}" for number in range(rows)],
            "tenor": tenor,
            "debt": np.where(gaps, np.nan, debt),
            "late": late,
            "branch": branch,
            "defaulted": bad,
        }
    )


HOLDS = {"bank": ["firm", "tenor", "debt", "defaulted"], "platform": ["firm", "late", "branch"]}


def dataset(name: str) -> DatasetConfig:
    label = "defaulted" if place_of(name) == "bank" else None
    return DatasetConfig("data", Path(f"{name}.csv"), "firm", label=label, party=name)


def table(name: str, rows: int) -> OwnTable:
    """A party's table, aligned by construction."""
    frame = firms(country_of(name), rows)[HOLDS[place_of(name)]]
    ids = tuple(firm.encode() for firm in frame["firm"])
    return OwnTable(Private(frame), Private(ids), Private(np.arange(rows)), KeyReport(rows, 0, 0, 0))


def run_consortia(
    plan: Plan, part: Callable[[Session], Any], *, sums: int, patience: float = 30
) -> Mapping[str, Any]:
    """`part` at every party of `plan`, beside an aggregator that adds so many `sums` of each."""
    homes = plan.consortia()

    def aggregator(session: Session) -> None:
        adder = Adder(session, protection(plan.sum.protection))
        for _ in range(sums):
            for name in session.seating.parties:
                adder.take(name, session.receive(name, Upload))

    roles = {str(name): role for name, role in plan.roles().items()}
    return run_seats(
        roles,
        {**dict.fromkeys(homes, part), AGGREGATOR: aggregator},
        patience=patience,
        see=lambda _, seats: dataclasses.replace(seats, consortia=homes, plan_digest=plan.digest),
    )


def pooled_slopes(parts: Sequence[tuple[Any, Any]], l2: float) -> Floats:
    """Slopes of one ridge fit over the rows of all countries, (n x d, n) each, with an intercept for each."""
    width = parts[0][0].shape[1]

    def loss(theta: Any) -> tuple[float, Any]:
        slopes, total, gradient = theta[:width], 0.0, np.zeros_like(theta)
        for place, (encoded, labels) in enumerate(parts):
            z = encoded @ slopes + theta[width + place]
            off = 1 / (1 + np.exp(-z)) - labels
            total += np.logaddexp(0, z).sum() - labels @ z
            gradient[:width] += encoded.T @ off
            gradient[width + place] = off.sum()
        gradient[:width] += l2 * slopes
        return total + l2 / 2 * slopes @ slopes, gradient

    start = np.zeros(width + len(parts))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return np.asarray(found.x[:width])


def parties_of(plan: Plan, place: str) -> list[PartyId]:
    return [PartyId(name) for name in plan.parties if place_of(name) == place]
