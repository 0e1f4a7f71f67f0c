"""Write a report: one HTML file, complete in itself."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from federation import files
from parties.report import plots, words
from parties.report.data import ReportData

_HERE = Path(__file__).parent


def write_report(path: Path, data: ReportData) -> None:
    """Write `data` to `path` as HTML that opens without a network: no script, no outside reference.

    The same data give the same bytes. The file appears whole or not at all, and with mode 0600: its
    figures come from the labels. Raises `UsageError` where a figure is not a finite number, or the folder
    cannot be written to.
    """
    files.write_private(path, render(data).encode("utf-8", "replace"))


def render(data: ReportData) -> str:
    """The page as text. Raises `UsageError` where a figure is not a finite number."""
    data.check()
    traffic = words.Traffic.of(data.sent)
    small = data.smallest
    return (
        _environment()
        .get_template("template.html")
        .render(
            data=data,
            traffic=traffic,
            headline=_unbroken(words.headline(data), data.run.label_party),
            verdict=words.Verdict.of(data.difference),
            verdict_text=words.verdict(data.difference, data.run.label_party),
            smallest_text=small
            and words.verdict(small.difference, data.run.label_party, among="the smallest firms"),
            cautions=words.cautions(data),
            weights_caption=_weights_caption(data),
            plots=_plots(data, traffic),
            # The style sheet is ours, and its quotation marks must not be escaped.
            css=Markup((_HERE / "style.css").read_text(encoding="utf-8")),  # noqa: S704
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    for each in (words.score, words.percent, words.count, words.part, words.rows, words.size, words.seconds):
        environment.filters[each.__name__] = each
    return environment


def _unbroken(text: str, name: str) -> Markup:
    """`text`, escaped, with no line break inside `name`: a heading should not part "bank-" from "a"."""
    return Markup('<span class="name">{}</span>').format(name).join(text.split(name))


def _plots(data: ReportData, traffic: words.Traffic) -> dict[str, Markup]:
    alone = data.run.label_party
    drawn = {
        "roc": plots.roc(data),
        "ks": plots.separation(data.ks_curve, data.fused),
        "gain": plots.gain(data),
        "lift": plots.lift("lift", data.bank, data.fused, alone),
    }
    if data.smallest is not None:
        drawn["smallest"] = plots.lift("smallest", data.smallest.bank, data.smallest.fused, alone, height=3.2)
    if data.calibration is not None:
        drawn["calibration"] = plots.reliability(data.calibration)
    if data.coefficients:
        drawn["weights"] = plots.coefficients(data.coefficients)
    if data.sent:
        drawn["traffic"] = plots.traffic(traffic)
    if data.steps:
        bars = [(each.name, each.seconds) for each in data.steps]
        drawn["steps"] = plots.durations("steps", "Elapsed seconds of each step", bars)
    if data.cpu:
        bars = [(each.role, each.seconds) for each in data.cpu]
        drawn["cpu"] = plots.durations("cpu", "Processor seconds of each role", bars)
    return drawn


def _weights_caption(data: ReportData) -> str:
    number = len(data.coefficients)
    shown = (
        f"The {plots.MOST_COEFFICIENTS} heaviest of {number} columns"
        if number > plots.MOST_COEFFICIENTS
        else "The columns"
    )
    return f"{shown} of {data.run.label_party}. To the right (red): a larger value makes default more likely."
