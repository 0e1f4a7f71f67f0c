"""Write a federated report: one HTML file, complete in itself, like the vertical one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from markupsafe import Markup

from federation import files
from parties.report import federated_plots, federated_words
from parties.report.federated import FederatedReport, PartyVerdict
from parties.report.words import Traffic
from parties.report.write import cost_plots, fill

#: The look of each verdict; its words stand beside it always.
_BADGES: Final[dict[PartyVerdict, str]] = {
    "helps": "helps",
    "no evident difference": "undecided",
    "hurts": "harms",
    "too few test rows": "unjudged",
}


def write_federated_report(path: Path, report: FederatedReport) -> None:
    """Write `report` to `path` as HTML that opens without a network: no script, no outside reference.

    The same data give the same bytes. The file appears whole or not at all, and with mode 0600: its
    figures come from outcomes. Raises `UsageError` where a figure is not a finite number, or the folder
    cannot be written to.
    """
    files.write_private(path, render_federated(report).encode("utf-8", "replace"))


def render_federated(report: FederatedReport) -> str:
    """The page as text. Raises `UsageError` as `FederatedReport.check` does."""
    report.check()
    watch = report.run.label_party
    return fill(
        "federated.html",
        data=report,
        traffic=Traffic.of(report.sent),
        sentences=[_unbroken(each, report) for each in federated_words.sentences(report)],
        verdicts=[(verdict, found) for verdict in _BADGES if (found := report.judged(verdict))],
        badges=_BADGES,
        cautions=federated_words.cautions(report),
        compared=federated_words.compared(report),
        together=federated_words.together(report),
        course=federated_words.course(report),
        pooled=any(each.pooled is not None for each in report.parties),
        clock=f"Elapsed time as {watch} saw it." if watch else "Elapsed time of each step.",
        plots=_plots(report),
    )


def _unbroken(text: str, report: FederatedReport) -> Markup:
    """`text`, escaped, with no line break inside a party's name: "bank-a" should not be parted."""
    longest_first = sorted({each.party for each in report.parties}, key=lambda name: (-len(name), name))
    pieces = re.split(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)", text)
    kept = Markup('<span class="name">{}</span>')
    return Markup().join(kept.format(each) if place % 2 else each for place, each in enumerate(pieces))


def _plots(report: FederatedReport) -> dict[str, Markup]:
    drawn = {
        "differences": federated_plots.differences(report),
        "levels": federated_plots.levels(report),
    }
    if losses := report.losses():
        drawn["loss"] = federated_plots.course(
            "loss", f"Loss on {report.loss_rows} rows by training round", "mean log loss", losses
        )
    if norms := report.norms():
        drawn["norm"] = federated_plots.course(
            "norm", "Change of the shared model by training round", "L2 norm of the change", norms
        )
    return drawn | cost_plots(report.sent, report.steps, report.cpu)
