"""The aggregator's part of alignment: match opaque tags, tell each party its own rows."""

from __future__ import annotations

from collections.abc import Mapping

from crypto.codes import Code
from crypto.curve import Tags, match, positions
from crypto.sealed import RowPositions
from federation.errors import PlanRefused
from federation.ids import PartyId
from federation.messages.alignment import CommonRows


def common_rows(tags: Mapping[PartyId, Tags], minimum: int) -> dict[PartyId, CommonRows]:
    """For each party the positions, in the shuffled order of its own rows, of the firms that all have.

    The order is that of the ascending common tags: the same firms in the same order at every party. The
    matcher learns the sizes of the sets and of all their overlaps; no identifier, and no row, since each
    party shuffled its rows. Raises `PlanRefused` when fewer than `minimum` firms are common.
    """
    common = match(list(tags.values()))
    if len(common) < minimum:
        raise PlanRefused(
            f"fewer than {minimum} firms are common to {', '.join(sorted(tags))}",
            field="alignment.minimum_intersection",
            advice="Check that every party names the right key column and key type; a small overlap "
            "is refused because a model of few firms tells about single ones.",
            code=Code.TOO_FEW_FIRMS,
        )
    return {party: CommonRows(RowPositions.of(positions(common, own))) for party, own in tags.items()}
