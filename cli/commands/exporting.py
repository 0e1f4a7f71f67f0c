"""`export` of a grant, of a dataset's manifest and of packs, in the forms that others' tools read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from cli.completing import dataset_names, grant_names
from cli.homes import party_home
from cli.output import format_option, say
from cli.paths import OUT_FILE
from cli.trial import dry_run_option, say_would, writing
from cli.trusting import trust_option, trusted
from crypto.codes import Code
from crypto.errors import UsageError

_PACK = click.Path(dir_okay=False, path_type=Path)


@click.command(name="export")
@click.argument("grant_id", metavar="ID", shell_complete=grant_names)
@party_home
@click.option("--as", "form", type=click.Choice(["odrl"]), default="odrl", show_default=True)
@click.option("--out", type=OUT_FILE, required=True, help="The .jsonld file to write.")
@dry_run_option
@format_option
def export_grant(grant_id: str, home: Path, form: str, out: Path, dry_run: bool, output: str) -> None:
    """Write grant ID as an ODRL 2.2 agreement (JSON-LD) with W3C DPV terms, for tools that read policies.

    Documents are in it by their SHA-256, without their titles. The signed grant alone is binding.
    """
    from federation.ledger.exports.odrl import agreement
    from parties.governance.shelf import Shelf
    from parties.home import PartyHome

    kept = Shelf(PartyHome.open(home)).grant(grant_id)
    revoked_at = None if kept.revocation is None else kept.revocation.at
    _write_json(out, agreement(kept.grant, kept.sha256, revoked_at), dry_run)
    if dry_run:
        say_would(output, f"write {out}", grant=grant_id)
        return
    told = f"wrote {out}: grant {grant_id} as an ODRL agreement; the signed grant alone is binding"
    say(output, {"grant": grant_id, "as": form, "sha256": kept.sha256, "file": str(out)}, told)


@click.command(name="export")
@click.option(
    "--dataset",
    default="data",
    show_default=True,
    shell_complete=dataset_names,
    help="Which one of party.toml.",
)
@party_home
@click.option("--as", "form", type=click.Choice(["odcs"]), default="odcs", show_default=True)
@click.option("--out", type=OUT_FILE, required=True, help="The .yaml or .json file to write.")
@dry_run_option
@format_option
def export_manifest(dataset: str, home: Path, form: str, out: Path, dry_run: bool, output: str) -> None:
    """Write a dataset's manifest as a data contract (ODCS 3.1, YAML or JSON), for data catalogues.

    Columns, grades, rows, the fewest rows behind a figure, retention and rights. No cell of the table, and
    none of the owner's reasons.
    """
    from federation import files
    from federation.ledger.exports.odcs import contract, yaml
    from parties.governance.shelf import Shelf
    from parties.home import PartyHome

    ending = out.suffix.lower()
    if ending not in (".yaml", ".yml", ".json"):
        raise UsageError(
            "a data contract is written as YAML or as JSON",
            file=str(out),
            field="--out",
            advice="Give the file the ending .yaml or .json.",
        )
    manifest = Shelf(PartyHome.open(home)).manifest(dataset)
    document = contract(manifest)
    if ending == ".json":
        _write_json(out, document, dry_run)
    else:
        _check_new(out)
        with writing(out, dry_run) as file:
            files.write(file, yaml(document).encode())
    if dry_run:
        say_would(output, f"write {out}", dataset=dataset)
        return
    told = f"wrote {out}: dataset {dataset} as a data contract, {len(manifest.fields)} columns"
    say(output, {"dataset": dataset, "as": form, "manifest": manifest.digest, "file": str(out)}, told)


@click.command(name="export")
@click.argument("pack_files", metavar="PACK...", nargs=-1, required=True, type=_PACK)
@click.option("--as", "form", type=click.Choice(["prov", "oscal"]), required=True)
@click.option("--out", type=OUT_FILE, required=True, help="The .json file to write.")
@trust_option()
@dry_run_option
@format_option
def export_packs(
    pack_files: tuple[Path, ...], form: str, out: Path, trust: tuple[str, ...], dry_run: bool, output: str
) -> None:
    """Verify the packs of one run, and write what they show: PROV-JSON for its lineage, OSCAL for an auditor.

    OSCAL has every check and rule, satisfied or not, and what somebody must still attest. A lineage is drawn
    only from packs that verify.
    """
    from federation.ledger import pack as packs
    from federation.ledger.exports import oscal, prov
    from federation.ledger.reading import Reading
    from federation.ledger.verify import verify

    found = [packs.read(file) for file in pack_files]
    report = verify(found, trusted(trust))
    readings = [Reading(pack) for pack in found]
    document = prov.lineage(readings, report) if form == "prov" else oscal.results(readings, report)
    _write_json(out, document, dry_run)
    if dry_run:
        say_would(output, f"write {out}", run=report.run, state=report.state.value)
        return
    what = "its lineage as PROV-JSON" if form == "prov" else "its verification as OSCAL assessment results"
    facts = {"run": report.run, "as": form, "state": report.state.value, "file": str(out)}
    say(output, facts, f"wrote {out}: run {report.run}, {what} (verification: {report.state.value})")


def _write_json(out: Path, document: dict[str, Any], dry_run: bool) -> None:
    from federation import files

    _check_new(out)
    with writing(out, dry_run) as file:
        files.write_json(file, document)


def _check_new(out: Path) -> None:
    """An export never takes the place of a file: it could be the pack that it was made from."""
    if out.exists():
        raise UsageError(
            "there is a file already",
            file=str(out),
            advice="Give another name with --out.",
            code=Code.FILE_EXISTS,
        )
