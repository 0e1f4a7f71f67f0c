"""Violations of minimisation: more would be told than the purpose needs.

Where no rule of the guard is asked, because a plan of that kind cannot be written or a party ends the round
by itself, the rule is the key of the plan that is refused.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from pydantic import ValidationError

from benchmarks.border.firms import horizontal
from benchmarks.border.mutations import Found, Mutation, World, refusal
from benchmarks.border.playing import Played, founded, play
from benchmarks.border.rights import granted_again, papers
from crypto.curve import BlindedPoints, RingKey
from crypto.private import Private
from federation.errors import PlanRefused
from federation.governance.grant import GrantLimits
from federation.plan import Plan
from parties.governance.shelf import Shelf

_TABLES: dict[str, Any] = {"name": "border", "purpose": "credit-scoring"}


def _written(key: str, **tables: Any) -> Callable[[World], Found]:
    """A plan that cannot be written: `key` stands in what is said of it."""

    def seed(world: World) -> Found:
        try:
            Plan.model_validate({**_TABLES, **tables})
        except ValidationError as error:
            told = "; ".join(str(each["msg"]) for each in error.errors())
            named = key in told or any(key == ".".join(map(str, each["loc"])) for each in error.errors())
            return Found((key,) if named else (), told)
        return Found((), "such a plan can be written")

    return seed


def _planned(**changed: Any) -> Callable[[World], Found]:
    """The world's plan with some tables otherwise, in a whole round."""

    def seed(world: World) -> Found:
        plan = world.case.plan
        tables = {name: getattr(plan, name).model_copy(update=values) for name, values in changed.items()}
        return by_field(play(world.sandbox, plan.model_copy(update=tables)))

    return seed


def by_field(played: Played) -> Found:
    """The key of the plan for which a party ended the round."""
    refused = [error for error in played.errors.values() if isinstance(error, PlanRefused) and error.field]
    if refused:
        return Found(tuple(dict.fromkeys(str(error.field) for error in refused)), refused[0].cause)
    return Found((), "nobody refused" if played.cause is None else f"ended: {played.cause.cause}")


def _repeated(world: World) -> Found:
    """The same two parties match their identifiers again, one time more than was granted."""
    with papers(world) as shelf:
        granted_again(shelf, id="one-match", limits=GrantLimits(max_psi_runs=1))
        first = play(world.sandbox)
        if first.cause is not None:
            return Found((), f"the first round ended: {first.cause.cause}")
        return refusal(play(world.sandbox))


def _overspent(world: World) -> Found:
    """A plan with noise that may spend more than its grants allow."""
    noised = horizontal(2026, 3, privacy={"unit": "record", "epsilon": 8.0, "noise_multiplier": 1.0})
    with tempfile.TemporaryDirectory(prefix="isthmus-border-") as folder:
        sandbox = founded(noised, Path(folder))
        home = next(iter(sandbox.parties.values()))
        granted_again(Shelf(home), limits=GrantLimits(max_epsilon=1.0))
        played = play(sandbox)
        return Found((), "something left before the refusal") if played.frames else refusal(played)


def _salted(world: World) -> Found:
    """An alignment by salted hashes, which whoever knows the salt tries out."""

    def hashed(key: RingKey, ids: Private[tuple[bytes, ...]]) -> BlindedPoints:
        return BlindedPoints(b"".join(hashlib.sha256(b"salt" + each).digest() for each in ids.open_locally()))

    with mock.patch.object(RingKey, "first", hashed):
        return refusal(play(world.sandbox))


_BANKS: dict[str, Any] = {"one": {}, "two": {}}
_PAIR: dict[str, Any] = {"one": {"role": "label"}, "two": {}}

MUTATIONS: tuple[Mutation, ...] = (
    Mutation(
        "sum over two parties",
        "minimisation",
        "parties",
        _written("parties", shape="horizontal", parties=_BANKS),
    ),
    Mutation(
        "reshuffled minibatches in a vertical fit",
        "minimisation",
        "training",
        _written("training", parties=_PAIR, training={"batch_size": 64}),
    ),
    Mutation(
        "more equations for each row than are safe",
        "minimisation",
        "limits.equations_per_row",
        _written("limits.equations_per_row", parties=_PAIR, limits={"equations_per_row": 0.05}),
    ),
    Mutation(
        "too many columns for the rows",
        "minimisation",
        "limits.equations_per_row",
        _planned(limits={"equations_per_row": 0.001}),
    ),
    Mutation(
        "fewer common firms than the plan's fewest",
        "minimisation",
        "alignment.minimum_intersection",
        _planned(alignment={"minimum_intersection": 5_000}),
    ),
    Mutation("matching repeated beyond the grant", "minimisation", "G-LIMIT", _repeated),
    Mutation("noise that spends more than was granted", "minimisation", "G-LIMIT", _overspent),
    Mutation("matching by salted hashes", "minimisation", "T-EGRESS-CANON", _salted),
)
