"""Generate the four-flows data set of small firms; look at a party's own table and at its manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from cli.commands.exporting import export_manifest
from cli.commands.inspect import check_manifest, inspect
from cli.completing import dataset_names
from cli.homes import party_home
from cli.output import format_option, say
from cli.paths import OUT_FOLDER
from cli.trial import dry_run_option, say_would
from crypto.errors import UsageError

_SWITCHES = ("unit_mixup", "gbk", "duplicate_ids", "name_variants", "delayed_labels", "rejected_applicants")


@click.group(name="data")
def command() -> None:
    """Generate firms to try things on, or look at a party's own table and its manifest before training."""


command.add_command(inspect)
command.add_command(export_manifest)


@command.command()
@click.option("--out", type=OUT_FOLDER, required=True, help="A folder.")
@click.option("--firms", type=int, default=6000, show_default=True, help="Borrowers at the bank.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same seed, same bytes.")
@click.option("--country", "countries", multiple=True, help="Repeat for several; the first is the largest.")
@click.option("--dirt", multiple=True, type=click.Choice(_SWITCHES), help="Repeat for several kinds.")
@click.option(
    "--files", "file_format", type=click.Choice(["csv.gz", "parquet"]), default="csv.gz", show_default=True
)
@dry_run_option
@format_option
def generate(
    out: Path,
    firms: int,
    seed: int,
    countries: tuple[str, ...],
    dirt: tuple[str, ...],
    file_format: str,
    dry_run: bool,
    output: str,
) -> None:
    """Generate firms seen by a bank, an industrial platform and a public-data holder.

    Writes bank, platform and public tables, and the truth about the firms apart from them in truth/.
    """
    from parties.four_flows import Settings
    from parties.four_flows import generate as generate_firms

    settings = Settings(
        firms=firms,
        seed=seed,
        countries=countries or ("CN",),
        **dict.fromkeys(dirt, True),  # type: ignore[arg-type]  # each switch is a bool by its name
    )
    kind: Literal["csv.gz", "parquet"] = "parquet" if file_format == "parquet" else "csv.gz"
    made = generate_firms(settings)
    if dry_run:
        say_would(output, f"write the tables of {firms} firms to {out}", firms=firms, seed=seed)
        return
    written = made.write(out, kind)
    facts = {"firms": firms, "seed": seed, "files": {name: str(path) for name, path in written.items()}}
    say(output, facts, "\n".join(f"{name:9} {path}" for name, path in written.items()))


@command.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option("--label", help="With FILE: the column of outcomes.")
@click.option("--time", help="With FILE: the column that says when the decision was made.")
@click.option("--group", help="With FILE: the column whose rows belong together.")
@click.option(
    "--date", "dates", multiple=True, help="With FILE: another column of dates. Repeat for several."
)
@click.option("--exclude", multiple=True, help="With FILE: a column that is no feature. Repeat for several.")
@click.option("--key", help="With FILE: the column of identifiers; the first one by default.")
@click.option(
    "--dataset",
    default="data",
    show_default=True,
    shell_complete=dataset_names,
    help="Without FILE: which one of party.toml.",
)
@click.option(
    "--manifest",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Check this manifest instead: its rules, and whether it fits the table.",
)
@click.option(
    "--against",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --manifest: an older version; tells what the new one would newly allow.",
)
@party_home
@format_option
def check(
    file: Path | None,
    label: str | None,
    time: str | None,
    group: str | None,
    dates: tuple[str, ...],
    exclude: tuple[str, ...],
    key: str | None,
    dataset: str,
    manifest: Path | None,
    against: Path | None,
    home: Path,
    output: str,
) -> None:
    """Look for what gives the outcome away: columns written after it, dates after the decision, drift, twins.

    Reads FILE, or a dataset of the party's own folder. What is found is for the party's own people: it goes
    to nobody else, and stops nothing. With --manifest it is the manifest that is looked at, not the rows'
    outcomes.
    """
    if manifest is not None:
        check_manifest(manifest, against, file, dataset, home, output)
        return
    if against is not None:
        raise UsageError(
            "--against compares manifests, and there is no --manifest",
            advice="Name both: `isthmus data check --manifest NEW --against OLD`.",
        )
    from parties.connectors import columns
    from parties.dataset import DatasetConfig
    from parties.home import PartyHome
    from parties.leakage import check as look
    from parties.round.acceptance import own_dataset
    from parties.round.rows import read_own

    if file is None:
        config = own_dataset(PartyHome.open(home), dataset, "the command")
    else:
        config = DatasetConfig(
            file.stem,
            file,
            key or columns(file)[0],
            label=label,
            time=time,
            group=group,
            dates=dates,
            exclude=exclude,
        )
    own = read_own(config)
    found = look(own.frame, config)
    lines = [f"  {finding.sentence}" for finding in found]
    head = (
        f"{config.source.name}: {len(found)} to look at"
        if found
        else (f"{config.source.name}: nothing stands out")
    )
    if config.label is None:
        head += "; without a label, outcomes were not looked at"
    say(
        output,
        {
            "file": str(config.file or config.source.name),
            "sha256": own.digest,
            "findings": [each.to_dict() for each in found],
        },
        "\n".join([head, *lines, f"SHA-256 of {config.source.hashed}: {own.digest}"]),
    )
