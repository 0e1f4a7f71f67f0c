"""Reasons: a code for each column, texts where its party gave some, the largest losses over all parties."""

from __future__ import annotations

import numpy as np

from federation.ids import PartyId
from parties.dataset import ColumnRules
from parties.scorecard.reasons import Explained, declined, reason_texts
from tests.parties.scorecard.world import config


def test_codes_are_told_as_configured_or_by_the_columns_name() -> None:
    rules = {"late": ColumnRules(reason={"en": "Paid late", "zh": "逾期"})}
    told = reason_texts(["late", "turnover"], config("platform", **rules))
    assert [(each.code, each.en) for each in told] == [
        ("R-platform-1", "Paid late"),
        ("R-platform-2", "turnover scores below the best value"),
    ]
    assert (told[0].zh, told[1].zh.startswith("turnover")) == ("逾期", True)


def test_declined_are_test_rows_below_the_cutoff_or_the_lowest_tenth() -> None:
    units = np.arange(40)
    test = units % 2 == 0
    assert np.flatnonzero(declined(units, test, 5)).tolist() == [0, 2, 4]
    assert np.flatnonzero(declined(units, test, None)).tolist() == [0, 2]
    assert not declined(units, np.zeros(40, dtype=np.bool_), None).any()


def test_the_largest_losses_over_all_parties_are_the_reasons() -> None:
    found = {
        PartyId("bank"): (np.array([[0, 1], [1, 0]]), np.array([[9, 2], [0, 0]])),
        PartyId("shop"): (np.array([[3, 2], [3, 2]]), np.array([[9, 4], [5, 0]])),
    }
    explained = Explained.merged(found, 3)
    assert explained.codes(0) == ["R-bank-1", "R-shop-4", "R-shop-3"]
    assert explained.codes(1) == ["R-shop-4"]
    again = Explained.from_arrays(explained.arrays())
    assert (again.codes(0), again.lost.tolist()) == (explained.codes(0), [[9, 9, 4], [5, 0, 0]])
