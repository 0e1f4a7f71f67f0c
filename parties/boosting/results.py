"""What a party can look at after a round of boosted trees: its own splits; at the label party their gain."""

from __future__ import annotations

from typing import Any

from federation import files
from federation.ids import RunId
from parties.boosting.model import BoostingPart
from parties.home import PartyHome
from parties.round.shown import Shown, compared_lines


def shown(home: PartyHome, run: RunId) -> Shown:
    """This party's columns and how often they are split; at the label party gains and figures too."""
    folder = home.round_folder(run)
    part, spent = BoostingPart.load(folder), files.read_json(folder / "spent.json")
    path = folder / "evaluation.json"
    evaluation = files.read_json(path) if path.exists() else None
    gains, by_party = part.gains()
    total = sum(by_party.values())
    shares = {party: gain / total for party, gain in sorted(by_party.items())}
    facts: dict[str, Any] = {
        "run": part.run,
        "party": part.party,
        "plan_digest": part.plan_digest,
        "trees": len(part.trees) if part.base is not None else None,
        "splits": part.used(),
        "gains": gains if part.base is not None else None,
        "gain_shares": shares if part.base is not None else None,
        "losses": list(part.losses),
        "spent": spent,
        "evaluation": evaluation,
        "notes": spent["notes"],
    }
    lines = [f"{part.run} at {part.party}: splits of its own columns{_of_trees(part)}"]
    lines += _column_lines(part.used(), gains)
    if part.base is not None:
        lines += [f"  {share:6.1%} of the gain is by columns of {party}" for party, share in shares.items()]
    if evaluation is not None:
        lines += compared_lines(part.party, evaluation)
    return Shown(facts, (*lines, *spent["notes"]))


def _of_trees(part: BoostingPart) -> str:
    return "" if part.base is None else f", of {len(part.trees)} trees, and what they gain"


def _column_lines(used: dict[str, int], gains: dict[str, float]) -> list[str]:
    """The columns that are split at all, the largest gain (or the most splits) first."""
    split = {column: count for column, count in used.items() if count}
    width = max(map(len, split), default=0)
    order = sorted(split, key=lambda column: (-gains.get(column, 0.0), -split[column], column))
    return [
        f"  {column:{width}}  {split[column]:4d}" + (f"  {gains[column]:10.2f}" if column in gains else "")
        for column in order
    ]
