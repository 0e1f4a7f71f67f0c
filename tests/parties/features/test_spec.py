"""One encoding: fitted on the training rows alone, saved, and the same for every row ever after."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.dataset import DatasetConfig
from parties.features import FeatureSpec

ROWS = 1200
TRAINING = np.random.default_rng(9).permutation(ROWS)[:800]
REST = np.setdiff1d(np.arange(ROWS), TRAINING)


def config(**fields: object) -> DatasetConfig:
    roles: dict[str, object] = {"label": "default", "group": "holding", "exclude": ("branch",)}
    return DatasetConfig(
        name="loans",
        file=Path("home/loans.csv"),
        key="id",
        party="bank",
        **(roles | fields),  # type: ignore[arg-type]
    )


def table() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    amount = rng.lognormal(10, 2, ROWS)
    amount[rng.random(ROWS) < 0.2] = np.nan
    return pd.DataFrame(
        {
            "id": [f"firm-{i}" for i in range(ROWS)],
            "default": rng.integers(0, 2, ROWS),
            "holding": rng.integers(0, 300, ROWS),
            "branch": rng.integers(0, 5, ROWS),
            "amount": amount,
            "staff": pd.Series(rng.integers(1, 50, ROWS)).astype("Int64"),
            "legal": rng.choice(["GmbH", "AG", "KG", "e.K."], ROWS, p=[0.5, 0.3, 0.19, 0.01]),
            "audited": rng.random(ROWS) < 0.3,
            "sector": rng.integers(10, 14, ROWS),
            "flat": 1,
        }
    )


def test_every_kind_of_column_is_encoded_and_no_other_role_is_a_feature() -> None:
    spec = FeatureSpec.fit(table(), TRAINING, config(categorical=("sector",)))
    assert spec.names == (
        "amount",
        "amount (missing)",
        "staff",
        "legal=AG",
        "legal=GmbH",
        "legal=(other)",
        "audited=true",
        "sector=10",
        "sector=11",
        "sector=12",
        "sector=13",
    )
    assert any("flat is constant" in note for note in spec.notes)


def test_training_rows_have_mean_zero_and_variance_one() -> None:
    spec = FeatureSpec.fit(table(), TRAINING, config(categorical=("sector",)))
    z = spec.transform(table())
    assert z.shape == (ROWS, len(spec.names)) and z.dtype == np.float64
    np.testing.assert_allclose(z[TRAINING].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(z[TRAINING].var(axis=0), 1)
    assert np.isfinite(z).all()


def test_other_rows_change_nothing_that_was_fitted() -> None:
    frame = table()
    spec = FeatureSpec.fit(frame, TRAINING, config(categorical=("sector",)))
    changed = frame.copy()
    changed.loc[REST, "amount"] = np.inf
    changed.loc[REST, "staff"] = 10**9
    changed.loc[REST, "legal"] = [f"form {i}" for i in range(len(REST))]
    changed.loc[REST, "audited"] = True
    changed.loc[REST, "sector"] = 99
    changed.loc[REST, "flat"] = np.arange(len(REST))
    assert FeatureSpec.fit(changed, TRAINING, config(categorical=("sector",))) == spec
    assert FeatureSpec.fit(frame.loc[TRAINING], np.arange(800), config(categorical=("sector",))) == spec


def test_a_mask_and_row_numbers_in_any_order_fit_the_same() -> None:
    mask = np.zeros(ROWS, dtype=bool)
    mask[TRAINING] = True
    spec = FeatureSpec.fit(table(), mask, config())
    assert spec == FeatureSpec.fit(table(), np.sort(TRAINING), config())
    assert spec.names == FeatureSpec.fit(table(), TRAINING, config()).names


def test_rows_are_taken_by_position_not_by_the_tables_index() -> None:
    frame = table()
    moved = frame.set_axis(np.random.default_rng(0).permutation(ROWS), axis=0)
    assert FeatureSpec.fit(moved, TRAINING, config()) == FeatureSpec.fit(frame, TRAINING, config())


def test_a_saved_encoding_transforms_new_rows_to_the_same_bits() -> None:
    frame = table()
    spec = FeatureSpec.fit(frame, TRAINING, config(categorical=("sector",)))
    again = FeatureSpec.from_dict(json.loads(json.dumps(spec.to_dict(), allow_nan=False)))
    assert again == spec
    new = frame.loc[REST].copy()
    new.iloc[0, new.columns.get_loc("legal")] = "unseen"
    new["amount"] = new["amount"] * 3.7
    assert again.transform(new).tobytes() == spec.transform(new).tobytes()
    one_by_one = np.vstack([again.transform(new.iloc[[i]]) for i in range(20)])
    assert one_by_one.tobytes() == np.ascontiguousarray(spec.transform(new)[:20]).tobytes()


def test_scoring_needs_neither_label_nor_key_nor_the_order_of_columns() -> None:
    spec = FeatureSpec.fit(table(), TRAINING, config())
    features = ["flat", "sector", "audited", "legal", "staff", "amount"]
    np.testing.assert_array_equal(spec.transform(table()[features]), spec.transform(table()))


def test_an_empty_table_scores_to_no_rows() -> None:
    spec = FeatureSpec.fit(table(), TRAINING, config())
    assert spec.transform(table().iloc[:0]).shape == (0, len(spec.names))


def test_absent_columns_are_refused_by_name() -> None:
    spec = FeatureSpec.fit(table(), TRAINING, config())
    with pytest.raises(UsageError, match="amount, legal") as caught:
        spec.transform(table().drop(columns=["amount", "legal"]), file="new.csv")
    assert (caught.value.party, caught.value.file) == ("bank", "new.csv")


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinity_is_refused_when_fitting_and_when_scoring(value: float) -> None:
    spec = FeatureSpec.fit(table(), TRAINING, config())
    frame = table()
    frame.loc[[int(TRAINING[0]), int(TRAINING[1])], "amount"] = value
    for refused in (lambda: FeatureSpec.fit(frame, TRAINING, config()), lambda: spec.transform(frame)):
        with pytest.raises(UsageError, match=r"2 of .* cells are infinite") as caught:
            refused()
        assert (caught.value.party, caught.value.file, caught.value.field) == ("bank", "loans.csv", "amount")


def test_words_among_numbers_are_refused_when_fitting_and_when_scoring() -> None:
    spec = FeatureSpec.fit(table(), TRAINING, config())
    frame = table().astype({"staff": object})
    frame.loc[[int(row) for row in TRAINING[:3]], "staff"] = "unknown"
    with pytest.raises(UsageError, match="3 of 800 cells are not numbers") as caught:
        FeatureSpec.fit(frame, TRAINING, config())
    assert caught.value.field == "staff" and "unknown" not in str(caught.value)
    with pytest.raises(UsageError, match="3 of 1200 cells"):
        spec.transform(frame)


def test_words_among_numbers_are_levels_when_declared() -> None:
    frame = table().astype({"sector": object})
    frame.loc[[int(row) for row in TRAINING[:60]], "sector"] = "X"
    with pytest.raises(UsageError, match="60 of 800"):
        FeatureSpec.fit(frame, TRAINING, config())
    assert "sector=X" in FeatureSpec.fit(frame, TRAINING, config(categorical=("sector",))).names


def test_text_that_holds_numbers_only_is_read_as_numbers_with_a_note() -> None:
    frame = table().astype({"sector": str})
    spec = FeatureSpec.fit(frame, TRAINING, config())
    assert "sector" in spec.names
    assert any("sector is stored as text but holds numbers" in note for note in spec.notes)
    np.testing.assert_array_equal(spec.transform(frame), spec.transform(table()))


def test_a_text_column_that_names_single_firms_is_refused() -> None:
    frame = table().assign(name=[f"Firm No. {i} Ltd" for i in range(ROWS)])
    with pytest.raises(UsageError, match="800 levels on the training rows") as caught:
        FeatureSpec.fit(frame, TRAINING, config())
    assert caught.value.field == "name"
    assert "Firm" not in str(caught.value)
    # Declared, its levels are merged first; all of them are rare, so nothing is left.
    spec = FeatureSpec.fit(frame, TRAINING, config(categorical=("name",)))
    assert not any(name.startswith("name=") for name in spec.names)


def test_the_limit_of_levels_can_be_raised_and_rare_levels_merged_first_when_declared() -> None:
    frame = table().assign(town=[f"town {i % 10 if i % 4 else i}" for i in range(ROWS)])
    with pytest.raises(UsageError, match="more than the limit of 60"):
        FeatureSpec.fit(frame, TRAINING, config())
    assert "town=(other)" in FeatureSpec.fit(frame, TRAINING, config(max_levels=900)).names
    assert "town=(other)" in FeatureSpec.fit(frame, TRAINING, config(categorical=("town",))).names


def test_a_column_of_dates_is_refused() -> None:
    frame = table().assign(since=pd.Timestamp("2020-01-01"))
    with pytest.raises(UsageError, match="neither numbers nor text") as caught:
        FeatureSpec.fit(frame, TRAINING, config())
    assert caught.value.field == "since"


def test_a_misspelt_exclusion_lets_no_column_through() -> None:
    with pytest.raises(UsageError, match=r"exclude names column 'Branch'.*categorical names column 'sectr'"):
        FeatureSpec.fit(table(), TRAINING, config(exclude=("Branch",), categorical=("sectr",)))


def test_a_party_without_any_feature_is_refused_with_the_reasons() -> None:
    with pytest.raises(UsageError, match="no column is left as a feature on 800 training rows") as caught:
        FeatureSpec.fit(table()[["id", "flat"]], TRAINING, config(label=None, group=None, exclude=()))
    assert "flat is constant" in caught.value.advice
    with pytest.raises(UsageError, match="on 49 training rows"):
        FeatureSpec.fit(table(), TRAINING[:49], config())


@pytest.mark.parametrize(
    "rows",
    [[], [-1], [ROWS], [0, 0], [0.5], [[0, 1]], np.ones(ROWS - 1, dtype=bool), np.zeros(ROWS, dtype=bool)],
)
def test_training_rows_must_be_rows_of_the_table(rows: object) -> None:
    with pytest.raises(UsageError, match="training row"):
        FeatureSpec.fit(table(), rows, config())  # type: ignore[arg-type]


def test_two_columns_of_one_name_are_refused() -> None:
    spec = FeatureSpec.fit(table(), TRAINING, config())
    frame = pd.concat([table(), table()[["amount"]]], axis=1)
    for refused in (lambda: FeatureSpec.fit(frame, TRAINING, config()), lambda: spec.transform(frame)):
        with pytest.raises(UsageError, match="two columns of one name"):
            refused()


@pytest.mark.parametrize("tail", [-0.1, 0.5, float("nan")])
def test_an_impossible_tail_is_refused(tail: float) -> None:
    with pytest.raises(UsageError, match=r"between 0 and 0\.5"):
        FeatureSpec.fit(table(), TRAINING, config(), tail=tail)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"columns": []},
        {"columns": "x"},
        {"columns": [{"kind": "numeric"}]},
        {"columns": [{"kind": "other"}]},
        {"columns": [[1]]},
        {"columns": None},
        {"notes": [1]},
        {"party": 3},
    ],
)
def test_a_damaged_encoding_is_refused(change: dict[str, object]) -> None:
    saved = FeatureSpec.fit(table(), TRAINING, config()).to_dict()
    with pytest.raises(UsageError, match="damaged"):
        FeatureSpec.from_dict(saved | change)
    with pytest.raises(UsageError, match="damaged"):
        FeatureSpec.from_dict({key: value for key, value in saved.items() if key not in change})


def test_fitted_values_and_levels_are_not_shown() -> None:
    assert repr(FeatureSpec.fit(table(), TRAINING, config())) == "FeatureSpec(8 features of 5 columns)"


@pytest.mark.parametrize("dtype", ["float64", object, "str", "category", "datetime64[ns]", "boolean"])
def test_an_empty_column_is_left_out_by_name_whatever_its_dtype(dtype: str) -> None:
    frame = table().assign(gone=pd.Series([None] * ROWS, dtype=dtype))
    for roles in ({}, {"categorical": ("gone",)}):
        spec = FeatureSpec.fit(frame, TRAINING, config(**roles))
        assert "gone" not in {column.column for column in spec.columns}
        told = [note for note in spec.notes if "gone" in note]
        assert told == ["Column gone is entirely missing on the training rows; it is left out."]
