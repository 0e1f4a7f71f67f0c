"""Models: trained at the coordinator's word; looked at, explained, taken out and described at a party."""

from __future__ import annotations

from pathlib import Path

import click

from cli.commands.placing import places_options, refuse_unlawful
from cli.completing import run_names
from cli.homes import federation_home, party_home
from cli.output import format_option, say
from cli.paths import OUT_FILE
from cli.trial import dry_run_option, say_would, writing

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group(name="model")
def command() -> None:
    """Train a model (at the coordinator); show, score, explain, export, document it (at a party)."""


@command.command()
@click.argument("plan_file", type=_FILE)
@federation_home
@places_options
@dry_run_option
@format_option
def train(
    plan_file: Path,
    home: Path,
    manifest_files: tuple[Path, ...],
    at: tuple[str, ...],
    dry_run: bool,
    output: str,
) -> None:
    """At the coordinator: launch the round of the plan in PLAN_FILE, follow it, and say what was trained.

    The rules about places are asked first, as `isthmus round launch` has it.
    """
    from cli.commands.round import launched, would_launch
    from federation import plan as plans
    from federation.coordinator.home import CoordinatorHome

    plan = plans.load(plan_file)
    opened = CoordinatorHome.open(home)
    refuse_unlawful(plan, manifest_files, at)
    if dry_run:
        would_launch(opened, plan, output)
        return
    status = launched(opened, plan, output)
    told = (
        f"a {plan.shape} {plan.model.kind} model of {', '.join(plan.parties)}. Each party holds its own "
        "part; look with `isthmus model show` there."
    )
    if plan.model.kind == "rejects":
        told = f"at the bank that asked, use `isthmus model rejects FILE --observed {status.run}`."
    facts = {
        "run": status.run,
        "kind": plan.model.kind,
        "shape": plan.shape,
        "parties": list(plan.parties),
        "plan_digest": status.plan_digest,
    }
    say(output, facts, f"{status.run}: {told}")


@command.command()
@click.argument("run", required=False, shell_complete=run_names)
@party_home
@format_option
def show(run: str | None, home: Path, output: str) -> None:
    """Show what this party holds of the newest model, or of RUN, and its own figures."""
    from parties import results
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    shown = results.show(opened, results.find(opened, run))
    say(output, shown.facts, "\n".join(shown.lines))


@command.command(name="list")
@party_home
@format_option
def list_models(home: Path, output: str) -> None:
    """List the rounds of which this party holds a part."""
    from parties.home import PartyHome

    kept = PartyHome.open(home).models()
    say(output, {"models": kept}, "\n".join(kept) or "no model yet")


@command.command()
@click.argument("run", required=False, shell_complete=run_names)
@party_home
@click.option(
    "--file",
    "new",
    type=_FILE,
    help="New firms, a .csv, .csv.gz or .parquet file with the columns of the round (horizontal models).",
)
@click.option("--out", type=OUT_FILE, required=True, help="A .csv or .parquet file.")
@dry_run_option
@format_option
def score(run: str | None, home: Path, new: Path | None, out: Path, dry_run: bool, output: str) -> None:
    """Write scores by the newest model, or by RUN: key, probability, logit, split, and points of a scorecard.

    After a vertical or hybrid round these are the scores that it opened to the label party. The model of a
    horizontal round scores each firm of this party, or with --file the firms of another table.
    """
    from parties import results
    from parties.home import PartyHome
    from parties.round.shown import write_scores

    opened = PartyHome.open(home)
    found = results.find(opened, run)
    with writing(out, dry_run) as file:
        count = write_scores(results.scores(opened, found, new), file)
    if dry_run:
        say_would(output, f"write {count} scores of {found} to {out}", run=found, scores=count)
        return
    say(output, {"run": found, "scores": count, "file": str(out)}, f"{count} scores of {found} are in {out}")


@command.command()
@click.argument("run", required=False, shell_complete=run_names)
@party_home
@click.option("--firm", "firms", multiple=True, help="A firm's key; repeat for several.")
@click.option("--worst", type=click.IntRange(min=1), help="The firms with the lowest scores, this many.")
@click.option("--language", type=click.Choice(["en", "zh"]), default="en", show_default=True)
@format_option
def explain(
    run: str | None, home: Path, firms: tuple[str, ...], worst: int | None, language: str, output: str
) -> None:
    """At the label party: why the newest scorecard (or that of RUN) declined firms, by reason codes.

    Reasons were asked for in the round, for the declined among the test rows whose scores it opened. They are
    codes; a text stands beside those whose party shares it.
    """
    from parties import results
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    found = results.explain(opened, results.find(opened, run), firms, worst, language)
    say(output, found.facts, "\n".join(found.lines))


@command.command()
@click.argument("file", type=_FILE)
@click.argument("run", required=False, shell_complete=run_names)
@party_home
@click.option(
    "--method",
    "methods",
    type=click.Choice(["weights", "fuzzy", "parcelling"]),
    multiple=True,
    help="What is assumed; repeat for several. All of them by default.",
)
@click.option(
    "--multiplier",
    "multipliers",
    type=click.FloatRange(min=0, min_open=True, max=100),
    multiple=True,
    default=(1.0, 1.5, 2.0, 3.0),
    show_default=True,
    help="How many times as bad as accepted firms of their score the rejected are; repeat for several.",
)
@click.option(
    "--bad-rate",
    type=click.FloatRange(min=0, max=1, min_open=True, max_open=True),
    help="At which approvals are compared; by default that of the accepted.",
)
@click.option(
    "--observed", help='A round of model.kind = "rejects" in which another lender told its outcomes.'
)
@format_option
def rejects(
    file: Path,
    run: str | None,
    home: Path,
    methods: tuple[str, ...],
    multipliers: tuple[float, ...],
    bad_rate: float | None,
    observed: str | None,
    output: str,
) -> None:
    """At the label party: how the newest model (or that of RUN) hangs on what is assumed of rejected firms.

    FILE holds firms that were turned down, with this party's own columns and without outcomes. Its columns
    are refitted under each assumption, beside the accepted firms of the round; docs/rejects.md explains.
    """
    from federation.ids import RunId
    from parties import results
    from parties.home import PartyHome
    from parties.reject.local import Question
    from parties.reject.sensitivity import METHODS

    asked = None if observed is None else RunId(observed)
    question = Question(file, methods or METHODS, multipliers, bad_rate, asked)
    shown = results.rejects(PartyHome.open(home), run, question)
    say(output, shown.facts, "\n".join(shown.lines))


@command.command()
@click.argument("run", required=False, shell_complete=run_names)
@party_home
@click.option("--as", "form", type=click.Choice(["pmml", "sql", "json"]), required=True)
@click.option("--out", type=OUT_FILE, required=True, help="The file to write.")
@dry_run_option
@format_option
def export(run: str | None, home: Path, form: str, out: Path, dry_run: bool, output: str) -> None:
    """Export the newest model (or that of RUN) as far as this party holds it.

    A scorecard at the label party is whole where every other party agreed to share its points: PMML 4.4, SQL
    or JSON. Else, and for other models and parties, the own part is exported as JSON.
    """
    from parties import results
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    found = results.find(opened, run)
    with writing(out, dry_run) as file:
        told = results.export(opened, found, form, file)
    if dry_run:
        say_would(output, f"write {out}", run=found, form=told.form)
        return
    say(output, {"run": found, "as": form, "form": told.form, "file": str(out)}, told.sentence)


@command.command()
@click.argument("run", required=False, shell_complete=run_names)
@party_home
@click.option("--out", type=OUT_FILE, required=True, help="A .html or .md file.")
@dry_run_option
@format_option
def document(run: str | None, home: Path, out: Path, dry_run: bool, output: str) -> None:
    """Write this party's model document of the newest model (or that of RUN), for whoever signs it off.

    Its parts are those of the supervisors' guidance on model risk, SR 26-2 / OCC Bulletin 2026-13.
    """
    from parties import results
    from parties.home import PartyHome

    opened = PartyHome.open(home)
    found = results.find(opened, run)
    with writing(out, dry_run) as file:
        digest = results.document(opened, found, file)
    if dry_run:
        say_would(output, f"write {out}", run=found)
        return
    say(
        output,
        {"run": found, "file": str(out), "sha256": digest},
        f"the model document of {found} is in {out} (SHA-256 {digest})",
    )
