"""What one party has found to hold for one order, before anything is sent: manifest, grants, what is left.

Made by `parties.governance.authority` from the party's own files; the guard reads it and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from federation.governance.grant import Grant
from federation.governance.manifest import Manifest
from federation.governance.terms import Operation
from federation.ids import PartyId


@dataclass(frozen=True, slots=True)
class Left:
    """What the grants still allow in this run; None where no limit was set."""

    egress_bytes: int | None = None
    rounds: int | None = None
    epsilon: float | None = None
    equations_per_row: float | None = None


@dataclass(frozen=True, slots=True)
class Lapse:
    """Why what was found to hold when the order came holds no longer.

    what: a sentence for this party's own people. `told`: what the other roles hear of it.
    """

    what: str
    told: str


@dataclass(frozen=True, slots=True)
class Authorisation:
    """The grants that cover an order: each recipient, each operation, each column that is used.

    places: where each other seat is, the aggregator's included, as the grants say. `revoked` says what lapsed
    since, a grant that was taken back or a right that ran out, or None; it is cheap, and asked before each
    message leaves.
    """

    manifest: Manifest
    grants: tuple[Grant, ...]
    places: Mapping[PartyId, str]
    purpose: str
    operations: frozenset[Operation]
    columns: frozenset[str]
    left: Left
    revoked: Callable[[], Lapse | None]
