"""What a party can look at after a hybrid round: its part of the shared model beside its consortium's own."""

from __future__ import annotations

from federation import files
from federation.ids import RunId
from parties.home import PartyHome
from parties.hybrid.fitting import Coefficients
from parties.hybrid.model import HybridPart
from parties.round.shown import Shown, figures_line, weight_lines


def shown(home: PartyHome, run: RunId) -> Shown:
    """This party's weights in the shared model and in its consortium's; at a label party also its figures."""
    folder = home.round_folder(run)
    part, evaluation = HybridPart.load(folder), folder / "evaluation.json"
    figures = files.read_json(evaluation) if evaluation.exists() else None
    notes = part.encoding.notes
    facts = {
        "run": part.run,
        "party": part.party,
        "plan_digest": part.plan_digest,
        "shape": "hybrid",
        "consortium": part.consortium,
        "rounds": part.rounds,
        "iterations": part.iterations,
        "converged": part.converged,
        "shared": _named(part, part.shared),
        "consortium_only": _named(part, part.alone),
        "spent": files.read_json(folder / "spent.json"),
        "evaluation": figures,
        "notes": list(notes),
    }
    lines = [
        f"{part.run} at {part.party} in {part.consortium}: the same weights as at its counterparts,",
        "log odds of default for a quarter of each column's declared range, or for a level",
        *weight_lines(facts["shared"]["weights"], part.shared.intercept),
    ]
    if figures is not None:
        names = {
            "bank_only": f"{part.party} alone",
            "consortium_only": "its consortium alone",
            "fused": "shared model",
        }
        lines += [figures_line(name, figures[which]) for which, name in names.items()]
    return Shown(facts, (*lines, *notes))


def _named(part: HybridPart, coefficients: Coefficients) -> dict[str, object]:
    weights = dict(zip(part.encoding.names, coefficients.weights.tolist(), strict=True))
    return {"weights": weights, "intercept": coefficients.intercept}
