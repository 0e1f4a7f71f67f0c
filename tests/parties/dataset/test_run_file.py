"""One file configures every party of a rehearsal."""

from __future__ import annotations

from pathlib import Path

import pytest

from crypto.errors import UsageError
from parties.dataset import DatasetConfig, load_config

GOOD = """
key = "id"
label = "bank.default"
group = "firm"
exclude = ["year"]
max_levels = 20

[parties.bank]
file = "bank.csv"
exclude = ["branch", "year"]
units = { turnover = "CNY" }

[parties.platform]
file = "deep/platform.csv"
key = "ID"
categorical = ["sector"]
size = "staff"
max_levels = 30
"""


def load(tmp_path: Path, text: str, files: dict[str, Path] | None = None) -> dict[str, DatasetConfig]:
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, files)


def told(tmp_path: Path, text: str, files: dict[str, Path] | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text, files)
    assert caught.value.file == "run.toml"
    return str(caught.value)


def test_what_holds_for_all_is_completed_by_each_party(tmp_path: Path) -> None:
    configs = load(tmp_path, GOOD)
    assert configs["bank"] == DatasetConfig(
        name="bank",
        file=tmp_path / "bank.csv",
        key="id",
        label="default",
        group="firm",
        exclude=("year", "branch"),
        units={"turnover": "CNY"},
        max_levels=20,
        party="bank",
    )
    assert configs["platform"] == DatasetConfig(
        name="platform",
        file=tmp_path / "deep/platform.csv",
        key="ID",
        group="firm",
        size="staff",
        exclude=("year",),
        categorical=("sector",),
        max_levels=30,
        party="platform",
    )


def test_files_that_the_command_knows_overrule_the_configuration(tmp_path: Path) -> None:
    files = {"bank": Path("/data/b.csv"), "platform": Path("/data/p.csv")}
    assert {party: config.file for party, config in load(tmp_path, GOOD, files).items()} == files


def test_files_and_tables_must_be_of_the_same_parties(tmp_path: Path) -> None:
    sentence = told(tmp_path, GOOD, {"bank": Path("b.csv"), "public": Path("p.csv")})
    assert "[parties.platform] has no file" in sentence
    assert "file of public" in sentence


def test_a_group_may_be_of_one_party_only(tmp_path: Path) -> None:
    configs = load(tmp_path, GOOD.replace('"firm"', '"bank.firm"'))
    assert (configs["bank"].group, configs["platform"].group) == ("firm", None)


def test_a_dot_in_a_column_name_is_kept(tmp_path: Path) -> None:
    configs = load(
        tmp_path, GOOD.replace('"firm"', '"firm.number"').replace("bank.default", "bank.is.default")
    )
    assert (configs["bank"].group, configs["bank"].label) == ("firm.number", "is.default")


def test_a_label_may_stand_in_the_partys_own_table(tmp_path: Path) -> None:
    text = GOOD.replace('label = "bank.default"', "").replace(
        "[parties.bank]", '[parties.bank]\nlabel = "bad"'
    )
    assert load(tmp_path, text)["bank"].label == "bad"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('label = "bank.default"', "", "no party has the label"),
        ('label = "bank.default"', 'label = "default"', "party.column"),
        ('label = "bank.default"', 'label = "insurer.default"', "party.column"),
        ("[parties.platform]", '[parties.platform]\nlabel = "y"', "bank and platform has the label"),
        ("[parties.bank]", '[parties.bank]\nlabel = "y"', "label of bank stands both"),
        ('key = "id"', "", "[parties.bank] has no key"),
        ('file = "bank.csv"', "", "[parties.bank] file is missing"),
        ('group = "firm"', 'grouping = "firm"', "grouping is not known here"),
        ('size = "staff"', 'siz = "staff"', "[parties.platform] siz is not known here"),
        ('group = "firm"', 'group = "id"\nkey_type = "number"', "key_type must be one of: text, uscc"),
        ('"branch", "year"', '"branch"]\ncategorical = ["branch"', "both categorical and exclude"),
    ],
)
def test_problems_are_refused(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in GOOD
    assert sentence in told(tmp_path, GOOD.replace(old, new))


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    text = GOOD.replace('label = "bank.default"', "typo = 1").replace('file = "bank.csv"', "max_levels = 0")
    sentence = told(tmp_path, text)
    for part in ("typo", "no party has the label", "[parties.bank] file", "[parties.bank] max_levels"):
        assert part in sentence


@pytest.mark.parametrize(
    "text", ["", "parties = 3", "[parties.bank]", "parties = { bank = 1, platform = 2 }"]
)
def test_fewer_than_two_parties_are_refused(tmp_path: Path, text: str) -> None:
    assert "parties" in told(tmp_path, text)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "not TOML" in told(tmp_path, "key = id")
    path = tmp_path / "run.toml"
    path.write_bytes('key = "编号"'.encode("gbk"))
    with pytest.raises(UsageError, match="not UTF-8"):
        load_config(path)
    with pytest.raises(UsageError, match="no such configuration file"):
        load_config(tmp_path / "absent.toml")
    with pytest.raises(UsageError, match="cannot be read"):
        load_config(tmp_path)
