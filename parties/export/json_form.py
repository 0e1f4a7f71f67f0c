"""A scorecard as JSON: everything that PMML and SQL hold, and what points mean."""

from __future__ import annotations

from typing import Any

from federation.ids import PartyId
from parties.export.card import Characteristic, PointsCard

VERSION = 1


def whole(card: PointsCard) -> dict[str, Any]:
    """The whole scorecard. Points are whole numbers of 10^-decimals."""
    return {"isthmus_scorecard": VERSION, "form": "whole", **_head(card), **_columns(card.characteristics)}


def joint(card: PointsCard, ask: tuple[str, ...]) -> dict[str, Any]:
    """What the label party holds where not every party agreed: the base, the characteristics that it may
    hold, and the parties to be asked for the points of the others at each score."""
    told = {"isthmus_scorecard": VERSION, "form": "joint", **_head(card), "ask": list(ask)}
    return {**told, **_columns(card.characteristics)}


def own(
    run: str, party: PartyId, model_hash: str, decimals: int, table: tuple[Characteristic, ...]
) -> dict[str, Any]:
    """A party's own points table: what it answers with when it is asked for its part of a score."""
    head = {"run": run, "party": party, "model_hash": model_hash, "decimals": decimals}
    return {"isthmus_scorecard": VERSION, "form": "own", **head, **_columns(table)}


def _head(card: PointsCard) -> dict[str, Any]:
    return {
        "run": card.run,
        "model_hash": card.model_hash,
        "decimals": card.decimals,
        "base": card.base,
        "scale": dict(card.scale),
    }


def _columns(characteristics: tuple[Characteristic, ...]) -> dict[str, Any]:
    return {"characteristics": [each.to_dict() for each in characteristics]}
