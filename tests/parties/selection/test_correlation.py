"""The correlation matrix across parties: right to a thousandth, at the label party alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from crypto.errors import UsageError
from crypto.private import Private
from federation.ids import AGGREGATOR, PartyId
from federation.session import Session
from parties.selection.correlation import STEP, Correlations, correlations, standardised
from tests.parties.logistic.world import Ears, World, world
from tests.seats import run_seats


def played(made: World, ears: Ears | None = None) -> dict[str, Any]:
    widths = {PartyId(name): block.shape[1] for name, block in made.columns.items()}

    def part(session: Session) -> Correlations | None:
        if ears is not None:
            ears.on(session)
        return correlations(session, Private(made.columns[session.me]), widths)

    return run_seats(made.roles, {**dict.fromkeys(made.columns, part), AGGREGATOR: lambda session: None})


@pytest.mark.parametrize(("parties", "rows"), [(4, 600), (2, 8200)])
def test_every_correlation_is_right_to_a_thousandth_and_known_to_the_label_party_alone(
    parties: int, rows: int
) -> None:
    made = world(parties, rows)
    made.columns["bank"][:, 1] = made.columns["platform"][:, 0] * -3 + 1e6  # One column at two parties.
    out = played(made)
    found = out["bank"]
    exact = np.corrcoef(made.pooled.T)
    assert np.abs(found.matrix - exact).max() < STEP + 1e-4
    assert (found.matrix == found.matrix.T).all()
    assert np.abs(found.matrix / STEP - np.rint(found.matrix / STEP)).max() < 1e-9
    assert found.matrix[1, made.columns["bank"].shape[1]] == pytest.approx(-1, abs=STEP)
    assert [out[name] for name in made.columns if name != "bank"] == [None] * (parties - 1)
    assert found.owner(made.columns["bank"].shape[1] + 2) == ("platform", 2)


def test_what_the_others_hear_are_uniform_words_and_the_label_party_hears_thousandths() -> None:
    made = world(4, 600)
    ears = Ears()
    found = played(made, ears)["bank"]
    kinds = {who: {type(m).__name__ for reader, _, m in ears.heard if reader == who} for who in made.columns}
    assert kinds["platform"] == kinds["public"] == {"SealedColumns", "CrossProducts"}
    assert kinds["customs"] == {"SealedColumns"}
    assert kinds["bank"] == {"CrossProducts", "OwnCorrelations", "CrossShares"}
    # Rounding at random is right in the mean: over many pairs the errors cancel, and none is zero by rule.
    exact = np.corrcoef(made.pooled.T)
    across = np.triu_indices(len(exact), 4)
    errors = (found.matrix - exact)[across] / STEP
    assert abs(errors.mean()) < 4 * errors.std() / np.sqrt(len(errors)) + 0.05
    assert errors.std() > 0.2


def test_a_column_on_few_rows_never_meets_another_partys() -> None:
    with pytest.raises(UsageError, match="column 2 of 2"):
        standardised(np.column_stack([np.arange(200.0), np.repeat([1.0, 0.0], [49, 151])]))
    with pytest.raises(UsageError, match="finite"):
        standardised(np.array([[1.0], [np.nan]]))


def test_a_column_of_huge_numbers_is_standardised_as_a_small_one() -> None:
    column = np.random.default_rng(1).normal(size=(500, 1))
    assert np.abs(standardised(column * 1e6 + 1e9) - standardised(column)).max() < 1e-6
