"""One scale for a column in every country; what is a party's own on top of it shows no single row."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from federation.errors import PlanRefused
from federation.tables import Column
from parties.dataset import DatasetConfig, Place
from parties.features.standard import Standard
from parties.features.support import MIN_SUPPORT
from parties.horizontal.encoding import CategoricalEncoding, CommonEncoding, NumericEncoding
from parties.hybrid.encoding import OwnEncoding, declared_schema, width_of

PLACE = Place("platform", "orders.csv")
CONFIG = DatasetConfig("data", Path("orders.csv"), "firm", party="platform")
DECLARED = {"debt": Column(range=(0.0, 60.0)), "branch": Column(levels=("a", "b", "rare", "never"))}
COMMON = CommonEncoding(
    (NumericEncoding("debt", 30.0, (0.0, 60.0), (Standard(0.5, 0.25),), None),),
    (CategoricalEncoding("branch", ("a", "b", "rare", "never"), None),),
    bytes(32),
)


def table(rows: int = 1000, shift: float = 0.0) -> pd.DataFrame:
    generator = np.random.default_rng(5)
    debt = generator.lognormal(1.5 + shift, 0.8, rows)
    branch = np.where(generator.random(rows) < 0.4, "a", "b").astype(object)
    branch[: MIN_SUPPORT - 1] = "rare"
    debt[100:140] = np.nan
    return pd.DataFrame({"firm": range(rows), "debt": debt, "branch": branch})


def fitted(frame: pd.DataFrame) -> OwnEncoding:
    return OwnEncoding.fit(COMMON, frame, np.ones(len(frame), dtype=np.bool_), PLACE)


def test_a_step_in_a_column_is_the_same_step_of_a_feature_in_every_country() -> None:
    one, other = fitted(table()), fitted(table(shift=0.7))
    pair = pd.DataFrame({"debt": [4.0, 5.0], "branch": ["a", "b"]})
    steps = [np.diff(encoding.transform(pair, PLACE), axis=0)[0] for encoding in (one, other)]
    assert np.abs(steps[0] - steps[1]).max() < 1e-12
    assert steps[0][0] == pytest.approx(1 / 60 / 0.25, rel=1e-6) and steps[0][1:3].tolist() == [-1.0, 1.0]
    assert one.names == other.names == ("debt", *(f"branch = {x}" for x in ("a", "b", "rare", "never")))
    assert len(one.names) == width_of(DECLARED)


def test_features_are_centred_gaps_are_the_median_and_tails_stand_on_many_rows() -> None:
    frame = table()
    encoded = fitted(frame).transform(frame, PLACE)
    assert np.abs(encoded.mean(axis=0)).max() < 1e-9
    debt = encoded[:, 0]
    assert (debt == debt.max()).sum() >= MIN_SUPPORT - 2 and (debt == debt.min()).sum() >= MIN_SUPPORT - 2
    gaps = frame["debt"].isna().to_numpy()
    assert abs(np.median(debt[~gaps]) - debt[gaps][0]) < 1e-9


def test_a_feature_of_too_few_rows_is_not_trained_and_keeps_its_column() -> None:
    frame = table()
    encoding = fitted(frame)
    assert encoding.trained.tolist() == [True, True, True, False, False]
    assert [note.split(":")[0] for note in encoding.notes] == [
        "Feature branch = rare",
        "Feature branch = never",
    ]
    encoded = encoding.transform(frame, PLACE)
    whitening = encoding.whitening(encoded)
    assert (whitening.w[3:] == 0).all() and (whitening.unwhiten(np.ones(whitening.rank))[3:] == 0).all()
    assert encoded[0, 3] > 0.9  # The other countries' weight still counts for a row of that level.
    with pytest.raises(UsageError, match="no column is left"):
        fitted(table(MIN_SUPPORT))


def test_every_column_is_declared_or_the_round_is_refused_before_it_starts() -> None:
    schema, declared = declared_schema(table(), CONFIG, {**DECLARED, "elsewhere": Column(range=(0.0, 1.0))})
    assert schema == (("branch", "categorical"), ("debt", "numeric")) and set(declared) == {"debt", "branch"}
    with pytest.raises(PlanRefused) as refused:
        declared_schema(table(), CONFIG, {"branch": DECLARED["branch"]})
    assert "debt" in refused.value.advice and "debt" not in refused.value.cause


def test_a_saved_encoding_comes_back_bit_for_bit_and_a_damaged_one_is_refused() -> None:
    frame, encoding = table(), fitted(table())
    saved = json.loads(json.dumps(encoding.to_dict()))
    assert (
        OwnEncoding.from_dict(saved).transform(frame, PLACE).tobytes()
        == encoding.transform(frame, PLACE).tobytes()
    )
    assert "4." not in repr(encoding)
    for damage in ({"version": 2}, {"scales": {}}, {"scales": {"debt": {"low": 1}}}):
        with pytest.raises(UsageError, match="damaged"):
            OwnEncoding.from_dict({**saved, **damage})
