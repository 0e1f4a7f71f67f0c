"""Two countries, a bank, a platform and a public-data holder in each, on this machine: one shared model."""

from __future__ import annotations

import datetime as dt
import textwrap
import time
from pathlib import Path
from typing import Any

import click

from cli.commands.demo.options import megabytes, out_option, seed_option, tell
from cli.output import format_option, say
from cli.playing import loopback, play


@click.command()
@click.option("--firms", type=int, default=5000, show_default=True, help="How many firms to generate.")
@seed_option
@out_option
@format_option
def hybrid(firms: int, seed: int, out: Path, output: str) -> None:
    """One model of two countries, each with three parties.

    In each country a bank, a platform and a public-data holder fit a model of their common firms; between
    the countries only sums of coefficients travel, with noise. The report compares, on each bank's own test
    firms, the shared model with its country's own and, because a demo may, with a model of both countries'
    rows pooled in one place.
    """
    from parties.four_flows import Settings
    from parties.sandbox.countries import check_countries, generated_countries, hybrid_plan
    from parties.sandbox.founding import clear, found

    started = time.monotonic()
    folder, settings = out.resolve(), Settings(firms=firms, seed=seed)
    check_countries(firms)
    clear(folder)
    datasets, sentences = generated_countries(folder, settings)
    tell(sentences)
    sandbox = found(folder, datasets, hybrid_plan(), *loopback(), dt.datetime.now(dt.UTC), generated=True)
    tell(sandbox.told)
    status = play(sandbox)
    from parties.sandbox.hybrid_outcome import conclude

    outcome = conclude(sandbox, status, time.monotonic() - started)
    tell(outcome.notes)
    say(output, outcome.facts, _told(outcome.facts))


def _told(facts: dict[str, Any]) -> str:
    lines = ["", textwrap.fill(facts["headline"], 79), ""]
    lines.append(f"{'AUC':6} {'bank-only':>10} {'consortium':>11} {'hybrid':>7} {'pooled':>7}  {'tested':>6}")
    for country, auc in facts["auc"].items():
        lines.append(
            f"{country:6} {auc['bank_only']:>10.4f} {auc['consortium']:>11.4f} {auc['hybrid']:>7.4f} "
            f"{auc['pooled']:>7.4f}  {facts['test_rows'][country]:>6,}  {facts['verdict'][country]}"
        )
    lines += [
        textwrap.fill(facts["noise"], 79),
        f"{facts['rounds']} rounds; sent, all of it sealed: {megabytes(facts['bytes_sent'])}",
        f"{facts['wall_seconds']:.0f} s in all; the report: {facts['report']}",
    ]
    return "\n".join(lines)
