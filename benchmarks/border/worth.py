"""What protection costs and what the model is worth under it: own columns, fused, and all in one place.

The pooled model is what nobody has: scikit-learn's logistic regression on the tables put together, trained
and tested on the very rows of the run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from benchmarks.border.firms import Case as Firms
from benchmarks.border.firms import horizontal, vertical
from benchmarks.border.papers import Setting
from benchmarks.border.playing import Played, play
from benchmarks.border.results import Utility
from benchmarks.border.staging import prepared, settled
from federation.ids import PartyId
from parties.evaluation.delong import auc
from parties.evaluation.inputs import labelled

_KEY, _LABEL = "uscc", "overdue"
_ROUNDS = {"rounds": 3, "local_epochs": 2}
_NOISE = {"unit": "record", "noise_multiplier": 1.5, "epsilon": 50.0}


def _sums(**tables: Any) -> Callable[[int], Firms]:
    return lambda seed: horizontal(seed, 3, training=_ROUNDS, **tables)


def _shares(seed: int) -> Firms:
    return vertical(seed, 4, ("bank", "platform", "registry", "supplier"), model={"max_iterations": 8})


#: Scenario -> level of protection -> the plan with it.
LEVELS: Mapping[str, Mapping[str, Callable[[int], Firms]]] = {
    "S2": {"shares under encryption": _shares},
    "S10": {
        "sums under encryption": _sums(sum={"protection": "he"}),
        "masked sums": _sums(sum={"protection": "mask"}),
        "masked sums, noise for each record": _sums(sum={"protection": "mask"}, privacy=_NOISE),
    },
}


def utilities(setting: Setting, seed: int, folder: Path) -> tuple[Utility, ...]:
    """Each level of a scenario's protection, played below `folder`; none where it has no levels.

    Raises the round's cause where one did not finish: of such a round there is no figure.
    """
    levels = LEVELS.get(setting.id, {})
    return tuple(
        _measured(name, replace(setting, firms=firms), seed, folder / str(place))
        for place, (name, firms) in enumerate(levels.items())
    )


def _measured(protection: str, setting: Setting, seed: int, folder: Path) -> Utility:
    plan = prepared(setting, seed, folder / "papers")
    sandbox = settled(plan, folder / "federation")
    cpu, wall = time.process_time(), time.perf_counter()
    played = play(sandbox)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if played.cause is not None:
        raise played.cause
    plain = time.process_time()
    local, fused, pooled = (_vertical if plan.firms.plan.shape == "vertical" else _horizontal)(
        plan.firms, played
    )
    plain = time.process_time() - plain
    moved = {
        name: frame
        for name, frame in plan.firms.tables.items()
        if plan.firms.plan.parties[name].role != "label"
    }
    return Utility(
        protection,
        auc_local=round(local, 4),
        auc_fused=round(fused, 4),
        auc_pooled=round(pooled, 4),
        bytes_sent=sum(frame.size for frames in played.frames.values() for frame in frames),
        raw_bytes=sum(len(frame.to_csv(index=False).encode()) for frame in moved.values()),
        cpu_seconds=round(cpu, 2),
        plain_cpu_seconds=round(plain, 4),
        wall_seconds=round(wall, 2),
    )


def _vertical(firms: Firms, played: Played) -> tuple[float, float, float]:
    """AUC of the label party's own columns, of the fused model and of the pooled one, on its test rows."""
    label = next(name for name, party in firms.plan.parties.items() if party.role == "label")
    evaluation, rows, training = _round(played, label)
    own = firms.tables[label].iloc[rows].set_index(_KEY)
    joined = own
    for name, frame in firms.tables.items():
        joined = joined if name == label else joined.join(frame.set_index(_KEY), how="left")
    pooled = _fitted(joined[training])
    return (
        float(evaluation["bank_only"]["auc"]),
        float(evaluation["fused"]["auc"]),
        _auc(pooled, joined[~training]),
    )


def _horizontal(firms: Firms, played: Played) -> tuple[float, float, float]:
    """The same, over each party's own test rows: the mean of the parties."""
    rounds = {name: _round(played, name) for name in firms.tables}
    tables = {name: frame.iloc[rounds[name][1]].set_index(_KEY) for name, frame in firms.tables.items()}
    trained = pd.concat([frame[rounds[name][2]] for name, frame in tables.items()])
    pooled = _fitted(trained)
    aucs = [
        (
            float(rounds[name][0]["local"]["auc"]),
            float(rounds[name][0]["federated"]["auc"]),
            _auc(pooled, frame[~rounds[name][2]]),
        )
        for name, frame in tables.items()
    ]
    local, fused, together = np.mean(aucs, axis=0)
    return float(local), float(fused), float(together)


def _round(played: Played, name: str) -> tuple[dict[str, Any], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """A party's own figures of the round, the rows of its table that took part, and which of them trained."""
    folder = played.sandbox.parties[PartyId(name)].round_folder(played.run)
    found = json.loads((folder / "evaluation.json").read_bytes())
    with np.load(folder / "rows.npz") as kept:
        return found, kept["rows"], kept["training"]


Fitted = tuple[StandardScaler, LogisticRegression]


def _fitted(frame: pd.DataFrame) -> Fitted:
    scaler = StandardScaler().fit(frame.drop(columns=_LABEL))
    return scaler, LogisticRegression().fit(scaler.transform(frame.drop(columns=_LABEL)), frame[_LABEL])


def _auc(fitted: Fitted, frame: pd.DataFrame) -> float:
    scaler, model = fitted
    return auc(
        labelled(frame[_LABEL], model.decision_function(scaler.transform(frame.drop(columns=_LABEL))))
    ).auc
