"""Part 1: the model and what it is for."""

from __future__ import annotations

from federation.ids import PartyId
from parties.document.blocks import Absent, Facts, Items, Section
from parties.document.material import Material
from parties.report.kinds import MODELS

_OUTPUT = {
    "logistic": "the log odds of default and the probability that follows from it; higher is worse",
    "scorecard": "points, and the probability of default that they stand for; higher is better",
    "boosting": "the log odds of default and the probability that follows from it; higher is worse",
}


#: Reasons for a single firm are a scorecard's alone.
_TOLD = {
    "logistic": "The model gives no reasons for a single firm: whoever declines one finds them elsewhere",
    "scorecard": "A declined firm is told reasons",
    "boosting": "The model gives no reasons for a single firm: whoever declines one finds them elsewhere",
}


def overview(material: Material) -> Section:
    """What the model is, who made it together, and what it is meant for."""
    plan = material.plan
    roles = plan.roles()
    parties = ", ".join(f"{name} ({roles[PartyId(name)].value})" for name in plan.parties)
    facts = Facts(
        (
            ("Model", MODELS[material.kind]),
            ("Purpose", f"{plan.purpose}; the plan {plan.name} binds every party to it"),
            ("Made by", parties),
            ("This document", f"the part and the facts of {material.party}, role {material.role.value}"),
            ("Puts out", _OUTPUT[material.kind]),
        )
    )
    uses = Items(
        (
            "To rank firms that apply for credit by their risk of default, and to cut that rank off.",
            "For firms that every party of the plan knows, of the population and time of the sample below.",
            f"Not for other decisions or populations. {_TOLD[material.kind]}; people may overrule.",
        )
    )
    rating = Absent(
        "Materiality and risk rating",
        "The model's owner sets them; how deep validation goes and how often it is repeated follows from "
        "them.",
    )
    return Section("The model and its purpose", "模型概述与用途", (facts, uses, rating))
