"""The plots of a credit model's report. Each takes figures alone and returns inline SVG that says what it
shows.

Marks differ in shape, dash or text too, so that no meaning hangs on a colour. Where a page may show a plot
more than once, the caller names it: `identifier` is unique on the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from parties.evaluation.calibration import CalibrationBin
from parties.evaluation.cap import CapCurve
from parties.evaluation.curves import GainRow
from parties.evaluation.goodness import HosmerLemeshow
from parties.evaluation.stability import Stability
from parties.report import words
from parties.report.drawing import ALERT, BANK, FUSED, GOOD, INK, SOFT, Plot, name, styled

#: More bars than this would not be read.
MOST_BARS = 20
#: A share on an axis, with the decimals that its ticks need.
_PERCENT = FuncFormatter(lambda value, _: f"{100 * round(value, 6):.4g} %")
#: The line that stands for no model, no change or no effect.
_PLAIN: dict[str, Any] = {"color": SOFT, "linewidth": 1.0, "linestyle": (0, (4, 3))}
#: Behind a text, so that a line through it does not strike it out.
_CLEAR: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1}


def _share(value: float) -> str:
    return f"{100 * value:.0f} %"


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    """One row to a label, from the top down."""
    axes.set_yticks(range(len(labels)), [name(label) for label in labels])
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


@styled
def cap(curve: CapCurve, *, identifier: str = "cap") -> Markup:
    """The cumulative accuracy profile between chance and a score that puts every default first."""
    ratio = words.score(curve.accuracy_ratio)
    plot = Plot(
        identifier,
        f"Cumulative accuracy profile: share of all defaults among the worst-scored share of firms; "
        f"accuracy ratio {ratio}",
    )
    axes = plot.axes
    axes.plot([0, curve.default_rate, 1], [0, 1, 1], color=INK, linewidth=1.2, linestyle=":", label="perfect")
    axes.plot(curve.share, curve.caught, color=FUSED, linewidth=2.2, label=f"model: accuracy ratio {ratio}")
    axes.plot([0, 1], [0, 1], **_PLAIN, label="chance")
    axes.set(
        xlabel="firms, worst score first", ylabel="share of all defaults", xlim=(0, 1.01), ylim=(0, 1.02)
    )
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.legend(loc="lower right")
    return plot.svg()


@styled
def deciles(gain: Sequence[GainRow], *, identifier: str = "deciles") -> Markup:
    """Lift of each band as a bar, and above it the share of all defaults caught down to it."""
    plot = Plot(
        identifier,
        "Lift of each band of firms, worst score first, and the share of all defaults caught down to it: "
        + ", ".join(f"band {row.band} {row.lift:.1f} and {_share(row.gain)}" for row in gain),
        width=6.6,
    )
    axes = plot.axes
    place = np.arange(len(gain))
    lifts = [row.lift for row in gain]
    axes.bar(place, lifts, 0.7, color=FUSED)
    axes.axhline(1, **_PLAIN)
    for at, row in enumerate(gain):
        axes.text(
            at,
            row.lift + 0.02 * max(lifts),
            f"{_share(row.gain)}",
            ha="center",
            va="bottom",
            fontsize=8.5,
            bbox=_CLEAR,
        )
    axes.set(
        xlabel="band of firms, worst score first; above it the share of all defaults so far",
        ylabel="times the overall default rate",
        ylim=(0, 1.12 * max(1.0, *lifts)),
    )
    axes.set_xticks(place, [str(row.band) for row in gain])
    axes.grid(False, axis="x")
    return plot.svg()


@styled
def calibration(
    bins: Sequence[CalibrationBin], test: HosmerLemeshow | None = None, *, identifier: str = "calibrated"
) -> Markup:
    """Predicted against observed default rate with 95 % intervals, and what Hosmer and Lemeshow say of
    them."""
    said = "" if test is None else _tested(test)
    plot = Plot(identifier, f"Predicted against observed default rate by group of firms. {said}".strip())
    axes = plot.axes
    predicted, observed, low, high = (
        np.array([getattr(each, field) for each in bins])
        for field in ("predicted", "observed", "low", "high")
    )
    top = min(1.0, 1.06 * float(max(predicted.max(), high.max())))
    axes.plot([0, top], [0, top], **_PLAIN, label="as predicted")
    axes.errorbar(
        predicted,
        observed,
        # A Wilson interval always holds the share it is about; rounding may cross it by 1e-17.
        yerr=np.maximum(0, [observed - low, high - observed]),
        fmt="o",
        color=FUSED,
        elinewidth=1.2,
        capsize=3,
        markersize=5,
        label="observed, 95 % interval",
    )
    axes.set(xlabel="predicted default rate", ylabel="observed default rate", xlim=(0, top), ylim=(0, top))
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.legend(loc="upper left")
    if said:
        axes.text(0.98, 0.03, said, transform=axes.transAxes, ha="right", va="bottom", fontsize=8.5)
    return plot.svg()


def _tested(test: HosmerLemeshow) -> str:
    figures = f"{test.statistic:.1f} on {test.degrees} degrees of freedom"
    return f"Hosmer-Lemeshow {figures}, {words.p_value(test.p)}"


@styled
def scores(
    edges: Sequence[float],
    good: Sequence[float],
    bad: Sequence[float],
    *,
    unit: str = "score (higher is worse)",
    identifier: str = "scores",
) -> Markup:
    """How the scores of each outcome are spread: `good` and `bad` firms counted between b + 1 ascending
    edges."""
    plot = Plot(identifier, "Distribution of the score among firms that did not default and that did")
    axes = plot.axes
    for counts, colour, dash, fill, label in (
        (good, GOOD, "-", 0.25, "good firms"),
        (bad, ALERT, "--", 0.0, "defaults"),
    ):
        share = np.asarray(counts, dtype=np.float64) / max(1.0, float(np.sum(counts)))
        axes.stairs(share, edges, color=colour, linewidth=1.8, linestyle=dash, label=label)
        if fill:
            axes.stairs(share, edges, color=colour, alpha=fill, fill=True)
    axes.set(xlabel=unit, ylabel="share of the firms of that outcome")
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.legend(loc="best")
    return plot.svg()


@styled
def stability(found: Stability, what: str, *, identifier: str) -> Markup:
    """Shares then and now by bin, with the index of `what`, its band and what chance alone would give."""
    said = f"stability index {found.index:.3f}, {found.band}"
    plot = Plot(
        identifier,
        f"Share of the firms in each bin of {what} when the model was built and now; {said}",
        width=6.6,
        height=1.4 + 0.36 * len(found.bins),
    )
    axes = plot.axes
    place = np.arange(len(found.bins))
    axes.barh(place - 0.19, found.expected, 0.36, color=BANK, label="then")
    axes.barh(place + 0.19, found.actual, 0.36, color=FUSED, hatch="//", edgecolor="white", label="now")
    _rows(axes, found.bins)
    axes.set_title(f"{name(what)}: {said} (chance: {found.chance:.3f})", fontsize=10, loc="left")
    axes.set_xlabel("share of the firms")
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.legend(loc="best")
    return plot.svg()


@styled
def woe(
    column: str, bins: Sequence[str], values: Sequence[float], shares: Sequence[float], *, identifier: str
) -> Markup:
    """Weight of evidence of each bin of a column, good over bad, with the share of the firms in it."""
    plot = Plot(
        identifier,
        f"Weight of evidence by bin of {column}: "
        + ", ".join(f"{label} {words.signed(value)}" for label, value in zip(bins, values, strict=True)),
        width=6.6,
        height=1.4 + 0.34 * len(bins),
    )
    axes = plot.axes
    place = range(len(bins))
    axes.barh(place, values, 0.64, color=[GOOD if value >= 0 else ALERT for value in values])
    axes.axvline(0, color=INK, linewidth=0.8)
    _rows(axes, bins)
    span = max((abs(value) for value in values), default=0.0) or 1.0
    for at, (value, share) in enumerate(zip(values, shares, strict=True)):
        side = 1 if value >= 0 else -1
        text = f"{words.signed(value)} ({_share(share)})"
        where = "left" if side > 0 else "right"
        axes.text(value + side * 0.02 * span, at, text, ha=where, va="center", fontsize=8.5)
    axes.set_xlim(
        min(0.0, *values) - 0.5 * span * (min(values) < 0),
        max(0.0, *values) + 0.4 * span * (max(values) >= 0),
    )
    axes.set_title(name(column), fontsize=10, loc="left")
    axes.set_xlabel("weight of evidence: above 0 safer than average (share of the firms)")
    return plot.svg()


@styled
def points(by_column: Mapping[str, Sequence[float]], *, identifier: str = "points") -> Markup:
    """The points that each column's bins give, from worst to best; columns of the widest reach first."""
    shown = sorted(by_column, key=lambda column: (-_reach(by_column[column]), column))[:MOST_BARS]
    plot = Plot(
        identifier,
        "Points by column, from the worst bin to the best: "
        + ", ".join(f"{column} {min(by_column[column]):g} to {max(by_column[column]):g}" for column in shown),
        width=6.6,
        height=1.2 + 0.32 * len(shown),
    )
    axes = plot.axes
    for at, column in enumerate(shown):
        given = sorted(by_column[column])
        axes.hlines(at, given[0], given[-1], color=FUSED, linewidth=2)
        axes.plot(given, [at] * len(given), "o", color=FUSED, markersize=5, markeredgecolor="white")
    _rows(axes, shown)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    axes.set_xlabel("points of each bin")
    return plot.svg()


def _reach(given: Sequence[float]) -> float:
    return max(given) - min(given)


@styled
def cutoff(
    approval: Sequence[float],
    bad_rate: Sequence[float],
    chosen: int | None = None,
    *,
    identifier: str = "cutoff",
) -> Markup:
    """Share of firms approved against the default rate among them, a point to each cut-off; `chosen` is
    marked."""
    marked = (
        ""
        if chosen is None
        else f"; at the mark {_share(approval[chosen])} and {words.percent(bad_rate[chosen])}"
    )
    plot = Plot(identifier, f"Share of firms approved against the default rate of the approved{marked}")
    axes = plot.axes
    axes.plot(approval, bad_rate, color=FUSED, linewidth=2, marker="o", markersize=4)
    if chosen is not None:
        at = (approval[chosen], bad_rate[chosen])
        axes.plot(*at, "D", color=ALERT, markersize=8, markeredgecolor="white")
        left = approval[chosen] > 0.5
        axes.annotate(
            f"{_share(at[0])} approved\n{words.percent(at[1])} of them default",
            at,
            xytext=(-10 if left else 10, 12),
            textcoords="offset points",
            ha="right" if left else "left",
            fontsize=9,
        )
    top = max(bad_rate, default=0.0)
    axes.set(xlabel="firms approved", ylabel="default rate of the approved", xlim=(0, 1.02))
    axes.set_ylim(0, 1.15 * top or 1.0)
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.yaxis.set_major_formatter(_PERCENT)
    return plot.svg()


@styled
def importance(gains: Mapping[str, float], *, identifier: str = "importance") -> Markup:
    """The share of all gain of the trees that each column's splits bring, the largest first."""
    total = sum(gains.values()) or 1.0
    shown = sorted(gains, key=lambda column: (-gains[column], column))[:MOST_BARS]
    shares = [gains[column] / total for column in shown]
    plot = Plot(
        identifier,
        "Share of the gain of all splits by column: "
        + ", ".join(f"{column} {_share(share)}" for column, share in zip(shown, shares, strict=True)),
        width=6.6,
        height=1.1 + 0.3 * len(shown),
    )
    axes = plot.axes
    axes.barh(range(len(shown)), shares, 0.64, color=FUSED)
    _rows(axes, shown)
    top = max(shares, default=0.0) or 1.0
    for at, share in enumerate(shares):
        axes.text(share + 0.012 * top, at, words.percent(share), va="center", fontsize=8.5)
    axes.set_xlim(0, 1.12 * top)
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.set_xlabel("share of the gain of all splits")
    return plot.svg()
