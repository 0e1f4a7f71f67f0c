"""The plots of a report. Each takes its data and returns inline SVG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from parties.evaluation.calibration import Calibration
from parties.evaluation.discrimination import Evaluation
from parties.evaluation.ks import KsCurve
from parties.report import words
from parties.report.data import Coefficient, ReportData
from parties.report.drawing import ALERT, BANK, FUSED, GOOD, INK, KINDS, POOLED, SOFT, Plot, name, styled

Floats = NDArray[np.float64]

_PERCENT = FuncFormatter(lambda value, _: f"{100 * value:.0f} %")
#: More bars than this would not be read; the rest are counted below the plot.
MOST_COEFFICIENTS = 20


def models(data: ReportData) -> list[tuple[str, Evaluation, str, str]]:
    """Name, evaluation, colour and dash of each model of the report, the fused one first."""
    shown = [
        ("Fused", data.fused, FUSED, "-"),
        (f"{name(data.run.label_party, 20)} alone", data.bank, BANK, "--"),
    ]
    return [*shown, ("Pooled", data.pooled, POOLED, ":")] if data.pooled is not None else shown


@styled
def roc(data: ReportData) -> Markup:
    """ROC curves of all models over the diagonal that a coin would give."""
    plot = Plot("roc", "ROC curves: share of defaults caught against share of good firms refused")
    axes = plot.axes
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=0.8, linestyle=(0, (1, 3)))
    for label, evaluation, colour, dash in reversed(models(data)):
        curve = evaluation.roc
        axes.plot(
            curve.false_positive,
            curve.true_positive,
            color=colour,
            linestyle=dash,
            linewidth=2.2 if colour == FUSED else 1.8,
            label=f"{label}: AUC {words.score(evaluation.figures.auc)}",
        )
    axes.set(xlabel="good firms refused", ylabel="defaults caught", xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.legend(loc="lower right", reverse=True)
    return plot.svg()


@styled
def separation(curve: KsCurve, evaluation: Evaluation) -> Markup:
    """Cumulative shares of good and bad firms by score; the widest gap, KS, marked at its cut-off."""
    plot = Plot("ks", "Cumulative share of good and of bad firms by score, with the widest gap marked")
    axes, figures = plot.axes, evaluation.figures
    x, good, bad = (np.asarray(values) for values in (curve.score, curve.good, curve.bad))
    axes.step(x, good, where="post", color=GOOD, linewidth=2, label="good firms")
    axes.step(x, bad, where="post", color=ALERT, linewidth=2, linestyle="--", label="defaults")
    widest = int(np.abs(good - bad).argmax())
    axes.vlines(figures.ks_cutoff, bad[widest], good[widest], color=INK, linewidth=1.6)
    axes.axvline(figures.ks_cutoff, color=SOFT, linewidth=0.8, linestyle=(0, (4, 3)))
    low, high = _bulk(x, good, bad)
    on_left = figures.ks_cutoff > (low + high) / 2
    axes.annotate(
        f"KS {words.score(figures.ks)}\nat score {words.minus(f'{figures.ks_cutoff:.3g}')}",
        (figures.ks_cutoff, (bad[widest] + good[widest]) / 2),
        xytext=(-8 if on_left else 8, 0),
        textcoords="offset points",
        ha="right" if on_left else "left",
        va="center",
        fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 2},
    )
    axes.set(xlabel="score (higher is worse)", ylabel="firms at or below the score", ylim=(-0.01, 1.01))
    axes.set_xlim(low, high)
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.legend(loc="upper left")
    return plot.svg()


def _bulk(x: Floats, good: Floats, bad: Floats) -> tuple[float, float]:
    """Limits of the score axis that hold all but half a percent of either class at each end."""
    inside = (np.maximum(good, bad) >= 0.005) & (np.minimum(good, bad) <= 0.995)
    shown = x[inside] if inside.any() else x
    low, high = float(shown.min()), float(shown.max())
    margin = 0.03 * (high - low) or 0.5
    return low - margin, high + margin


@styled
def gain(data: ReportData) -> Markup:
    """Cumulative gain: defaults caught when the worst-scored share of firms is looked at."""
    plot = Plot("gain", "Cumulative gain: share of all defaults among the worst-scored share of firms")
    axes = plot.axes
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=0.8, linestyle=(0, (1, 3)))
    for label, evaluation, colour, dash in reversed(models(data)):
        share = np.cumsum([0.0, *(row.rows for row in evaluation.gain)])
        axes.plot(
            share / share[-1],
            [0.0, *(row.gain for row in evaluation.gain)],
            color=colour,
            linestyle=dash,
            linewidth=2.2 if colour == FUSED else 1.8,
            marker="o",
            markersize=4 if colour == FUSED else 3,
            label=label,
        )
    axes.set(
        xlabel="firms, worst score first", ylabel="share of all defaults", xlim=(0, 1.01), ylim=(0, 1.01)
    )
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.legend(loc="lower right", reverse=True)
    return plot.svg()


@styled
def lift(
    identifier: str, bank: Evaluation, fused: Evaluation, bank_name: str, *, height: float = 4.0
) -> Markup:
    """Lift by tenth of the firms, fused beside the label party alone."""
    plot = Plot(
        identifier, "Lift: default rate of each tenth of the firms over the overall rate", height=height
    )
    axes = plot.axes
    place = np.arange(len(fused.gain))
    axes.bar(place - 0.2, [row.lift for row in fused.gain], 0.4, color=FUSED, label="Fused")
    axes.bar(
        place + 0.2, [row.lift for row in bank.gain], 0.4, color=BANK, label=f"{name(bank_name, 20)} alone"
    )
    axes.axhline(1, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set(xlabel="tenth of the firms, worst score first", ylabel="times the overall default rate")
    axes.set_xticks(place, [str(row.band) for row in fused.gain])
    axes.grid(False, axis="x")
    axes.legend(loc="upper right")
    return plot.svg()


@styled
def reliability(found: Calibration) -> Markup:
    """Predicted against observed default rate by decile, with Wilson intervals."""
    plot = Plot("calibration", "Predicted against observed default rate by tenth of the firms")
    axes = plot.axes
    predicted, observed, low, high = (
        np.array([getattr(each, field) for each in found.bins])
        for field in ("predicted", "observed", "low", "high")
    )
    top = min(1.0, 1.06 * float(max(predicted.max(), high.max())))
    axes.plot([0, top], [0, top], color=SOFT, linewidth=1, linestyle=(0, (4, 3)), label="as predicted")
    axes.errorbar(
        predicted,
        observed,
        # A Wilson interval always holds the share it is about; rounding may cross it by 1e-17.
        yerr=np.maximum(0, [observed - low, high - observed]),
        fmt="o",
        color=FUSED,
        ecolor=FUSED,
        elinewidth=1.2,
        capsize=3,
        markersize=5,
        label="observed, 95 % interval",
    )
    axes.set(xlabel="predicted default rate", ylabel="observed default rate", xlim=(0, top), ylim=(0, top))
    axes.xaxis.set_major_formatter(_rate(top))
    axes.yaxis.set_major_formatter(_rate(top))
    axes.legend(loc="upper left")
    return plot.svg()


def _rate(top: float) -> FuncFormatter:
    decimals = 0 if top > 0.1 else 1
    return FuncFormatter(lambda value, _: f"{100 * value:.{decimals}f} %")


@styled
def coefficients(own: Sequence[Coefficient]) -> Markup:
    """The label party's own columns, the heaviest first; at most `MOST_COEFFICIENTS`."""
    shown = sorted(own, key=lambda each: (-abs(each.weight), each.column))[:MOST_COEFFICIENTS][::-1]
    height = 1.0 + 0.27 * len(shown)
    plot = Plot("weights", "Weights of the label party's own columns", height=height, width=6.6)
    axes = plot.axes
    weights = [each.weight for each in shown]
    place = range(len(shown))
    axes.barh(place, weights, 0.62, color=[ALERT if weight > 0 else GOOD for weight in weights])
    axes.set_yticks(place, [name(each.column) for each in shown])
    axes.axvline(0, color=INK, linewidth=0.8)
    span = max((abs(weight) for weight in weights), default=0) or 1
    for at, weight in zip(place, weights, strict=True):
        side = 1 if weight >= 0 else -1
        axes.text(
            weight + side * 0.02 * span,
            at,
            words.signed(weight),
            ha="left" if side > 0 else "right",
            va="center",
            fontsize=8.5,
        )
    left, right = min(0.0, *weights), max(0.0, *weights)
    axes.set_xlim(left - 0.22 * span * (left < 0), right + 0.2 * span * (right > 0 or not any(weights)))
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.set_xlabel("effect on the log odds of default, per standard deviation")
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    return plot.svg()


@styled
def traffic(table: words.Traffic) -> Markup:
    """Bytes sent by each party, stacked by message type; the small types share the last colour."""
    plot = Plot(
        "traffic",
        "Bytes sent by each party, by message type",
        width=9.0,
        height=1.5 + 0.45 * len(table.parties),
    )
    axes = plot.axes
    kinds = table.messages if len(table.messages) <= len(KINDS) else table.messages[: len(KINDS) - 1]
    stacks = [(name(kind, 28), [table.cell(party, kind) for party in table.parties]) for kind in kinds]
    if len(kinds) < len(table.messages):
        others = table.messages[len(kinds) :]
        stacks.append(
            ("others", [sum(table.cell(party, kind) for kind in others) for party in table.parties])
        )
    _stacked(plot, [name(party) for party in table.parties], stacks)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _axis_size(value)))
    axes.set_xlabel("sent")
    return plot.svg()


def _axis_size(value: float) -> str:
    text = words.size(round(value))
    return text.replace(".0 ", " ")


def _stacked(plot: Plot, bars: list[str], stacks: list[tuple[str, list[int]]]) -> None:
    axes, place = plot.axes, np.arange(len(bars))
    start = np.zeros(len(bars))
    for (label, values), colour in zip(stacks, KINDS, strict=False):
        axes.barh(
            place, values, 0.62, left=start, color=colour, label=label, edgecolor="white", linewidth=0.6
        )
        start = start + np.asarray(values, dtype=np.float64)
    axes.set_yticks(place, bars)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.04 * float(start.max()) or 1.0)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    plot.figure.legend(loc="outside upper left", ncols=4)


@styled
def durations(identifier: str, says: str, bars: Sequence[tuple[str, float]]) -> Markup:
    """Seconds by step or by role, in the order given."""
    plot = Plot(identifier, says, width=5.4, height=0.9 + 0.3 * len(bars))
    axes, place = plot.axes, range(len(bars))
    values = [value for _, value in bars]
    top = max(values, default=0.0) or 1.0
    axes.barh(place, values, 0.62, color=FUSED)
    axes.set_yticks(place, [name(label, 30) for label, _ in bars])
    for at, value in zip(place, values, strict=True):
        axes.text(value + 0.015 * top, at, words.seconds(value), va="center", fontsize=8.5)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.22 * top)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("seconds")
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    return plot.svg()
