"""What a look-up told comes back as it was kept, or is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.dataset import DatasetConfig
from parties.features import FeatureSpec
from parties.reject import Bands, ObservedBands
from parties.reject.observed import FILE, Observed, OwnModel

FRAME = pd.DataFrame({"firm": range(400), "debt": np.linspace(-3, 3, 400)})


def kept(folder: Path) -> Observed:
    features = FeatureSpec.fit(FRAME, np.arange(400), DatasetConfig("a", Path("a.csv"), "firm", party="bank"))
    told = ObservedBands(Bands((0.1 + 0.2,)), (50, 60), (7.0, -1.0))
    observed = Observed("lender", 2.0, told, OwnModel(features, (0.1,), -1 / 3))
    observed.save(folder)
    return observed


def test_answers_and_scores_come_back_bit_for_bit(tmp_path: Path) -> None:
    before, after = kept(tmp_path), Observed.load(tmp_path, "bank")
    assert (after.lender, after.noise, after.told) == (before.lender, before.noise, before.told)
    risks = [each.model.risk(FRAME).open_locally() for each in (before, after)]
    assert np.array_equal(*risks)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "change",
    [
        {"weights": ["a"]},
        {"weights": [0.1, 0.2]},
        {"noise": None},
        {"told": {"edges": [0.3], "rows": [50], "bad": [1.0]}},
        {"told": 3},
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    kept(tmp_path)
    path = tmp_path / FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UsageError, match="damaged") as refused:
        Observed.load(tmp_path, "bank")
    assert refused.value.party == "bank"
