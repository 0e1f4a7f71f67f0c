"""At a party: look at its own part of a model."""

from __future__ import annotations

from pathlib import Path

import click

from cli.homes import party_home
from cli.output import format_option, say


@click.group(name="model")
def command() -> None:
    """At a party: look at its own part of a model."""


@command.command()
@click.argument("run", required=False)
@party_home
@format_option
def show(run: str | None, home: Path, output: str) -> None:
    """Show this party's weights of the newest model, or of RUN; at the label party also its figures."""
    from parties.home import PartyHome
    from parties.round import results

    opened = PartyHome.open(home)
    found = results.view(opened, results.find(opened, run))
    part = found.part
    weights = dict(zip(part.features.names, part.weights, strict=True))
    facts = {
        "run": part.run,
        "party": part.party,
        "plan_digest": part.plan_digest,
        "intercept": part.intercept,
        "weights": weights,
        "iterations": part.iterations,
        "converged": part.converged,
        "spent": found.spent,
        "evaluation": found.evaluation,
        "notes": list(part.features.notes),
    }
    lines = [f"{part.run} at {part.party}: log odds of default for one standard deviation of each column"]
    width = max(map(len, weights), default=0)
    for name, weight in sorted(weights.items(), key=lambda item: -abs(item[1])):
        lines.append(f"  {name:{width}}  {weight:+.4f}")
    if part.intercept is not None:
        lines.append(f"  {'intercept':{width}}  {part.intercept:+.4f}")
    if found.evaluation is not None:
        for which in ("bank_only", "fused"):
            figures = found.evaluation[which]
            lines.append(
                f"{which}: AUC {figures['auc']:.4f} KS {figures['ks']:.4f} Gini {figures['gini']:.4f}"
            )
    lines += part.features.notes
    say(output, facts, "\n".join(lines))


@command.command(name="list")
@party_home
@format_option
def list_models(home: Path, output: str) -> None:
    """List the rounds of which this party holds a part."""
    from parties.home import PartyHome

    kept = PartyHome.open(home).models()
    say(output, {"models": kept}, "\n".join(kept) or "no model yet")
