"""A plan names its credit model, and a table that this model would not read is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from federation.errors import UsageError
from federation.plan import Plan, load, parse

PARTIES = """
name = "sme"
purpose = "credit-scoring"
[parties.bank]
role = "label"
[parties.platform]
"""


def plan(tmp_path: Path, text: str) -> Plan:
    file = tmp_path / "plan.toml"
    file.write_text(PARTIES + text)
    return load(file)


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(UsageError) as refusal:
        plan(tmp_path, text)
    return refusal.value.what


def test_a_plan_of_trees_survives_its_canonical_form(tmp_path: Path) -> None:
    found = plan(tmp_path, '[model]\nkind = "boosting"\n[boosting]\ntrees = 3\nprefer = "bytes"')
    again = parse(found.canonical())
    assert (again.model.kind, again.boosting.trees, again.boosting.prefer) == ("boosting", 3, "bytes")


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("logistic", "[boosting]\ntrees = 3"),
        ("scorecard", "[boosting]\ntrees = 3"),
        ("boosting", "[binning]\nbins = 4"),
        ("logistic", "[selection]\nsigns = true"),
        ("scorecard", "[rejects]\nbands = 4"),
        ("rejects", "[split]\nseed = 4"),
        ("rejects", '[scores]\nopen = "all"'),
    ],
)
def test_a_table_of_another_kind_of_model_is_refused(tmp_path: Path, kind: str, table: str) -> None:
    name = table.split("]")[0].strip("[")
    assert f'{name}: has no meaning for model.kind = "{kind}"' in refused(
        tmp_path, f'[model]\nkind = "{kind}"\n{table}'
    )


def test_bins_of_fewer_than_fifty_firms_cannot_be_planned(tmp_path: Path) -> None:
    assert "binning.minimum_support" in refused(
        tmp_path, '[model]\nkind = "scorecard"\n[binning]\nminimum_support = 10'
    )


def test_credit_models_are_vertical(tmp_path: Path) -> None:
    text = (
        'name = "a"\npurpose = "b"\nshape = "horizontal"\n[parties.north]\n[parties.south]\n[parties.west]\n'
    )
    file = tmp_path / "plan.toml"
    file.write_text(text + '[model]\nkind = "scorecard"')
    with pytest.raises(UsageError, match="vertical"):
        load(file)


def test_a_lookup_is_between_two_parties_and_never_without_noise(tmp_path: Path) -> None:
    found = plan(tmp_path, '[model]\nkind = "rejects"\n[rejects]\nbands = 4')
    assert (found.rejects.bands, found.rejects.minimum, found.rejects.noise) == (4, 50, 2.0)
    three = refused(tmp_path, '[parties.public]\n[model]\nkind = "rejects"')
    assert "one other lender, here 3" in three
    assert "rejects.noise" in refused(tmp_path, '[model]\nkind = "rejects"\n[rejects]\nnoise = 0.0')
    assert "rejects.minimum" in refused(tmp_path, '[model]\nkind = "rejects"\n[rejects]\nminimum = 20')


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ('criterion = "bic"', "criterion has no meaning"),
        ('stepwise = "forward"\np = 0.01', "p has no meaning"),
        ("inflation = 0.5", "0 (off), or from 1 on"),
    ],
)
def test_a_selection_that_would_not_happen_is_refused(tmp_path: Path, table: str, told: str) -> None:
    assert told in refused(tmp_path, f'[model]\nkind = "scorecard"\n[selection]\n{table}')


def test_gradients_for_tests_are_taken_only_where_something_asks_for_them(tmp_path: Path) -> None:
    asking = ["p_values = true", 'stepwise = "backward"', "signs = true"]
    tables = ["", *asking]
    found = [plan(tmp_path, f'[model]\nkind = "scorecard"\n[selection]\n{table}') for table in tables]
    assert [each.selection.tests for each in found] == [False, True, True, True]
    assert [each.selection.eliminates for each in found] == [False, False, True, True]
