"""Partners that do not exist, for a dry run at one party: their tables are made up from this party's own.

    vertical     a partner knows the same firms, by columns of numbers that bear on the outcome
    horizontal   a partner has this party's columns, and firms drawn from this party's rows with other keys
    hybrid       the consortium's own partners as in vertical, in the columns that the plan declares; in the
                 other consortia everybody, of other firms

All of it lies in the dry run's folder at this party, and is taken away with it. That every firm is common is
the most that can be: a real round has fewer rows, and costs less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from federation.errors import PlanRefused
from federation.ids import PartyId
from federation.plan import Plan
from federation.tables import Column
from parties.connectors import Snapshot
from parties.dataset import DatasetConfig
from parties.identifiers import assemble_usccs, valid_uscc
from parties.sandbox.peers import write_table

#: Of an imagined outcome: how many firms default, where no outcome is at hand.
_RATE = 0.2
#: How far the outcome moves the mean of an imagined column, in its standard deviations.
_SIGNAL = 0.6
_LABEL = "imagined_outcome"
#: The first six digits of an imagined USCC: no division of this number exists.
_NOWHERE = 990000

Outcome: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Own:
    """This party's own part: its dataset, its rows, and its place in the plan."""

    name: PartyId
    dataset: DatasetConfig
    frame: pd.DataFrame


def imagine(
    dataset: DatasetConfig,
    snapshot: Snapshot,
    plan: Plan,
    folder: Path,
    *,
    columns: int,
    seed: int,
) -> dict[PartyId, DatasetConfig]:
    """The dataset of every other party of `plan`, its table written below `folder`.

    `columns`: how many an imagined partner has where the plan declares none. Raises `PlanRefused` for a plan
    that asks another lender about rejected firms: what he knows of them cannot be made up from here.
    """
    if plan.model.kind == "rejects":
        raise PlanRefused(
            "a partner who knows the outcomes of rejected firms cannot be imagined",
            party=dataset.party,
            advice="`isthmus doctor --plan plan.toml` looks at everything that can be looked at without him.",
        )
    rng = np.random.default_rng(seed)
    own = _Own(PartyId(dataset.party), dataset, _firms(dataset, snapshot.frame))
    made = _peers(own, plan, rng) if plan.shape == "horizontal" else _consortia(own, plan, columns, rng)
    return {
        name: replace(
            config,
            name=plan.parties[name].dataset,
            file=write_table(folder, name, table, parquet=True).resolve(),
            origin=None,
            party=name,
        )
        for name, config, table in made
    }


def _firms(dataset: DatasetConfig, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows whose key the others may have too; what is wrong with the rest is for this party to hear."""
    keys = frame[dataset.key].astype("str")
    known = keys.notna() & ~keys.duplicated()
    if dataset.key_type == "uscc":
        known &= valid_uscc(keys)
    if not known.any():
        raise dataset.error(
            "no row has a key that a partner could have",
            column=dataset.key,
            advice="`isthmus data check` says what is wrong with them.",
        )
    return frame[known].reset_index(drop=True)


_Made: TypeAlias = tuple[PartyId, DatasetConfig, pd.DataFrame]


def _peers(own: _Own, plan: Plan, rng: np.random.Generator) -> Iterator[_Made]:
    for place, name in enumerate(map(PartyId, plan.parties), start=1):
        if name != own.name:
            yield name, own.dataset, _redrawn(own, place, rng)


def _redrawn(own: _Own, place: int, rng: np.random.Generator) -> pd.DataFrame:
    """Rows drawn from this party's with other keys: what belongs together in a row stays together."""
    table = own.frame.iloc[rng.integers(0, len(own.frame), len(own.frame))].reset_index(drop=True)
    table[own.dataset.key] = _keys(own.dataset, len(table), place)
    return table


def _consortia(own: _Own, plan: Plan, columns: int, rng: np.random.Generator) -> Iterator[_Made]:
    """Party by party, one consortium after the other; in a vertical plan there is one without a name."""
    names = list(map(PartyId, plan.parties))
    groups: dict[str | None, list[PartyId]] = {}
    for name in names:
        groups.setdefault(plan.parties[name].consortium, []).append(name)
    home = groups[plan.parties[own.name].consortium]
    counterpart = home.index(own.name)
    dealt = _dealt(own, plan, home, columns)
    for place, group in enumerate(groups.values(), start=1):
        redrawn = own.frame if group is home else _redrawn(own, place, rng)
        outcome = _outcome(own, redrawn, rng)
        for position, name in enumerate(group):
            if position != counterpart:
                yield _partner(own, plan, name, redrawn, outcome, dealt[position], rng)
            elif group is not home:
                yield name, own.dataset, redrawn


def _dealt(own: _Own, plan: Plan, home: list[PartyId], columns: int) -> list[dict[str, Column | None]]:
    """By place in a consortium: column -> how the plan declares it."""
    others = [place for place, name in enumerate(home) if name != own.name]
    dealt: list[dict[str, Column | None]] = [{} for _ in home]
    declared = {name: column for name, column in plan.columns.items() if name not in own.frame.columns}
    for number, (name, column) in enumerate(declared.items()):
        dealt[others[number % len(others)]][name] = column
    for place in others:
        if not plan.columns:
            dealt[place] = {f"imagined_{place + 1}_{number + 1}": None for number in range(columns)}
    return dealt


def _outcome(own: _Own, table: pd.DataFrame, rng: np.random.Generator) -> Outcome:
    """Who defaults: as this party knows it, or else a fifth at random."""
    if own.dataset.label is None:
        return rng.random(len(table)) < _RATE
    known = table[own.dataset.label].astype("str")
    last = max(known.dropna().unique(), default="")
    return np.array(known == last, dtype=np.bool_)


def _partner(
    own: _Own,
    plan: Plan,
    name: PartyId,
    firms: pd.DataFrame,
    outcome: Outcome,
    columns: dict[str, Column | None],
    rng: np.random.Generator,
) -> _Made:
    labelled = plan.parties[name].role == "label"
    table = pd.DataFrame({own.dataset.key: firms[own.dataset.key]})
    moved = rng.standard_normal((len(table), len(columns))) + _SIGNAL * outcome[:, None]
    for each, (column, declared) in enumerate(columns.items()):
        table[column] = _cells(moved[:, each], declared)
    if labelled:
        table[_LABEL] = outcome.astype(int)
    config = DatasetConfig(
        name="data",
        file=Path("imagined.parquet"),
        key=own.dataset.key,
        key_type=own.dataset.key_type,
        label=_LABEL if labelled else None,
        party=name,
        max_levels=own.dataset.max_levels,
        units={column: unit for column, unit in plan.units.items() if column in columns},
    )
    return name, config, table


def _cells(moved: NDArray[np.float64], declared: Column | None) -> NDArray[np.float64] | pd.Series[str]:
    """Normal numbers; of a declared column in its range, or its levels from the lowest numbers on."""
    if declared is None:
        return moved
    if declared.range is not None:
        low, high = declared.range
        return low + (high - low) / (1 + np.exp(-moved))
    levels = declared.levels or ()
    ranks = moved.argsort().argsort() * len(levels) // len(moved)
    return pd.Series([levels[rank] for rank in ranks], dtype="str")


def _keys(dataset: DatasetConfig, count: int, place: int) -> pd.Series[str]:
    """Keys that are no firm's, others at each place."""
    if dataset.key_type == "uscc":
        division = np.full(count, _NOWHERE + place, dtype=np.int64)
        return pd.Series(assemble_usccs(division, np.arange(count, dtype=np.int64)), dtype="str")
    return pd.Series([f"imagined-{place}-{number}" for number in range(count)], dtype="str")
