"""Peers for a horizontal demo: who gets which firms, and what is refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crypto.errors import UsageError
from parties.connectors import read_table
from parties.four_flows import Settings
from parties.sandbox.peers import Roles, generated_banks, given_peers, horizontal_plan, share_out, split_table

ROWS = 40


def table(rows: int = ROWS, **columns: object) -> pd.DataFrame:
    frame = {"id": [f"f{row}" for row in range(rows)], "default": [row % 2 for row in range(rows)]}
    return pd.DataFrame(frame | {"x": np.linspace(0, 1, rows)} | columns)


def folder(path: Path, **tables: pd.DataFrame) -> Path:
    path.mkdir()
    for name, frame in tables.items():
        frame.to_csv(path / f"{name}.csv", index=False)
    return path


# -- generated banks -----------------------------------------------------------------------------------


def test_every_generated_firm_is_the_customer_of_one_bank_whose_table_lies_in_its_own_folder(
    tmp_path: Path,
) -> None:
    peers = generated_banks(tmp_path, Settings(firms=1000, seed=3), 3)
    tables = {name: read_table(dataset.file) for name, dataset in peers.datasets.items()}
    firms = pd.concat([frame["uscc"] for frame in tables.values()])
    assert (len(firms), firms.nunique()) == (1000, 1000)
    assert len({tuple(frame.columns) for frame in tables.values()}) == 1
    for name, dataset in peers.datasets.items():
        assert dataset.file.parent == tmp_path / "parties" / name
        assert not {"lender", "country"} & set(tables[name].columns)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parties"]


def test_generated_banks_are_unequal_and_their_customers_differ() -> None:
    rng = np.random.default_rng(1)
    firms = pd.DataFrame({name: rng.choice([*"abcdef", None], 20_000) for name in ("industry", "region")})
    lenders = share_out(firms, 4, np.random.default_rng(2))
    sizes = np.bincount(lenders, minlength=4)
    assert (np.diff(sizes) < 0).all()
    assert 4.5 < sizes[0] / sizes[3] < 5.5
    mixes = pd.crosstab(lenders, firms["region"], normalize="index")
    assert (mixes.max() - mixes.min()).max() > 0.1
    assert np.array_equal(lenders, share_out(firms, 4, np.random.default_rng(2)))


def test_too_few_firms_for_the_banks_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--firms.*too few"):
        generated_banks(tmp_path, Settings(firms=1000), 4)
    assert not list(tmp_path.iterdir())


# -- a folder ------------------------------------------------------------------------------------------


def test_tables_with_the_same_columns_need_no_configuration(tmp_path: Path) -> None:
    alike = folder(tmp_path / "d", aa=table(), bb=table(30), cc=table(20, more=range(20)))
    peers = given_peers(alike, Roles())
    assert {(each.key, each.label) for each in peers.datasets.values()} == {("id", "default")}
    assert [each.exclude for each in peers.datasets.values()] == [(), (), ("more",)]
    assert any("more" in sentence and "cc" in sentence for sentence in peers.sentences)


def test_what_the_user_says_of_the_columns_goes_before_what_could_be_inferred(tmp_path: Path) -> None:
    frame = table(other=[f"g{row}" for row in range(ROWS)], bad=[row % 2 for row in range(ROWS)])
    roles = Roles("other", "bad", ("id",), ("x",))
    peers = given_peers(folder(tmp_path / "d", aa=frame, bb=frame, cc=frame), roles)
    found = peers.datasets[next(iter(peers.datasets))]
    assert (found.key, found.label, found.exclude, found.categorical) == ("other", "bad", ("id",), ("x",))


@pytest.mark.parametrize(
    ("columns", "roles", "match", "advice"),
    [
        ({"id": 7}, Roles(), "key cannot be inferred", "--key"),
        ({"id": 7, "one": range(ROWS), "two": range(ROWS)}, Roles(), "one, two could each", "--key"),
        ({"default": 1}, Roles(), "label cannot be inferred", "--label"),
        ({}, Roles(label="outcome"), "--label.*'outcome'", "id, default, x"),
        ({}, Roles(exclude=("x",)), "no column is left", "besides key"),
    ],
)
def test_what_cannot_be_inferred_names_the_option_that_says_it(
    tmp_path: Path, columns: dict[str, object], roles: Roles, match: str, advice: str
) -> None:
    frame = table().assign(**columns)
    with pytest.raises(UsageError, match=match) as raised:
        given_peers(folder(tmp_path / "d", aa=frame, bb=frame, cc=frame), roles)
    assert advice in raised.value.advice


def test_two_parties_are_refused_since_each_would_learn_the_others_part(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="needs 3") as raised:
        given_peers(folder(tmp_path / "d", aa=table(), bb=table()), Roles())
    assert "the other's part" in raised.value.advice


# -- one table, split ----------------------------------------------------------------------------------


@pytest.fixture
def loans(tmp_path: Path) -> Path:
    """By State: CA 10, New York 8, the same in other letters 6, TX 4, none 2; the code 007 is text."""
    states = ["CA"] * 10 + ["New York"] * 8 + ["NEW-YORK"] * 6 + ["TX"] * 4 + [""] * 2
    frame = table(30, State=states, code=["007" if row < 10 else str(row) for row in range(30)])
    frame.to_csv(tmp_path / "loans.csv", index=False)
    return tmp_path / "loans.csv"


def test_a_table_is_split_into_its_most_frequent_values_without_losing_a_row_of_them(
    loans: Path, tmp_path: Path
) -> None:
    split = split_table(loans, "State", 3, Roles())
    assert not (tmp_path / "parties").exists()
    peers = split.write(tmp_path)
    assert list(peers.datasets) == ["state-ca", "state-new-york", "party-3"]
    tables = [read_table(each.file) for each in peers.datasets.values()]
    assert [len(each) for each in tables] == [10, 8, 6]
    whole = read_table(loans).drop(columns="State")
    pd.testing.assert_frame_equal(pd.concat(tables, ignore_index=True), whole[:24])
    assert "3 of 4 values, 24 of 30 rows" in peers.sentences[0]


def test_a_column_is_of_one_kind_at_all_parties_of_a_split(loans: Path, tmp_path: Path) -> None:
    peers = split_table(loans, "State", 3, Roles()).write(tmp_path)
    assert {str(read_table(each.file)["code"].dtype) for each in peers.datasets.values()} == {"str"}


def test_rows_that_nothing_names_are_numbered(loans: Path, tmp_path: Path) -> None:
    read_table(loans).drop(columns="id").to_csv(loans, index=False)
    peers = split_table(loans, "State", 3, Roles()).write(tmp_path)
    keys = pd.concat([read_table(each.file)[each.key] for each in peers.datasets.values()])
    assert keys.is_unique and len(keys) == 24


@pytest.mark.parametrize(("by", "match"), [("Stat", "no column 'Stat'"), ("default", "needs 3")])
def test_a_split_that_cannot_be_made_is_refused(loans: Path, by: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        split_table(loans, by, 3, Roles())


def test_the_plan_names_the_peers_and_keeps_every_default() -> None:
    plan = horizontal_plan(list(map(_name, "abc")), "mlp", "fedprox")
    assert (plan.shape, plan.model.kind, plan.training.strategy) == ("horizontal", "mlp", "fedprox")
    assert plan.model_dump(exclude_defaults=True).keys() == {
        *("name", "purpose", "shape", "parties", "model", "training")
    }


def _name(letter: str) -> str:
    return f"bank-{letter}"
