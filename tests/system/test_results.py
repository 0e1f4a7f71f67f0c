"""What a bank can look at after a horizontal round: model, figures, scores of its own and of new firms."""

from __future__ import annotations

import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from crypto.errors import UsageError
from parties.home import PartyHome
from tests.system.federation import Federation, Table, command
from tests.system.in_memory import Seen, rehearse
from tests.system.test_horizontal import firms

BANKS = ("north", "south", "east")
PLAN = (
    'name = "banks"\npurpose = "credit-scoring"\nshape = "horizontal"\n'
    + "".join(f"[parties.{name}]\n" for name in BANKS)
    + "[training]\nrounds = 2\n[sum]\nprotection = 'mask'\n"
)


@pytest.fixture(scope="module")
def banks(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    folder = tmp_path_factory.mktemp("banks")
    tables = []
    for seed, name in enumerate(BANKS):
        firms(seed, 800).to_csv(folder / f"{name}.csv", index=False)
        tables.append(Table(name, "data", folder / f"{name}.csv", 'key = "firm"\nlabel = "bad"'))
    made = Federation(folder / "federation", tables)
    _into_a_database(made.party("south") / "party.toml", folder / "south.csv")
    return made


def _into_a_database(party_toml: Path, file: Path) -> None:
    """One of the banks keeps its firms in a database; what it can look at is the same."""
    with closing(sqlite3.connect(file.with_suffix(".db"))) as db:
        pd.read_csv(file).to_sql("firms", db, index=False)
    sql = f'sql = {{ url = "sqlite:///{file.with_suffix(".db")}", table = "firms" }}'
    party_toml.write_text(party_toml.read_text().replace(f'file = "{file}"', sql))
    file.unlink()


@pytest.fixture(scope="module")
def played(banks: Federation) -> Seen:
    seen = rehearse(banks, PLAN)
    assert seen.errors == {}
    return seen


def evaluation(banks: Federation, played: Seen, bank: str) -> dict[str, Any]:
    return dict(json.loads((banks.party(bank) / "rounds" / played.run / "evaluation.json").read_text()))


def scored(banks: Federation, *arguments: object, out: Path) -> pd.DataFrame:
    told = command("model", "score", "--home", banks.party("south"), "--out", out, *arguments)
    frame = pd.read_csv(out)
    assert len(frame) == told["scores"] and stat.S_IMODE(out.stat().st_mode) == 0o600
    return frame.set_index("firm")


def test_the_model_is_shown_by_the_names_of_columns_and_levels(banks: Federation, played: Seen) -> None:
    shown = [command("model", "show", "--home", banks.party(bank)) for bank in BANKS]
    for bank, facts in zip(BANKS, shown, strict=True):
        assert (facts["run"], facts["party"], facts["rounds"]) == (played.run, bank, 2)
        assert facts["evaluation"] == evaluation(banks, played, bank)
    assert shown[0]["weights"] == shown[1]["weights"] == shown[2]["weights"]
    assert {"debt (1 of 4)", "sector = steel", "sector = (any other)"} < shown[0]["weights"].keys()
    assert shown[0]["weights"]["sector = steel"] > shown[0]["weights"]["sector = food"]
    assert shown[0]["statistics"]["rows"] > 3 * 500


def test_a_level_is_told_by_its_code_where_the_table_is_not_there_any_more(
    banks: Federation, played: Seen
) -> None:
    file = banks.folder.parent / "east.csv"
    away = file.rename(file.with_suffix(".away"))
    try:
        weights = command("model", "show", played.run, "--home", banks.party("east"))["weights"]
    finally:
        away.rename(file)
    assert {name for name in weights if name.startswith("sector")} == {
        *("sector = (any other)", "sector = level 1", "sector = level 2", "sector = level 3")
    }


def test_a_bank_scores_its_own_firms_as_they_were_evaluated(
    banks: Federation, played: Seen, tmp_path: Path
) -> None:
    found = scored(banks, out=tmp_path / "scores.csv")
    outcome = firms(1, 800).set_index("firm")["bad"]
    assert set(found.index) == set(outcome.index)
    test = found[found["split"] == "test"]
    told = evaluation(banks, played, "south")
    assert len(test) == told["test_rows"] and set(found["split"]) == {"train", "test"}
    assert roc_auc_score(outcome[test.index], test["logit"]) == pytest.approx(told["federated"]["auc"])


@pytest.mark.usefixtures("played")
@pytest.mark.parametrize("bank", ["south", "north"])
def test_scores_are_not_given_to_the_firms_of_another_table(
    banks: Federation, tmp_path: Path, bank: str
) -> None:
    """A row more, and the number of a row is another firm's; in a database and in a file."""
    place = banks.folder.parent / f"{bank}.{'db' if bank == 'south' else 'csv'}"
    good = place.read_bytes()
    try:
        if bank == "south":
            with closing(sqlite3.connect(place)) as db:
                db.execute("INSERT INTO firms SELECT * FROM firms LIMIT 1")
                db.commit()
        else:
            head, row, *rest = good.splitlines(keepends=True)
            place.write_bytes(b"".join([head, *rest, row]))
        with pytest.raises(UsageError, match="the table has changed since"):
            command("model", "score", "--home", banks.party(bank), "--out", tmp_path / "scores.csv")
    finally:
        place.write_bytes(good)
    assert not (tmp_path / "scores.csv").exists()


@pytest.mark.usefixtures("played")
def test_new_firms_need_no_outcome_and_a_firm_has_one_score_in_any_table(
    banks: Federation, tmp_path: Path
) -> None:
    new = firms(1, 800).drop(columns="bad").head(20)
    new.loc[0, "sector"] = "one that nobody has seen"
    new.loc[1, "sales"] = None
    new.to_csv(tmp_path / "new.csv", index=False)
    found = scored(banks, "--file", tmp_path / "new.csv", out=tmp_path / "scores.csv")
    own = scored(banks, out=tmp_path / "own.csv")
    assert set(found["split"]) == {"new"} and found["probability"].between(0, 1).all()
    same = new["firm"][2:]
    assert found.loc[same, "logit"].tolist() == pytest.approx(own.loc[same, "logit"].tolist(), abs=1e-5)


@pytest.mark.usefixtures("played")
@pytest.mark.parametrize("column", ["firm", "debt"])
def test_a_table_that_lacks_a_column_is_refused_with_its_name(
    banks: Federation, tmp_path: Path, column: str
) -> None:
    firms(9, 20).drop(columns=column).to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(UsageError, match=rf"party south, file new\.csv.*{column}"):
        scored(banks, "--file", tmp_path / "new.csv", out=tmp_path / "scores.csv")
    assert not (tmp_path / "scores.csv").exists()


def test_figures_that_were_changed_are_named_and_not_shown(
    banks: Federation, played: Seen, tmp_path: Path
) -> None:
    folder = banks.party("south") / "rounds" / played.run
    assert command("model", "show", "--home", banks.party("south"))["not_hashed"] == []
    for name in ("evaluation.json", "spent.json", "tested.npz"):
        good = (folder / name).read_bytes()
        try:
            (folder / name).write_bytes(good.replace(b"0", b"1", 1))
            for call in (("show",), ("score", "--out", tmp_path / "scores.csv")):
                with pytest.raises(UsageError, match="this file was changed") as refused:
                    command("model", *call, "--home", banks.party("south"))
                assert refused.value.file == str(folder / name)
                assert refused.value.advice.startswith(f"Restore {folder} from a backup")
                assert "isthmus round launch" in refused.value.advice
        finally:
            (folder / name).write_bytes(good)


def test_a_run_that_left_no_model_is_refused(banks: Federation, played: Seen) -> None:
    assert PartyHome.open(banks.party("north")).models() == [played.run]
    with pytest.raises(UsageError, match="no model of '20200101-000000-000000'"):
        command("model", "show", "20200101-000000-000000", "--home", banks.party("north"))
