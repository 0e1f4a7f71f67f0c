"""Banks with the same columns and other firms, on this machine: one model, and what it is worth to each."""

from __future__ import annotations

import datetime as dt
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.commands.demo.options import megabytes, out_option, seed_option, tell
from cli.output import format_option, say
from cli.playing import loopback, play
from crypto.errors import UsageError

if TYPE_CHECKING:
    from parties.sandbox.peers import Peers, Roles


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="A folder with one PARTY.csv, PARTY.csv.gz or PARTY.parquet for each party, all with the same "
    "columns; or one table to be split with --by. Without it firms are generated.",
)
@click.option("--by", help="The column by which the table at --data is split: a party for each value.")
@click.option(
    "--parties",
    type=click.IntRange(3, 16),
    default=4,
    show_default=True,
    help="How many banks to generate, or how many values of --by, the most frequent first.",
)
@click.option(
    "--model", "kind", type=click.Choice(["logistic", "mlp"]), default="logistic", show_default=True
)
@click.option(
    "--strategy",
    type=click.Choice(["fedavg", "scaffold", "fedprox", "fedadam", "personalised"]),
    default="fedavg",
    show_default=True,
    help="How updates become the next model.",
)
@click.option("--key", help="With --data: the column that names a firm, where it cannot be inferred.")
@click.option("--label", help="With --data: the column with the outcome.")
@click.option("--exclude", multiple=True, help="With --data: a column that is no feature; repeat it.")
@click.option("--categorical", multiple=True, help="With --data: a column of codes; repeat it.")
@click.option("--firms", type=int, default=12_000, show_default=True, help="How many firms to generate.")
@seed_option
@out_option
@format_option
def horizontal(
    data: Path | None,
    by: str | None,
    parties: int,
    kind: str,
    strategy: str,
    key: str | None,
    label: str | None,
    exclude: tuple[str, ...],
    categorical: tuple[str, ...],
    firms: int,
    seed: int,
    out: Path,
    output: str,
) -> None:
    """One model of banks that have the same columns.

    Each bank has other firms, and their outcomes. The report compares, on each bank's own test firms, the
    federated model with the one that the bank trains alone and, because a demo may, with a model of all firms
    pooled in one place.
    """
    from parties.sandbox.founding import found
    from parties.sandbox.peers import Roles, horizontal_plan

    started = time.monotonic()
    roles = Roles(key, label, exclude, categorical)
    if data is None and (by is not None or roles != Roles()):
        raise UsageError("columns are named, and no table was given", advice="Name a table with --data.")
    folder = out.resolve()
    peers = _peers(data, by, parties, roles, firms, seed, folder)
    tell(peers.sentences)
    plan = horizontal_plan(list(peers.datasets), kind, strategy)
    sandbox = found(
        folder, peers.datasets, plan, *loopback(), dt.datetime.now(dt.UTC), generated=data is None
    )
    tell(sandbox.told)
    status = play(sandbox)
    from parties.sandbox.horizontal_outcome import conclude

    outcome = conclude(sandbox, status, time.monotonic() - started)
    tell(outcome.notes)
    say(output, outcome.facts, _told_of_peers(outcome.facts))


def _peers(
    data: Path | None, by: str | None, parties: int, roles: Roles, firms: int, seed: int, out: Path
) -> Peers:
    from parties.four_flows import Settings
    from parties.sandbox.founding import clear
    from parties.sandbox.peers import check_banks, generated_banks, given_peers, split_table

    if data is None:
        settings = Settings(firms=firms, seed=seed)
        check_banks(firms, parties)
        clear(out)
        return generated_banks(out, settings, parties)
    if by is not None:
        split = split_table(data, by, parties, roles)
        clear(out, data)
        return split.write(out)
    if data.is_file():
        raise UsageError(
            "this is one table, and parties have one each",
            file=str(data),
            advice="Name the column to split it by with --by, or a folder with one table for each party.",
        )
    peers = given_peers(data, roles)
    clear(out, data, *(dataset.path for dataset in peers.datasets.values()))
    return peers


def _told_of_peers(facts: dict[str, Any]) -> str:
    width = max(map(len, facts["auc"]))
    lines = ["", textwrap.fill(facts["headline"], 79), ""]
    lines.append(
        f"{'AUC':{width}}  {'local':>7} {'federated':>10} {'pooled':>7}  {'trained':>8} {'tested':>7}"
    )
    for name, auc in facts["auc"].items():
        figures = [f"{auc[which]:.4f}" if auc[which] is not None else "-" for which in auc]
        lines.append(
            f"{name:{width}}  {figures[0]:>7} {figures[1]:>10} {figures[2]:>7}  "
            f"{facts['training_rows'][name]:>8,} {facts['test_rows'][name]:>7,}  {facts['verdict'][name]}"
        )
    if facts["joint"] is not None:
        lines.append(f"federated, over the test rows of all parties: AUC {facts['joint']['auc']:.4f}")
    sent = megabytes(facts["bytes_sent"])
    lines += [
        f"{facts['rounds']} rounds, {facts['strategy']}; sent, all of it sealed: {sent}",
        f"{facts['wall_seconds']:.0f} s in all; the report: {facts['report']}",
    ]
    return "\n".join(lines)
