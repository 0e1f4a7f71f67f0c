"""Draft the manifest of a party's own table, and check one against the table and against an older version."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.completing import dataset_names
from cli.homes import party_home
from cli.output import format_option, say
from cli.paths import OUT_FILE
from cli.trial import dry_run_option, say_would, writing
from crypto.codes import Code
from crypto.errors import UsageError

if TYPE_CHECKING:
    from federation.governance.manifest import Institution
    from parties.dataset import DatasetConfig

_OWNER = "Say who owns the data: --jurisdiction CN --kind bank --legal-name NAME."

#: `federation.governance.terms.PartyKind`, written out: help texts load nothing of what they describe.
KINDS = ("bank", "platform", "registry", "supplier", "aggregator", "auditor", "regulator")


@click.command(name="inspect")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option(
    "--dataset",
    default="data",
    show_default=True,
    shell_complete=dataset_names,
    help="Without FILE: which one of party.toml.",
)
@click.option("--key", help="With FILE: the column of identifiers; guessed by default.")
@click.option("--label", help="With FILE: the column of outcomes; guessed by default.")
@click.option("--jurisdiction", help="The owner's country or territory, two capital letters, as in CN.")
@click.option("--legal-name", help="The owner's registered name.")
@click.option("--kind", type=click.Choice(KINDS), help="What the owner is.")
@click.option("--party", help="With FILE: the party's name; by default the one of --home.")
@click.option("--out", type=OUT_FILE, help="Where to write the draft.")
@party_home
@dry_run_option
@format_option
def inspect(
    file: Path | None,
    dataset: str,
    key: str | None,
    label: str | None,
    jurisdiction: str | None,
    legal_name: str | None,
    kind: str | None,
    party: str | None,
    out: Path | None,
    home: Path,
    dry_run: bool,
    output: str,
) -> None:
    """Look for identifiers and personal data in a table, and draft its manifest for its owner to decide on.

    Reads FILE, or a dataset of the party's own folder; that one's draft becomes
    governance/DATASET.manifest.toml. What is printed holds no cell of a text.
    """
    from federation import files
    from federation.governance.terms import PartyKind
    from parties.governance.inspect.drafting import document, drafted
    from parties.governance.inspect.grading import propose
    from parties.governance.inspect.looking import look, look_at
    from parties.governance.inspect.telling import inspection_facts, inspection_text
    from parties.home import PartyHome

    holder = PartyHome.open(home).name() if file is None else None
    target = out or (None if file is not None else _shelf(home, dataset))
    if target is not None and target.exists():
        raise UsageError(
            "there is a manifest already, and what its owner decided is not overwritten",
            party=holder,
            file=str(target),
            advice="Write the draft elsewhere with --out, and compare: `isthmus data check --manifest FILE "
            "--against FILE`.",
            code=Code.MANIFEST_EXISTS,
        )
    owner = None
    if target is not None:
        owner = _owner(holder or party or _party(home), jurisdiction, legal_name, kind)
    seen = look_at(file, _dataset_name(file), key, label) if file is not None else look(_own(home, dataset))
    if owner is None or target is None:
        guessed = PartyKind(kind) if kind else PartyKind.BANK
        fields = {facts.name: propose(facts, seen.config, guessed) for facts in seen.columns}
        written = "Nothing was written; name a file with --out to get the draft of a manifest."
    else:
        now = dt.datetime.now(dt.UTC)
        manifest = drafted(seen, owner, now=now)
        fields = manifest.fields
        with writing(target, dry_run) as draft:
            files.write(draft, document(manifest, now).encode())
        written = f"Draft: {target}\nRead its first lines: they say what its owner must look at."
    if dry_run:
        would = [] if target is None else [f"write {target}"]
        if output == "text":
            click.echo(f"{inspection_text(seen, fields)}\n")
        say_would(output, *would, **inspection_facts(seen, fields))
        return
    facts = inspection_facts(seen, fields) | {"draft": str(target) if target is not None else None}
    say(output, facts, f"{inspection_text(seen, fields)}\n\n{written}")


def check_manifest(
    manifest: Path, against: Path | None, table: Path | None, dataset: str, home: Path, output: str
) -> None:
    """Validate a manifest, compare it with its table where there is one, and with an older version."""
    from federation.governance.change import changes
    from federation.governance.manifest import load
    from parties.connectors import columns
    from parties.governance.inspect.fitting import misfits
    from parties.governance.inspect.looking import look, look_at
    from parties.governance.inspect.telling import change_facts, check_text

    new = load(manifest)
    old = load(against) if against is not None else None
    seen = None
    if table is not None:
        seen = look_at(table, new.dataset.id, new.table.key if new.table.key in columns(table) else None)
    elif (home / "party.toml").exists():
        seen = look(_own(home, dataset))
    found = list(misfits(new, seen)) if seen is not None else None
    changed = changes(old, new) if old is not None else None
    head = f"{manifest.name}: a valid manifest of {new.dataset.id}, {len(new.fields)} fields"
    if found is None:
        head += "\nIt was compared with no table: name one, as in `isthmus data check FILE --manifest FILE`."
    say(
        output,
        {
            "manifest": str(manifest),
            "sha256": new.digest,
            "grades": new.grades.model_dump(mode="json", exclude_none=True),
            "misfits": found,
            "changes": None if changed is None else change_facts(changed),
        },
        check_text(head, found, changed),
    )


def _own(home: Path, dataset: str) -> DatasetConfig:
    from parties.home import PartyHome
    from parties.round.acceptance import own_dataset

    return own_dataset(PartyHome.open(home), dataset, "the command")


def _party(home: Path) -> str | None:
    from parties.home import PartyHome

    opened = PartyHome(home)
    return opened.name() if opened.config_file.exists() else None


def _shelf(home: Path, dataset: str) -> Path:
    return home / "governance" / f"{dataset}.manifest.toml"


def _dataset_name(file: Path) -> str:
    """A dataset's name from a file's, of the letters that one may have."""
    stem = re.sub(r"\.(csv|csv\.gz|parquet)$", "", file.name, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-_.")[:63] or "data"


def _owner(
    party: str | None, jurisdiction: str | None, legal_name: str | None, kind: str | None
) -> Institution:
    """The institution as its owner said it: no table shows under which law its owner is."""
    from federation.governance.manifest import Institution

    missing = [
        option
        for option, value in (
            ("--party", party),
            ("--jurisdiction", jurisdiction),
            ("--legal-name", legal_name),
            ("--kind", kind),
        )
        if not value
    ]
    if missing:
        raise UsageError(f"a draft says whose data it is, and {', '.join(missing)} is missing", advice=_OWNER)
    if not re.fullmatch("[A-Z]{2}", jurisdiction or ""):
        raise UsageError(
            "--jurisdiction is no country or territory",
            advice="Give two capital letters, as in CN (ISO 3166-1).",
        )
    if not re.fullmatch("[a-z0-9][a-z0-9-]{0,62}", party or "") or len(legal_name or "") > 200:
        raise UsageError(
            "--party or --legal-name is not one that a manifest takes",
            advice="A party's name has lower-case letters, digits and hyphens; a legal name at most 200 "
            "characters.",
        )
    return Institution.model_validate(
        {"id": party, "legal_name": legal_name, "jurisdiction": jurisdiction, "kind": kind}
    )
