"""What boosted trees across two parties cost, over real sessions in one process; XGBoost on pooled data."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import roc_auc_score

from benchmarks.progress import Say, silent
from benchmarks.speed.measuring import Figures, Meter, cast, medians, peak_memory_mb, timed
from crypto.codes import Code
from crypto.errors import UsageError
from crypto.histogram import HistogramScheme
from crypto.histogram.scheme import Prefer
from crypto.identity import Identity
from federation.credit import Boosting
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.message import Role
from federation.rehearsal import Part, rehearse, seat_everyone
from federation.session import Session
from parties.binning.cuts import Codes, Cuts, quantile_edges
from parties.boosting.candidates import Candidates, candidates
from parties.boosting.feature import FeatureSide
from parties.boosting.growing import Marks
from parties.boosting.label import RemoteColumns
from parties.boosting.objective import Floats
from parties.boosting.scoring import receive_sides, send_sides
from parties.boosting.training import train
from parties.boosting.trees import total

_PATIENCE = 600.0
_TRAINING = 24_000
_TEST = 6_000
#: Columns of the two parties; the label party's first.
_WIDTHS = (13, 10)
_FILES = ("default_credit_hetero_guest.csv.gz", "default_credit_hetero_host.csv.gz")


@dataclass(frozen=True, slots=True)
class Table:
    """Two parties' columns of the same rows (n x d each), outcomes, which rows train."""

    columns: Mapping[PartyId, Floats]
    labels: npt.NDArray[np.int8]
    training: Marks


@dataclass(frozen=True, slots=True)
class _Binned:
    """One party's columns in bins."""

    cuts: Sequence[Cuts]
    codes: Sequence[Codes]

    def of(self, rows: Marks) -> list[Codes]:
        return [codes[rows] for codes in self.codes]

    def offered(self, rows: Marks) -> Candidates:
        return candidates(self.cuts, self.of(rows), np.ones(int(rows.sum()), bool), ["none"] * len(self.cuts))


def measure(
    trees: int = 10,
    depth: int = 5,
    bins: int = 32,
    prefer: Prefer = "speed",
    repeat: int = 3,
    *,
    minimum_support: int = 50,
    data: Path | None = None,
    seed: int = 0,
    say: Say = silent,
) -> Figures:
    """Boost 10 + 13 columns of two parties, `repeat` times with fresh keys; medians.

    `data`: a folder with default_credit in FATE's split (guest: 13 columns and the label); generated rows of
    the same size without. 24,000 rows train and 6,000 test, drawn by `seed`. auc is of the test rows, by the
    trees that the parties grew together; auc_pooled by XGBoost's `hist` on the pooled columns, in the same
    bins and with the same parameters; it knows no minimum support, so with 0 rounding alone differs.
    cpu_s_per_tree is all roles' processor seconds in a tree, cpu_s each role's in all, xgboost_cpu_s_per_tree
    XGBoost's on one core. bytes is what left all seats, by message type; bytes_per_tree leaves out keys.
    """
    xgboost = _xgboost()
    parties = list(cast(2))[:-1]
    table = _credit(data, parties, seed) if data is not None else sample(parties, seed)
    settings = Boosting(trees=trees, max_depth=depth, max_bin=bins, prefer=prefer)
    binned = {party: _binned(table, party, bins) for party in parties}
    pooled, plain = _pooled(xgboost, table, list(binned.values()), settings)
    runs = []
    for number in range(1, repeat + 1):
        note = partial(_say_tree, say, f"repetition {number} of {repeat}")
        runs.append(_once(table, binned, settings, minimum_support, seed, note))
    said = {"trees": trees, "depth": depth, "bins": bins, "minimum_support": minimum_support}
    reference = {
        "auc_pooled": float(roc_auc_score(table.labels[~table.training], pooled)),
        "xgboost_cpu_s_per_tree": plain / trees,
    }
    return {"rows": _TRAINING, **said, "repeat": repeat, **medians(runs), **reference}


def sample(parties: list[PartyId], seed: int) -> Table:
    """Rows of the same size: two correlated blocks of columns, outcomes that no straight line explains."""
    generator = np.random.default_rng(seed)
    rows = _TRAINING + _TEST
    common = generator.normal(size=(rows, 4))
    blocks = [
        common @ generator.normal(size=(4, width)) + 1.5 * generator.normal(size=(rows, width))
        for width in _WIDTHS
    ]
    every = np.hstack(blocks)
    weights = generator.normal(size=every.shape[1]) * 0.12
    logits = every @ weights + 0.3 * np.sin(every[:, 2]) * every[:, 15] - 1.4
    labels = (generator.random(rows) < 1 / (1 + np.exp(-logits))).astype(np.int8)
    return Table(dict(zip(parties, blocks, strict=True)), labels, _split(generator, rows))


def _credit(folder: Path, parties: list[PartyId], seed: int) -> Table:
    frames = []
    for name in _FILES:
        try:
            frames.append(pd.read_csv(folder / name).set_index("id"))
        except (OSError, KeyError, ValueError):
            raise UsageError(
                f"no {name} of FATE's benchmarks there",
                file=str(folder),
                advice="Name the folder that has it.",
            ) from None
    guest, host = frames
    host = host.loc[guest.index]
    blocks = [frame.to_numpy(np.float64) for frame in (guest.drop(columns="y"), host)]
    labels = guest["y"].to_numpy(np.int8)
    marks = _split(np.random.default_rng(seed), len(labels))
    return Table(dict(zip(parties, blocks, strict=True)), labels, marks)


def _split(generator: np.random.Generator, rows: int) -> Marks:
    training = np.zeros(rows, dtype=np.bool_)
    training[generator.permutation(rows)[:_TRAINING]] = True
    return training


def _binned(table: Table, party: PartyId, most: int) -> _Binned:
    """Quantile bins of the training rows, at both parties alike: XGBoost is given the same."""
    cuts, codes = [], []
    for number, values in enumerate(table.columns[party].T):
        edges = quantile_edges(values[table.training], most, 0)
        cuts.append(Cuts(f"x{number}", True, edges))
        codes.append(np.searchsorted(np.array(edges), values, side="right").astype(np.uint8))
    return _Binned(cuts, codes)


def _pooled(xgboost: Any, table: Table, binned: list[_Binned], settings: Boosting) -> tuple[Floats, float]:
    """XGBoost's logits of the test rows and its processor seconds for training, on the parties' bins."""
    codes = np.stack([codes for party in binned for codes in party.codes], axis=1).astype(np.float32)
    labels = table.labels[table.training]
    parameters = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_bin": 256,  # The bins are the values, so each is a bin.
        "max_depth": settings.max_depth,
        "eta": settings.learning_rate,
        "lambda": settings.l2,
        "gamma": settings.gamma,
        "min_child_weight": settings.min_child_weight,
        "base_score": float(labels.mean()),
        "nthread": 1,
    }
    known = xgboost.DMatrix(codes[table.training], label=labels, nthread=1)
    booster, seconds = timed(lambda: xgboost.train(parameters, known, settings.trees))
    return booster.predict(xgboost.DMatrix(codes[~table.training], nthread=1), output_margin=True), seconds


def _once(
    table: Table,
    binned: Mapping[PartyId, _Binned],
    settings: Boosting,
    minimum_support: int,
    seed: int,
    say: Callable[[int], None],
) -> Figures:
    roles = cast(len(binned))
    identities = {seat: Identity.generate() for seat in roles}
    seating = seat_everyone(roles, identities, run=RunId("speed"), patience=_PATIENCE)
    parts: dict[PartyId, Part[Floats | None]] = {
        party: _party(table, own, settings, minimum_support, seed, say) for party, own in binned.items()
    }
    with Meter() as meter:
        done = rehearse(seating, identities, {**parts, AGGREGATOR: lambda session: None})
    cpu = {seat: done.cpu_seconds[seat] for seat in roles}
    meter.check(cpu)
    (logits,) = (found for found in done.results.values() if found is not None)
    sizes = done.bytes_by_type()
    once = sum(sizes[name] for name in ("boosting/key", "boosting/scores", "session/greeting"))
    return {
        "cpu_s_per_tree": sum(cpu.values()) / settings.trees,
        "cpu_s": cpu,
        "bytes": sizes,
        "bytes_total": sum(sizes.values()),
        "bytes_per_tree": (sum(sizes.values()) - once) // settings.trees,
        "auc": float(roc_auc_score(table.labels[~table.training], logits)),
        "peak_memory_mb": peak_memory_mb(),
    }


def _party(
    table: Table,
    own: _Binned,
    settings: Boosting,
    minimum_support: int,
    seed: int,
    say: Callable[[int], None],
) -> Part[Floats | None]:
    """One party's side, from bins to the opened scores of the test rows."""
    training, test = table.training, ~table.training
    rows = int(test.sum())

    def sides(splits: Sequence[tuple[int, Marks]]) -> Marks:
        codes = own.of(test)
        found = np.zeros((rows, len(splits)), dtype=np.bool_)
        for number, (column, bins) in enumerate(splits):
            found[:, number] = bins[codes[column]]
        return found

    def play(session: Session) -> Floats | None:
        scheme, offered, codes = HistogramScheme(settings.prefer), own.offered(training), own.of(training)
        if session.role is not Role.LABEL:
            side = FeatureSide(
                session,
                scheme,
                offered,
                codes,
                int(training.sum()),
                minimum_support=minimum_support,
                max_depth=settings.max_depth,
            )
            side.train()
            send_sides(session, sides(side.splits))
            return None
        remote = RemoteColumns(session, scheme, minimum_support)
        labels = table.labels[training]
        trained = train(session.me, offered, codes, labels, settings, seed, remote, scheme.modulus, say)
        others = receive_sides(session, rows, remote.splits)
        return total(trained.base, trained.trees, rows, {**others, session.me: sides(trained.splits)})

    return play


def _say_tree(say: Say, before: str, tree: int) -> None:
    say(f"{before}, tree {tree}")


def _xgboost() -> Any:
    try:
        return importlib.import_module("xgboost")
    except ImportError:
        raise UsageError(
            "XGBoost, which the trees are compared with, is not installed",
            advice="Install it beside Isthmus: pip install xgboost-cpu",
            code=Code.PACKAGE_MISSING,
        ) from None
