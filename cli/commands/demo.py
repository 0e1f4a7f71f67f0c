"""Run the main job on this machine: an aggregator, party nodes, one round, a report."""

from __future__ import annotations

import datetime as dt
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.output import format_option, say
from crypto.errors import UsageError

if TYPE_CHECKING:
    from parties.sandbox.founding import Sandbox
    from parties.sandbox.outcome import Outcome


@click.command(name="demo")
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
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the generator.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("isthmus-demo"),
    show_default=True,
    help="Where everything is written; an earlier demo there is replaced.",
)
@format_option
def command(data: Path | None, config: Path | None, firms: int, seed: int, out: Path, output: str) -> None:
    """Run the main job on this machine, as separate processes over TLS, and write an HTML report.

    Three organisations run party nodes, a coordinator launches one round, and a credit model comes out
    that none of them could build alone. The report compares it with the label party's own model and,
    because a demo may, with a model of all columns pooled in one place.
    """
    started = time.monotonic()
    if config is not None and data is None:
        raise UsageError(
            "--config describes files, and none were given", advice="Name their folder with --data."
        )
    outcome = _run(data, config, firms, seed, out.resolve(), started)
    for note in outcome.notes:
        click.echo(note, err=True)
    say(output, outcome.facts, _told(outcome))


def _run(data: Path | None, config: Path | None, firms: int, seed: int, out: Path, started: float) -> Outcome:
    from cli.live import follow
    from cli.processes import Service, stopping
    from crypto.errors import IsthmusError
    from federation.addresses import Address
    from federation.coordinator import rounds
    from federation.flower.child import free_port
    from parties.four_flows import Settings
    from parties.sandbox.founding import clear, found, generated, given

    if data is not None:
        datasets, sentences = given(data, config)
        clear(out, data, config, *(dataset.file for dataset in datasets.values()))
    else:
        settings = Settings(firms=firms, seed=seed)
        clear(out)
        datasets, sentences = generated(out, settings)
    for sentence in sentences:
        click.echo(sentence, err=True)
    gate, exchange = (Address("127.0.0.1", free_port()) for _ in range(2))
    now = dt.datetime.now(dt.UTC)
    sandbox = found(out, datasets, sentences, gate, exchange, now, generated=data is None)
    services: list[Service] = []
    with stopping(services):
        aggregator = Service(
            "the aggregator",
            ["federation", "start", "--home", str(sandbox.coordinator.folder)],
            out / "aggregator.log",
        )
        services.append(aggregator)
        click.echo("Starting the aggregator and the party nodes as processes of their own ...", err=True)
        aggregator.wait_for(sandbox.coordinator.service_file, 120)
        for name, home in sandbox.parties.items():
            services.append(
                Service(f"party {name}", ["party", "start", "--home", str(home.folder)], out / f"{name}.log")
            )
        for service, home in zip(services[1:], sandbox.parties.values(), strict=True):
            service.wait_for(home.node_file, 120)
        run = rounds.launch(sandbox.coordinator, sandbox.plan)
        status = follow(sandbox.coordinator, run, sandbox.plan.deadlines.run_seconds, True)
        if status.exit_code:
            error = IsthmusError(
                f"the round did not finish: {status.cause}",
                advice=f"{_next_step(sandbox, status.cause)}The logs are in {out}.",
            )
            error.exit_code = status.exit_code
            raise error
    from parties.sandbox.outcome import conclude

    return conclude(sandbox, status, time.monotonic() - started)


def _next_step(sandbox: Sandbox, cause: str) -> str:
    """What the party that `cause` comes from told its own people: here they are the same people."""
    from federation import files

    for home in sandbox.parties.values():
        node = files.read_json(home.node_file) if home.node_file.exists() else {}
        if node.get("advice") and cause.endswith(str(node["cause"])):
            return f"{node['advice']} "
    return ""


def _told(outcome: Outcome) -> str:
    from parties.report.words import headline

    facts = outcome.facts
    auc, ks = facts["auc"], facts["ks"]
    sent = ", ".join(f"{name} {count / 1e6:,.1f} MB" for name, count in facts["bytes_sent"].items())
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
