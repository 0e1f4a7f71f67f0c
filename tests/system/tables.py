"""Small tables for three parties, with canaries in each: rows that would be recognised anywhere.

Firms that all three know, firms of one party alone, and among both 32 whose identifiers and values stand in
no other table. Beside the good dataset, `data`, every party has some that a round must refuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tests.system.federation import Table

COMMON, ALONE, CANARIES = 1200, 100, 32
PARTIES = ("bank", "platform", "public")


@dataclass(frozen=True)
class Canary:
    """What one party alone holds: identifiers of its own firms, values of its own cells, one odd word."""

    party: str
    identifiers: tuple[str, ...]
    values: tuple[float, ...]
    text: str


def canary(party: str) -> Canary:
    place = PARTIES.index(party)
    return Canary(
        party,
        tuple(f"Żółw-{party}-{number:02d}-gęś" for number in range(CANARIES)),
        tuple(918273645.0123 + 100_000 * place + 307.25 * number for number in range(CANARIES)),
        f"Kürbiskernöl aus {party}",
    )


def write_tables(folder: Path) -> list[Table]:
    """Every dataset of every party, written below `folder`, with its lines of party.toml."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = {party: _frame(party) for party in PARTIES}
    good = {party: _written(folder, party, frame) for party, frame in frames.items()}
    bank, platform = frames["bank"], frames["platform"]
    infinite = platform.assign(late=platform["late"].mask(platform.index % 100 == 3, np.inf))
    wide = platform.assign(**{f"wide{n:02d}": _numbers(n, len(platform)) for n in range(30)})
    few = pd.concat([platform.iloc[:150], platform.iloc[COMMON + CANARIES :]])
    levels = platform.assign(branch=[f"branch-{n % 200}" for n in range(len(platform))])
    label = 'label = "defaulted"\nexclude = ["grade", "early"]'
    return [
        Table("bank", "data", good["bank"], f'key = "firm"\n{label}'),
        Table("bank", "wrong_key", good["bank"], f'key = "company"\n{label}'),
        Table("bank", "no_label_column", good["bank"], 'key = "firm"\nlabel = "outcome"'),
        Table("bank", "no_label", good["bank"], 'key = "firm"'),
        Table("bank", "three_labels", good["bank"], 'key = "firm"\nlabel = "grade"'),
        Table("bank", "label_gaps", good["bank"], 'key = "firm"\nlabel = "early"'),
        Table(
            "bank", "one_label", _written(folder, "one", bank.assign(defaulted=0)), f'key = "firm"\n{label}'
        ),
        Table("platform", "data", good["platform"], 'key = "firm"\nunits = { turnover = "CNY" }'),
        Table("platform", "other_unit", good["platform"], 'key = "firm"\nunits = { turnover = "10k-CNY" }'),
        Table("platform", "infinite", _written(folder, "infinite", infinite), 'key = "firm"'),
        Table("platform", "levels", _written(folder, "levels", levels), 'key = "firm"'),
        Table("platform", "wide", _written(folder, "wide", wide), 'key = "firm"'),
        Table("platform", "few", _written(folder, "few", few), 'key = "firm"'),
        Table("platform", "absent", folder / "absent.csv", 'key = "firm"'),
        Table("public", "data", good["public"], 'key = "firm"\ncategorical = ["sector"]'),
    ]


def _written(folder: Path, name: str, frame: pd.DataFrame) -> Path:
    path = folder / f"{name}.csv"
    frame.to_csv(path, index=False)
    return path


def _numbers(seed: int, rows: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(seed).normal(size=rows).round(4)


def _frame(party: str) -> pd.DataFrame:
    """Common firms first, then the party's own canaries, then its other firms; 32 common ones are canaries
    in their values too."""
    own = canary(party)
    shared = np.random.default_rng(1)
    risk = shared.normal(size=COMMON)
    place = PARTIES.index(party)
    alone = np.random.default_rng(100 + place)
    rows = COMMON + CANARIES + ALONE
    risk = np.concatenate([risk, alone.normal(size=rows - COMMON)])
    firms = [f"firm-{number:05d}" for number in range(COMMON)]
    firms += [*own.identifiers, *(f"{party}-only-{number:04d}" for number in range(ALONE))]
    turnover = (9e8 + 3e7 * (risk + alone.normal(size=rows))).round(2)
    turnover[:CANARIES] = own.values
    turnover[COMMON : COMMON + CANARIES] = own.values
    frame = pd.DataFrame({"firm": firms, "turnover": turnover})
    if party == "bank":
        defaulted = (risk + alone.logistic(size=rows) > 1.2).astype(int)
        early = pd.Series(defaulted, dtype="Int64").mask(pd.Series(alone.random(rows) < 0.05))
        return frame.assign(
            tenor=alone.integers(3, 60, rows),
            fixed=7,
            defaulted=defaulted,
            grade=defaulted + (risk < -1),
            early=early,
        )
    if party == "platform":
        return frame.assign(late=(risk + alone.normal(size=rows)).round(4), orders=alone.poisson(20, rows))
    sector = np.array(["mining", "steel", "glass", "paper"], dtype=object)[alone.integers(0, 4, rows)]
    sector[:CANARIES] = sector[COMMON : COMMON + CANARIES] = own.text
    return frame.assign(sector=sector, tax=(2 * risk + alone.normal(size=rows)).round(4))
