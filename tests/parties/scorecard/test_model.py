"""A saved part is the same part: bins, points, reasons; and it says which coefficients contradict bins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crypto.errors import UsageError
from crypto.private import Private
from federation.ids import PartyId, RunId
from parties.binning.book import BinningBook, BinningTable
from parties.binning.cuts import Cuts
from parties.scorecard.model import ScorecardPart
from parties.scorecard.points import Scale
from parties.scorecard.reasons import ReasonText


@pytest.fixture
def part() -> ScorecardPart:
    woe = (-0.5, 0.7, 0.0)
    table = BinningTable(Cuts("debt", True, (10.0,)), (0, 1, 2), 2, (60, 90, 50), (30, 9, 10), woe, 0.2)
    scale = Scale(600, 50, 20, 1)
    return ScorecardPart(
        *(RunId("20261126-120000-abcdef"), PartyId("bank"), "00" * 32, scale, BinningBook((table,))),
        *(BinningBook(()), (-0.9,), (scale.bin_units(-0.9, woe),), -1.5, scale.base_units(-1.5)),
        *((ReasonText("R-bank-1", "Debt", "债务"),), 7, True),
    )


def test_a_part_is_read_back_as_it_was(part: ScorecardPart, tmp_path: Path) -> None:
    part.save(tmp_path, {})
    assert ScorecardPart.load(tmp_path) == part
    (tmp_path / "model" / "reasons.json").write_text("[]")
    with pytest.raises(UsageError, match="changed"):
        ScorecardPart.load(tmp_path)


def test_points_are_base_and_bins(part: ScorecardPart) -> None:
    codes = Private(np.array([[0], [1], [2]], dtype=np.uint8))
    (low, high, gap) = part.units(codes).open_locally()
    assert (low < gap < high, gap) == (True, part.base)


def test_a_coefficient_that_contradicts_the_bins_is_named(part: ScorecardPart) -> None:
    assert part.wrong_signs == ()
    assert replace(part, coefficients=(0.1,)).wrong_signs == ("debt",)
