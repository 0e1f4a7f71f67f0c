"""Write a report: one HTML file, complete in itself."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from federation import files
from parties.report import credit_plots, plots, words
from parties.report.data import CpuTime, ReportData, Sent, Step

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
    return fill(
        "template.html",
        data=data,
        traffic=traffic,
        headline=_unbroken(words.headline(data), data.run.label_party),
        verdict=words.Verdict.of(data.difference),
        verdict_text=words.verdict(data.difference, data.run.label_party),
        smallest_text=small
        and words.verdict(small.difference, data.run.label_party, among="the smallest firms"),
        cautions=words.cautions(data),
        weights_caption=_weights_caption(data),
        calibration_text=data.credit and words.calibrated(data.credit),
        plots=_plots(data),
    )


def fill(template: str, **values: object) -> str:
    """A template of this folder with its values, every text escaped; the style sheet is put in here."""
    return environment().get_template(template).render(css=style_sheet(), **values)


def style_sheet() -> Markup:
    """The style sheet of every page. It is ours, and its quotation marks must not be escaped."""
    return Markup((_HERE / "style.css").read_text(encoding="utf-8"))  # noqa: S704


def environment(*folders: Path) -> Environment:
    """Templates of `folders`, then of this one, which escape every text and know how figures are written."""
    found = Environment(
        loader=FileSystemLoader([*folders, _HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    counted = (words.percent, words.count, words.part, words.rows, words.size, words.seconds)
    for each in (words.score, words.signed, words.points, words.cut, words.edge, words.p_value, *counted):
        found.filters[each.__name__] = each
    return found


def _unbroken(text: str, name: str) -> Markup:
    """`text`, escaped, with no line break inside `name`: a heading should not part "bank-" from "a"."""
    return Markup('<span class="name">{}</span>').format(name).join(text.split(name))


def _plots(data: ReportData) -> dict[str, Markup]:
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
    drawn |= _credit_plots(data)
    return drawn | cost_plots(data.sent, data.steps, data.cpu)


def _credit_plots(data: ReportData) -> dict[str, Markup]:
    drawn = {}
    if data.points:
        drawn["points"] = credit_plots.points(
            {each.column: [one.points for one in each.bins] for each in data.points}
        )
    if data.gains:
        drawn["importance"] = credit_plots.importance({each.name: each.gain for each in data.gains})
    if (found := data.credit) is not None:
        spread, cuts = found.distribution, [each for each in found.cutoffs if each.bad_rate is not None]
        drawn["cap"] = credit_plots.cap(found.cap)
        drawn["scores"] = credit_plots.scores(
            spread.edges, spread.good, spread.bad, unit=f"{found.unit} (higher is better)"
        )
        drawn["cutoff"] = credit_plots.cutoff(
            [each.approval_rate for each in cuts], [each.bad_rate or 0.0 for each in cuts]
        )
    return drawn


def cost_plots(
    sent: tuple[Sent, ...], steps: tuple[Step, ...], cpu: tuple[CpuTime, ...]
) -> dict[str, Markup]:
    """The plots of what a run cost, by name; of what was not measured there is none."""
    drawn = {}
    if sent:
        drawn["traffic"] = plots.traffic(words.Traffic.of(sent))
    if steps:
        bars = [(each.name, each.seconds) for each in steps]
        drawn["steps"] = plots.durations("steps", "Elapsed seconds of each step", bars)
    if cpu:
        bars = [(each.role, each.seconds) for each in cpu]
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
