"""The plots of a federated report. Marks differ in shape and text, so no meaning hangs on a colour alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from parties.evaluation.delong import PairedDifference
from parties.evaluation.discrimination import Evaluation
from parties.report.drawing import ALERT, BANK, FUSED, GOOD, INK, POOLED, SOFT, Plot, name, styled
from parties.report.federated import FederatedReport, PartyResult, PartyVerdict
from parties.report.words import edge, minus

#: Colour and mark of each verdict that has an interval.
_MARKS: dict[PartyVerdict, tuple[str, str]] = {
    "helps": (GOOD, "^"),
    "no evident difference": (INK, "o"),
    "hurts": (ALERT, "v"),
}
#: Name, colour, mark and place within a party's row of each model.
_MODELS = (("Local", BANK, "s", -0.2), ("Federated", FUSED, "o", 0.0), ("Pooled", POOLED, "D", 0.2))
_SIGNED = FuncFormatter(lambda value, _: "0" if abs(value) < 1e-9 else minus(f"{value:+.2f}"))


@styled
def differences(report: FederatedReport) -> Markup:
    """The difference of each party's AUC with its 95 % interval, around the line of no difference."""
    plot = Plot(
        "differences",
        "Difference of AUC, federated less local, with its 95 % interval, for each party",
        width=9.0,
        height=1.4 + 0.46 * len(report.parties),
    )
    axes = plot.axes
    axes.axvline(0, color=INK, linewidth=1)
    reach = 1.15 * max([0.02, *(_reach(each.difference) for each in report.parties)])
    for at, each in enumerate(report.parties):
        _difference(axes, at, each)
    _parties(axes, report.parties)
    axes.set_xlim(-reach, reach)
    axes.xaxis.set_major_locator(MaxNLocator(7))
    axes.xaxis.set_major_formatter(_SIGNED)
    axes.set_xlabel("AUC, federated less local")
    sides: dict[str, Any] = {
        "transform": axes.get_xaxis_transform(),
        "va": "bottom",
        "fontsize": 8.5,
        "color": SOFT,
    }
    axes.text(-0.02 * reach, 1.01, "\N{LEFTWARDS ARROW} local ranks better", ha="right", **sides)
    axes.text(0.02 * reach, 1.01, "federated ranks better \N{RIGHTWARDS ARROW}", ha="left", **sides)
    return plot.svg()


def _reach(difference: PairedDifference | None) -> float:
    return 0.0 if difference is None else max(abs(difference.low), abs(difference.high))


def _difference(axes: Axes, at: int, result: PartyResult) -> None:
    told: str = result.verdict
    if result.difference is not None:
        colour, mark = _MARKS[result.verdict]
        low, middle, high = result.difference.low, result.difference.difference, result.difference.high
        axes.hlines(at, low, high, color=colour, linewidth=2)
        axes.plot([low, high], [at, at], "|", color=colour, markersize=9, markeredgewidth=1.6)
        axes.plot([middle], [at], mark, color=colour, markersize=8)
        told += f": {edge(middle)} ({edge(low)} to {edge(high)})"
    axes.text(1.02, at, told, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)


@styled
def levels(report: FederatedReport) -> Markup:
    """AUC of every party under each model, with its 95 % interval: a row to a party, a mark to a model."""
    shown = [
        (label, [getattr(each, label.lower()) for each in report.parties], colour, mark, offset)
        for label, colour, mark, offset in _MODELS
    ]
    shown = [each for each in shown if any(each[1])]
    models = ", ".join(label.lower() for label, *_ in shown) or "no"
    plot = Plot(
        "levels",
        f"AUC with its 95 % interval for each party, by model: {models}",
        width=9.0,
        height=1.5 + 0.62 * len(report.parties),
    )
    axes = plot.axes
    for label, found, colour, mark, offset in shown:
        _level(axes, label, found, colour=colour, mark=mark, offset=offset)
    for at, each in enumerate(report.parties):
        if each.local is None and each.federated is None and each.pooled is None:
            axes.text(0.01, at, each.verdict, transform=axes.get_yaxis_transform(), va="center", fontsize=8.5)
    _parties(axes, report.parties)
    axes.set_xlabel("AUC (0.5 is a coin)")
    axes.xaxis.set_major_locator(MaxNLocator(8))
    if shown:
        plot.figure.legend(loc="outside upper left", ncols=3)
    return plot.svg()


def _level(
    axes: Axes, label: str, found: Sequence[Evaluation | None], *, colour: str, mark: str, offset: float
) -> None:
    placed = [(at + offset, each.figures) for at, each in enumerate(found) if each is not None]
    places, figures = [at for at, _ in placed], [each for _, each in placed]
    axes.hlines(places, [each.auc_low for each in figures], [each.auc_high for each in figures], color=colour)
    axes.plot(
        [each.auc for each in figures],
        places,
        mark,
        color=colour,
        markersize=7,
        markeredgecolor="white",
        label=label,
    )


def _parties(axes: Axes, results: Sequence[PartyResult]) -> None:
    axes.set_yticks(range(len(results)), [name(each.party) for each in results])
    axes.set_ylim(len(results) - 0.4, -0.6)
    axes.grid(False, axis="y")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


@styled
def course(identifier: str, says: str, unit: str, points: Sequence[tuple[int, float]]) -> Markup:
    """A figure by training round; `points` are round numbers with values, at least one."""
    plot = Plot(identifier, says, height=3.2)
    axes = plot.axes
    rounds, values = zip(*points, strict=True)
    axes.plot(rounds, values, color=FUSED, linewidth=2, marker="o", markersize=4 if len(points) <= 30 else 0)
    axes.set(xlabel="training round", ylabel=unit)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    return plot.svg()
