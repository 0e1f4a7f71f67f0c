"""The main job on this machine: other columns of the same firms, one round, a report."""

from __future__ import annotations

import datetime as dt
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from cli.commands.demo.options import megabytes, out_option, seed_option, tell
from cli.output import format_option, say
from cli.playing import loopback, play
from crypto.errors import UsageError

if TYPE_CHECKING:
    from parties.sandbox.founding import ModelKind
    from parties.sandbox.outcome import Outcome


@click.group(name="demo", invoke_without_command=True)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="A folder with one PARTY.csv, PARTY.csv.gz or PARTY.parquet for each party. Without it firms are "
    "generated.",
)
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A TOML file that names key, label, group, columns to leave out, categoricals (with --data).",
)
@click.option("--firms", type=int, default=6000, show_default=True, help="How many firms to generate.")
@click.option(
    "--model",
    "kind",
    type=click.Choice(["logistic", "scorecard", "boosting"]),
    default="logistic",
    show_default=True,
    help="What is trained.",
)
@seed_option
@out_option
@format_option
@click.pass_context
def command(
    context: click.Context,
    data: Path | None,
    config: Path | None,
    firms: int,
    kind: ModelKind,
    seed: int,
    out: Path,
    output: str,
) -> None:
    """Run the main job on this machine, as separate processes over TLS, and write an HTML report.

    Three organisations run party nodes, a coordinator launches one round, and a credit model comes out
    that none of them could build alone. The report compares it with the label party's own model and,
    because a demo may, with a model of all columns pooled in one place.

    Two other jobs have commands of their own, below.
    """
    if context.invoked_subcommand is not None:
        _refuse_options_before(context)
        return
    started = time.monotonic()
    if config is not None and data is None:
        raise UsageError(
            "--config describes files, and none were given", advice="Name their folder with --data."
        )
    outcome = _run(data, config, firms, kind, seed, out.resolve(), started)
    tell(outcome.notes)
    say(output, outcome.facts, _told(outcome))


def _refuse_options_before(context: click.Context) -> None:
    """Options of the main job say nothing to another one: `demo --firms 9000 horizontal` is a slip."""
    for parameter in context.command.params:
        if context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE:
            job = context.invoked_subcommand
            raise UsageError(
                f"{parameter.opts[0]} stands before {job}",
                advice=f"Put it behind {job}, which has options of its own.",
            )


def _run(
    data: Path | None,
    config: Path | None,
    firms: int,
    kind: ModelKind,
    seed: int,
    out: Path,
    started: float,
) -> Outcome:
    from parties.four_flows import Settings
    from parties.sandbox.founding import clear, found, generated, given, vertical_plan

    if data is not None:
        datasets, sentences = given(data, config)
        clear(out, data, config, *(dataset.path for dataset in datasets.values()))
    else:
        settings = Settings(firms=firms, seed=seed)
        clear(out)
        datasets, sentences = generated(out, settings)
    tell(sentences)
    plan = vertical_plan(datasets, kind)
    sandbox = found(out, datasets, plan, *loopback(), dt.datetime.now(dt.UTC), generated=data is None)
    tell(sandbox.told)
    status = play(sandbox)
    from parties.sandbox.outcome import conclude

    return conclude(sandbox, status, time.monotonic() - started)


def _told(outcome: Outcome) -> str:
    from parties.report.words import headline

    facts = outcome.facts
    auc, ks, sent = facts["auc"], facts["ks"], megabytes(facts["bytes_sent"])
    return "\n".join(
        [
            "",
            textwrap.fill(headline(outcome.report), 79),
            f"AUC  bank-only {auc['bank_only']:.4f}   fused {auc['fused']:.4f}   pooled {auc['pooled']:.4f}",
            f"KS   bank-only {ks['bank_only']:.4f}   fused {ks['fused']:.4f}   pooled {ks['pooled']:.4f}",
            f"|fused - pooled| = {abs(auc['fused'] - auc['pooled']):.4f} AUC",
            f"{facts['rows_aligned']:,} firms aligned; sent, all of it sealed: {sent}",
            f"{facts['wall_seconds']:.0f} s in all; the report: {facts['report']}",
        ]
    )
