"""Small made-up firms, and a plan of each kind that trains on them in a second or so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from federation.ids import PartyId
from federation.plan import Plan
from parties.dataset import DatasetConfig
from parties.identifiers import assemble_usccs

_FIRMS, _ALONE = 260, 12
_PURPOSE = "credit-scoring"


@dataclass(frozen=True, slots=True)
class Case:
    """What a round is played with: the parties' tables, and the plan."""

    kind: str
    tables: Mapping[str, pd.DataFrame]
    plan: Plan

    def datasets(self, folder: Path) -> dict[PartyId, DatasetConfig]:
        """The tables written below `folder`, described as their owners would."""
        return {PartyId(name): _written(folder, name, frame) for name, frame in self.tables.items()}


def _written(folder: Path, name: str, frame: pd.DataFrame) -> DatasetConfig:
    file = folder / "parties" / name / f"{name}.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(file, index=False)
    label = "overdue" if "overdue" in frame.columns else None
    return DatasetConfig(name="data", file=file, key="uscc", key_type="uscc", label=label, party=name)


def vertical(
    seed: int, parties: int = 2, names: tuple[str, ...] = ("bank", "platform", "public"), **model: Any
) -> Case:
    """Other columns of the same firms at the first `parties` of `names`; the first has the outcomes."""
    drawn = np.random.default_rng(seed)
    signal = drawn.normal(size=(2 * parties, _FIRMS))
    outcome = (drawn.random(_FIRMS) < 1 / (1 + np.exp(-signal.sum(axis=0)))).astype(np.int64)
    names = names[:parties]
    tables = {}
    for place, name in enumerate(names):
        columns = {
            f"{name}_turnover": np.exp(signal[2 * place]).round(6),
            f"{name}_margin": signal[2 * place + 1].round(6),
        }
        if place == 0:
            columns["overdue"] = outcome
        tables[name] = _rows(drawn, columns, _codes(_FIRMS, 0), (place + 1) * 10_000)
    plan = _plan(names, {names[0]: {"role": "label"}}, alignment={"minimum_intersection": 100}, **model)
    return Case(str(plan.model.kind), tables, plan)


def horizontal(seed: int, parties: int = 3, **model: Any) -> Case:
    """The same columns of other firms at each party."""
    drawn = np.random.default_rng(seed)
    names = tuple(f"bank-{place}" for place in range(parties))
    tables = {}
    for place, name in enumerate(names):
        turnover, margin = drawn.normal(size=(2, _FIRMS))
        outcome = drawn.random(_FIRMS) < 1 / (1 + np.exp(-turnover - margin))
        columns = {"turnover": turnover.round(6), "margin": margin.round(6)}
        columns["overdue"] = outcome.astype(np.int64)
        tables[name] = pd.DataFrame({"uscc": _codes(_FIRMS, 10_000 * place), **columns})
    said = {"training": {"rounds": 2, "local_epochs": 1}, "sum": {"protection": "mask"}, **model}
    plan = _plan(names, {}, shape="horizontal", **said)
    return Case(f"horizontal {plan.model.kind}", tables, plan)


#: Every kind of plan that a clean round is played of.
KINDS: tuple[Callable[[int], Case], ...] = (
    lambda seed: vertical(seed, model={"max_iterations": 2}),
    lambda seed: horizontal(seed, 3),
    lambda seed: vertical(seed, 3, model={"max_iterations": 2}),
    lambda seed: horizontal(seed, 4, model={"kind": "mlp", "hidden": [4]}),
    lambda seed: vertical(seed, model={"kind": "boosting"}, boosting={"trees": 2, "max_depth": 2}),
    lambda seed: vertical(seed, model={"kind": "scorecard", "max_iterations": 2}),
)


def clean(number: int) -> Case:
    """Case `number` of the clean ones: kinds in turn, another seed for each."""
    return KINDS[number % len(KINDS)](number)


def _plan(names: tuple[str, ...], said: Mapping[str, Any], **tables: Any) -> Plan:
    parties = {name: dict(said.get(name, {})) for name in names}
    return Plan.model_validate({"name": "border", "purpose": _PURPOSE, "parties": parties, **tables})


def _rows(
    drawn: np.random.Generator, columns: Mapping[str, Any], codes: list[str], first: int
) -> pd.DataFrame:
    """The common firms, and a few that the party alone has, in an order of its own."""
    common = pd.DataFrame({"uscc": codes, **columns})
    own = common.iloc[:_ALONE].assign(uscc=_codes(_ALONE, first))
    whole = pd.concat([common, own], ignore_index=True)
    return whole.iloc[drawn.permutation(len(whole))].reset_index(drop=True)


def _codes(count: int, first: int) -> list[str]:
    serials = np.arange(first, first + count, dtype=np.int64) + 31**7
    return [str(code) for code in assemble_usccs(np.full(count, 440_300, dtype=np.int64), serials)]
