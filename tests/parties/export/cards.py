"""A made-up scorecard over columns of every kind, and firms that try each of its cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from federation.credit import Binning
from federation.ids import PartyId
from parties.binning.book import BinningTable, counted
from parties.binning.fine import fine_column
from parties.dataset import ColumnRules, DatasetConfig
from parties.export.card import Characteristic, PointsCard

CONFIG = DatasetConfig(
    name="data",
    file=Path("bank.csv"),
    key="firm",
    categorical=("branch",),
    columns={
        "turnover": ColumnRules(special=(-999.0, 0.5)),
        "sector": ColumnRules(groups=(("A", "it's"), ('钢铁 \\ "x"',))),
    },
)
PLAN = Binning(bins=5, fine=12)
KINDS = {"turnover": "numbers", "late": "numbers", "sector": "levels", "state": "levels", "branch": "codes"}


def firms(rows: int = 1500, seed: int = 3) -> pd.DataFrame:
    """Numbers with codes among them, numbers without a gap, grouped levels, rare ones, numbers as levels."""
    rng = np.random.default_rng(seed)
    turnover = rng.normal(size=rows).round(3)
    turnover[rng.random(rows) < 0.1] = -999
    turnover[rng.random(rows) < 0.1] = 0.5
    turnover[rng.random(rows) < 0.1] = np.nan
    sector = rng.choice(np.array(["A", "it's", '钢铁 \\ "x"', "C", " C "], dtype=object), rows)
    state = rng.choice(
        np.array(["NY", "CA", "TX", "VT", None], dtype=object), rows, p=[0.4, 0.3, 0.2, 0.01, 0.09]
    )
    return pd.DataFrame(
        {
            "firm": [f"f{number}" for number in range(rows)],
            "turnover": turnover,
            "late": rng.poisson(3, rows) / 7,
            "sector": sector,
            "state": state,
            "branch": rng.choice([1, 2, 3.5], rows),
        }
    )


def tables(frame: pd.DataFrame) -> tuple[BinningTable, ...]:
    """Each column binned as a round does it, by made-up outcomes."""
    bad = (np.random.default_rng(5).random(len(frame)) < 0.3).astype(np.int64)
    found = []
    for column in KINDS:
        fine = fine_column(frame[column], np.ones(len(frame), dtype=np.bool_), CONFIG, PLAN, PLAN.fine, [])
        assert fine is not None
        cells = fine.codes(frame[column], CONFIG.place)
        found.append(
            counted(
                fine, np.bincount(cells, weights=bad, minlength=fine.cells).astype(np.int64), "monotone", 5
            )
        )
    return tuple(found)


def card(found: tuple[BinningTable, ...], decimals: int) -> PointsCard:
    """A scorecard with points that tell every bin from every other."""
    rng = np.random.default_rng(decimals)
    characteristics = tuple(
        Characteristic.of(
            PartyId("bank" if number < 3 else "platform"),
            f"R-bank-{number}",
            table,
            rng.permutation(np.arange(-9, len(table.rows) - 9)).tolist(),
            {"en": table.column, "zh": "原因"},
        )
        for number, table in enumerate(found)
    )
    scale = {"base_score": 600.0, "base_odds": 50.0, "pdo": 20.0}
    return PointsCard("20260301-120000-abcdef", "ab" * 32, decimals, 512, scale, characteristics)


def scores(made: PointsCard, found: tuple[BinningTable, ...], frame: pd.DataFrame) -> list[float]:
    """The score of each row as a round computes it: bins, whole points, one division."""
    total = np.full(len(frame), made.base)
    for table, each in zip(found, made.characteristics, strict=True):
        total += np.array(each.points)[table.codes(frame[table.column], CONFIG.place)]
    return [int(points) / 10**made.decimals for points in total]


def trying(frame: pd.DataFrame, found: tuple[BinningTable, ...]) -> pd.DataFrame:
    """Rows at, just below and just above every edge, levels that nobody saw, and empty cells everywhere."""
    edges = {table.column: table.cuts.edges for table in found}
    some = frame.iloc[:60].copy()
    for column in ("turnover", "late"):
        around = [np.nextafter(edge, edge + side) for edge in edges[column] for side in (-1.0, 0.0, 1.0)]
        some.loc[some.index[: len(around)], column] = around
    some.loc[some.index[-6:], ["sector", "state"]] = ["nobody", "saw"]
    some.loc[some.index[-9:-6], list(KINDS)] = None
    some.loc[some.index[-12:-9], "branch"] = 77
    return some
