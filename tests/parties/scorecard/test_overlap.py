"""Which columns are said to repeat each other, and which rows say so."""

from __future__ import annotations

import numpy as np
import pytest

from federation.credit import Selection
from federation.ids import PartyId
from parties.scorecard import overlap
from parties.scorecard.overlap import Verdict, drawn, judged

BANK, PLATFORM = PartyId("bank"), PartyId("platform")


def test_the_less_telling_of_a_pair_goes_and_then_what_the_others_add_up_to() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(5000, 4))
    columns = np.column_stack([x[:, 0], x[:, 1], x[:, 2], x[:, :3].sum(axis=1) + 0.1 * x[:, 3], x[:, 0]])
    matrix = np.corrcoef(columns.T)
    owners = [BANK, BANK, PLATFORM, PLATFORM, PLATFORM]
    found = judged(matrix, [0.3, 0.2, 0.1, 0.05, 0.2], owners, Selection())
    stays, inflated, repeated = Verdict.STAYS, Verdict.INFLATED, Verdict.REPEATED
    assert found == (stays, stays, stays, inflated, repeated)
    alone = Selection(inflation=0.0)
    assert judged(matrix, [0.3, 0.2, 0.1, 0.05, 0.2], owners, alone) == (stays, stays, stays, stays, repeated)


def test_a_party_whose_columns_would_all_go_keeps_the_most_telling_one() -> None:
    matrix = np.full((3, 3), 0.9) + 0.1 * np.eye(3)
    found = judged(matrix, [0.3, 0.1, 0.2], [BANK, PLATFORM, PLATFORM], Selection())
    assert found == (Verdict.STAYS, Verdict.REPEATED, Verdict.LAST)


def test_every_party_draws_the_same_rows_by_the_plans_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawn(40, 7).tolist() == list(range(40))
    monkeypatch.setattr(overlap, "MOST", 6)
    # Known numbers: parties with another NumPy must find the same ones.
    assert drawn(40, 7).tolist() == [6, 23, 24, 32, 37, 39]
    assert drawn(40, 8).tolist() != drawn(40, 7).tolist()
