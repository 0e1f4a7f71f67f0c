"""Real loans by State: the common encoding is worth its pieces to a linear model."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from parties.connectors import read_table
from tests.parties.horizontal.world import encoded, fit_all

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("ISTHMUS_DATA", ROOT.parent / "shared" / "data"))
SBA = DATA / "sba_flagship_fy0306"
NUMBERS = (
    "ApprovalFY",
    "GrAppv",
    "DisbursementGross",
    "disb_lag_days",
    "NoEmp",
    "CreateJob",
    "RetainedJob",
    "guarantee_ratio",
)
LEVELS = ("RevLineCr", "LowDoc", "same_state", "sector", "NewExist", "franchise", "UrbanRural", "bank_id")


def loans() -> dict[str, pd.DataFrame]:
    """The rows of each of the six States with the most loans."""
    bank, platform, public = (read_table(SBA / f"{name}.csv.gz") for name in ("bank", "platform", "public"))
    whole = bank.merge(platform, on="entity_id").merge(public, on="entity_id")
    whole = whole.rename(columns={"default": "bad", "entity_id": "id"})
    states = whole["State"].value_counts().index[:6]
    return {
        f"state-{state.lower()}": whole[whole["State"] == state].reset_index(drop=True) for state in states
    }


def auc(numeric: object, codes: np.ndarray, bad: np.ndarray) -> float:
    """Out of sample, of a logistic regression on half of the rows, over four draws."""
    levels = [codes[:, [column]] == np.unique(codes[:, column]) for column in range(codes.shape[1])]
    x = np.column_stack([np.asarray(numeric), *levels])
    found = []
    for seed in range(4):
        train = np.random.default_rng(seed).random(len(bad)) < 0.5
        model = LogisticRegression(max_iter=1000).fit(x[train], bad[train])
        found.append(roc_auc_score(bad[~train], model.decision_function(x[~train])))
    return float(np.mean(found))


@pytest.mark.skipif(not SBA.is_dir(), reason="the SBA set is not there: set ISTHMUS_DATA to its folder")
def test_pieces_gain_half_a_point_of_auc_or_more_over_one_number_for_a_column() -> None:
    frames = loans()
    fits = fit_all(frames, roles={"exclude": ("State",), "categorical": LEVELS})
    rows = [encoded(fits[party], frame) for party, frame in frames.items()]
    whole = pd.concat(frames.values())
    fit = fits[next(iter(frames))]
    assert (fit.statistics.rows, fit.statistics.bad) == (len(whole), int(whole["bad"].sum()))
    numeric, codes = (np.concatenate([getattr(each, name) for each in rows]) for name in ("numeric", "codes"))
    assert np.isfinite(numeric).all()
    plain = whole[[*NUMBERS]].astype(float)
    plain = plain.fillna(plain.median()).clip(plain.quantile(0.005), plain.quantile(0.995), axis=1)
    bad = whole["bad"].to_numpy()
    in_pieces, at_once = auc(numeric, codes, bad), auc((plain - plain.mean()) / plain.std(), codes, bad)
    assert in_pieces > 0.72
    assert in_pieces > at_once + 0.005
