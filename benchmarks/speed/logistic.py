"""What training a hidden vertical logistic regression costs, over real sessions in one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.progress import Say, silent
from benchmarks.speed.measuring import Figures, Meter, cast, medians, peak_memory_mb, timed
from crypto.bfv import Scheme
from crypto.errors import UsageError
from crypto.identity import Identity
from crypto.private import Private
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.message import Role
from federation.rehearsal import Part, rehearse, seat_everyone
from federation.session import Session
from parties.features import Whitening
from parties.logistic.hidden import FeatureGradient, HelperGradient, HiddenGradient, LabelGradient
from parties.logistic.training import Stopping, Trained, train, with_intercept

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]

_L2 = 1.0
_FACTORS = 6
_PATIENCE = 600.0


@dataclass(frozen=True, slots=True)
class Table:
    """Standardised features (n x d), the label of each row, and which party holds which columns."""

    features: Floats
    labels: Labels
    columns: Mapping[PartyId, slice]


def measure(
    rows: int = 30_000,
    columns: int = 23,
    parties: int = 2,
    repeat: int = 3,
    *,
    tolerance: float = 2e-4,
    seed: int = 0,
    say: Say = silent,
) -> Figures:
    """Train on `rows` rows whose `columns` are split over `parties` parties, `repeat` times; the medians.

    cpu_s holds each role's processor seconds from whitening to the last step, cpu_s_per_iteration their sum
    for one gradient; process_cpu_s is what the whole process spent. auc (on the training rows) and
    coefficient_error (the largest difference, in log odds for one standard deviation) compare with
    scikit-learn's optimum over the pooled columns; plaintext_cpu_s is that fit. Training stops when the norm
    of the mean gradient is at most `tolerance`. bytes is what left all seats, by message type.
    """
    table = sample(rows, columns, list(cast(parties))[:-1], np.random.default_rng(seed))
    pooled, plain = timed(lambda: _pooled(table))
    runs = []
    for number in range(1, repeat + 1):
        runs.append(
            _once(table, pooled, tolerance, partial(_say_at, say, f"repetition {number} of {repeat}"))
        )
    said = {"rows": rows, "columns": columns, "parties": parties, "tolerance": tolerance, "repeat": repeat}
    return {**said, **medians(runs), "plaintext_cpu_s": plain}


def sample(rows: int, columns: int, parties: list[PartyId], generator: np.random.Generator) -> Table:
    """Correlated columns of the kinds a credit table has, and defaults of about one row in four.

    Six common factors load on every column, so the parties' blocks overlap as real ones do; of each 23
    columns five are yes or no and four are skewed as amounts are. The log odds are linear in the
    standardised columns but for one product of two, so the model is not quite the truth.
    """
    if not len(parties) <= columns < rows:
        raise UsageError(
            f"{rows} rows of {columns} columns are no table for {len(parties)} parties",
            advice="Give each party a column, and more rows than columns.",
        )
    loadings = 0.6 * generator.normal(size=(_FACTORS, columns))
    features = generator.normal(size=(rows, _FACTORS)) @ loadings + generator.normal(size=(rows, columns))
    kind = np.arange(columns) % 23
    flags, amounts = kind < 5, (kind >= 5) & (kind < 9)
    features[:, flags] = np.sign(features[:, flags])
    features[:, amounts] = np.exp(0.6 * features[:, amounts])
    features = np.clip(_standardised(features), -6, 6)
    log_odds = features @ (0.35 * generator.normal(size=columns)) - 1.5
    log_odds += 0.25 * features[:, columns // 8] * features[:, columns // 2]
    labels = generator.random(rows) < 1 / (1 + np.exp(-log_odds))
    return Table(_standardised(features), labels.astype(np.int8), _split(columns, parties))


def _standardised(values: Floats) -> Floats:
    result: Floats = (values - values.mean(axis=0)) / values.std(axis=0)
    return result


def _split(columns: int, parties: list[PartyId]) -> dict[PartyId, slice]:
    """Two parties share as the published comparison does, 13 columns of 23 with the label; more, evenly."""
    if len(parties) == 2:
        edges = [0, max(1, min(columns - 1, round(columns * 13 / 23))), columns]
    else:
        edges = [columns * i // len(parties) for i in range(len(parties) + 1)]
    return {party: slice(edges[i], edges[i + 1]) for i, party in enumerate(parties)}


def _say_nothing(iteration: int) -> None:
    """The other parties' listener: one seat says where training is."""


def _say_at(say: Say, where: str, iteration: int) -> None:
    say(f"{where}, iteration {iteration}")


def _pooled(table: Table) -> LogisticRegression:
    """The optimum that training should reach, by whoever may see everything."""
    model = LogisticRegression(C=1 / _L2, tol=1e-8, max_iter=10_000)
    return model.fit(table.features, table.labels)


@dataclass(frozen=True, slots=True)
class _Outcome:
    trained: Trained
    coefficients: Floats  # of the party's own standardised columns


def _once(table: Table, pooled: LogisticRegression, tolerance: float, say: Callable[[int], None]) -> Figures:
    roles = cast(len(table.columns))
    identities = {seat: Identity.generate() for seat in roles}
    seating = seat_everyone(roles, identities, run=RunId("speed"), patience=_PATIENCE)
    parts: dict[PartyId, Part[_Outcome | None]] = {
        party: _party(table, party, tolerance, say) for party in table.columns
    }
    with Meter() as meter:
        done = rehearse(seating, identities, {**parts, AGGREGATOR: lambda session: None})
    cpu = {seat: done.cpu_seconds[seat] for seat in roles}
    meter.check(cpu)
    outcomes = [outcome for party in table.columns if (outcome := done.results[party]) is not None]
    at_label = outcomes[0].trained
    coefficients = np.concatenate([outcome.coefficients for outcome in outcomes])
    sizes = done.bytes_by_type()
    total = sum(sizes.values())
    return {
        "iterations": at_label.iterations,
        "converged": bool(at_label.converged),
        "auc": float(roc_auc_score(table.labels, table.features @ coefficients)),
        "auc_pooled": float(roc_auc_score(table.labels, pooled.decision_function(table.features))),
        "coefficient_error": float(np.abs(coefficients - pooled.coef_[0]).max()),
        "cpu_s_per_iteration": sum(cpu.values()) / at_label.iterations,
        "cpu_s": cpu,
        "process_cpu_s": meter.cpu_seconds,
        "bytes": sizes,
        "bytes_total": total,
        "bytes_per_iteration": total // at_label.iterations,
        "peak_memory_mb": peak_memory_mb(),
    }


def _party(
    table: Table, party: PartyId, tolerance: float, say: Callable[[int], None]
) -> Part[_Outcome | None]:
    """One party's side as `parties.round` plays it, from standardised columns to their coefficients."""

    def play(session: Session) -> _Outcome:
        own = table.features[:, table.columns[party]]
        whitening = Whitening.fit(own)
        whitened, penalty, start = whitening.apply(own), whitening.penalty(_L2), np.zeros(whitening.rank)
        at_label = session.role is Role.LABEL
        if at_label:
            whitened, penalty, start = with_intercept(whitened, penalty, float(table.labels.mean()))
        side = _side(session, Private(whitened), table)
        stopping = Stopping(tolerance / _curvature(table))
        trained = train(side, penalty, start, stopping, say if at_label else _say_nothing)
        return _Outcome(trained, whitening.unwhiten(trained.theta[1:] if at_label else trained.theta))

    return play


def _curvature(table: Table) -> float:
    """p (1 - p): `Stopping` counts the gradient's norm in it; a benchmark's tolerance is the norm itself."""
    share = float(table.labels.mean())
    return share * (1 - share)


def _side(session: Session, whitened: Private[Floats], table: Table) -> HiddenGradient:
    widths = {party: held.stop - held.start for party, held in table.columns.items()}
    if session.role is Role.LABEL:
        widths[session.me] += 1
        return LabelGradient(session, whitened, Private(table.labels), Scheme(), widths)
    widths[session.seating.playing(Role.LABEL)] += 1
    side = HelperGradient if session.role is Role.HELPER else FeatureGradient
    return side(session, whitened, Scheme(), widths)
