"""A demo over a user's own files: what is wrong is said before anything is started or removed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from crypto.errors import UsageError
from federation.plan import Plan, load
from parties.dataset import ColumnRules, DatasetConfig, from_party_table
from parties.sandbox.founding import _party_toml, clear, given, plan_toml, vertical_plan

BANK = "id,default,a\n" + "".join(f"f{row},{row % 2},{row}\n" for row in range(20))
PLATFORM = "id,b\n" + "".join(f"f{row},{row}\n" for row in range(20))


def folder(path: Path, **files: str) -> Path:
    path.mkdir()
    for name, text in files.items():
        (path / name.replace("__", ".")).write_text(text)
    return path


def test_the_ending_of_a_file_may_be_in_capitals(tmp_path: Path) -> None:
    datasets, _ = given(folder(tmp_path / "data", bank__csv=BANK, platform__CSV=PLATFORM), None)
    assert sorted(datasets) == ["bank", "platform"]


def test_a_file_that_is_no_table_is_told_and_left_alone(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", bank__csv=BANK, platform__csv=PLATFORM, public__xlsx="x")
    _, sentences = given(data, None)
    assert any("public.xlsx" in sentence for sentence in sentences)


@pytest.mark.parametrize(
    ("name", "suggested"), [("Bank__csv", "bank.csv"), ("my_bank__csv", "my-bank.csv"), ("银行__csv", None)]
)
def test_a_name_that_is_no_partys_names_the_file_and_another_name(
    tmp_path: Path, name: str, suggested: str | None
) -> None:
    data = folder(tmp_path / "data", **{name: BANK, "platform__csv": PLATFORM})
    with pytest.raises(UsageError) as raised:
        given(data, None)
    assert str(raised.value.file).endswith(name.replace("__", "."))
    assert (suggested or "lower-case letters") in raised.value.advice


def test_too_few_tables_name_what_lies_beside_them(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"one table is here, beside public\.xlsx"):
        given(folder(tmp_path / "data", bank__csv=BANK, public__xlsx="x"), None)


def test_a_column_that_is_not_there_is_refused_before_the_round(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", bank__csv=BANK, platform__csv=PLATFORM)
    config = tmp_path / "run.toml"
    config.write_text(
        'key = "id"\nlabel = "bank.defualt"\n[parties.bank]\nexclude = ["c"]\n[parties.platform]\n'
    )
    with pytest.raises(UsageError, match=r"party bank, file bank\.csv.*'defualt'.*'c'"):
        given(data, config)


def test_a_party_without_a_feature_is_refused_before_the_round(tmp_path: Path) -> None:
    data = folder(tmp_path / "data", bank__csv=BANK, platform__csv="id\nf1\nf2\n")
    with pytest.raises(UsageError, match=r"party platform.*no column is left"):
        given(data, None)


def test_what_is_read_is_never_cleared(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    clear(out)
    own = out / "generated" / "bank.csv"
    own.parent.mkdir()
    own.write_text(BANK)
    with pytest.raises(UsageError, match="empty first"):
        clear(out, own.parent)
    assert own.exists()
    clear(out)  # Nothing is read from it: an earlier demo is replaced.
    assert not own.exists()


def test_the_plan_that_is_left_beside_a_demo_is_the_plan_that_was_run(tmp_path: Path) -> None:
    plans = [
        vertical_plan(given(folder(tmp_path / "data", bank__csv=BANK, platform__csv=PLATFORM), None)[0]),
        Plan.model_validate(
            {
                "name": "two countries",
                "purpose": "credit-scoring",
                "shape": "hybrid",
                "parties": {
                    f"{place}-{country}": {"role": role, "consortium": country}
                    for country in ("cn", "de")
                    for place, role in (("bank", "label"), ("public", "feature"))
                },
                "columns": {"late tax": {"range": [0.0, 2.5]}, "tax_grade": {"levels": ["A", "é"]}},
                "training": {"rounds": 2, "mu": 0.03},
                "privacy": {"unit": "party", "noise_multiplier": 0.002, "epsilon": 1e6},
            }
        ),
    ]
    for plan in plans:
        (tmp_path / "plan.toml").write_text(plan_toml(plan), encoding="utf-8")
        assert load(tmp_path / "plan.toml").digest == plan.digest


def test_what_a_configuration_says_of_a_dataset_stands_in_its_partys_file(tmp_path: Path) -> None:
    told = {"en": 'x "y"', "zh": "原因"}
    rules = {
        "a b": ColumnRules(special=(-999.0,), splits=(0.5, 1e5), trend="descending", reason=told),
        "sector": ColumnRules(groups=(("A", "it's"), ("C",))),
    }
    dataset = DatasetConfig(
        name="data",
        file=tmp_path / "bank.csv",
        key="id",
        label="bad",
        time="decided",
        dates=("seen on",),
        exclude=("x", "y"),
        categorical=("sector",),
        units={"turn over": "CNY"},
        max_levels=70,
        columns=rules,
        party="bank",
        share_points=True,
    )
    table = tomllib.loads(_party_toml("bank", dataset))["datasets"]["data"]
    assert from_party_table("data", table, party="bank", folder=tmp_path) == dataset
