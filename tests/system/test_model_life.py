"""A model after its round: taken out, explained, documented by who holds it, with the commands they use."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from crypto.errors import UsageError
from federation.addresses import Address
from federation.coordinator.record import RoundStatus
from federation.ids import PartyId, RunId
from federation.plan import Plan
from parties.connectors import read_table
from parties.dataset import ColumnRules
from parties.model_folder import cover, load
from parties.sandbox.founding import ModelKind, Sandbox, found, vertical_plan
from parties.sandbox.outcome import conclude
from tests.parties.export.evaluator import evaluate
from tests.parties.scorecard.world import PARTIES, config, tables
from tests.system.federation import command
from tests.system.in_memory import rehearse_sandbox

ROWS = 2000
RULES = {"b": ColumnRules(reason={"en": "Orders fell", "zh": "订单减少"})}
#: Nothing listens there: in one process nobody calls.
NOWHERE = Address("127.0.0.1", 9)


@dataclass(frozen=True)
class Lenders:
    """A bank and two parties that agree to share their points, after a round."""

    sandbox: Sandbox
    status: RoundStatus

    def party(self, name: str) -> Path:
        return self.sandbox.parties[PartyId(name)].folder

    def table(self, name: str) -> Path:
        return self.sandbox.folder / f"{name}.csv"


def played(folder: Path, rows: int, kind: ModelKind, **fields: Any) -> Lenders:
    """Such a federation after the round of a model, played in this process."""
    datasets = {}
    for place, (party, frame) in enumerate(tables(rows).items()):
        file = folder / f"{party}.csv"
        frame.sample(frac=1, random_state=place).to_csv(file, index=False)
        rules = (
            {"b": ColumnRules(reason={"en": "Orders fell", "zh": "订单减少"})} if party == "platform" else {}
        )
        datasets[PartyId(party)] = replace(config(party, **rules), file=file, share_points=True)
    plan = Plan.model_validate(vertical_plan(datasets, kind).model_dump() | fields)
    sandbox = found(folder, datasets, plan, NOWHERE, NOWHERE, dt.datetime.now(dt.UTC))
    return Lenders(sandbox, rehearse_sandbox(sandbox))


@pytest.fixture(scope="module")
def lenders(tmp_path_factory: pytest.TempPathFactory) -> Lenders:
    """Those of a scorecard."""
    fields = {"scorecard": {"decimals": 1}, "scores": {"open": "all"}, "selection": {"p_values": True}}
    return played(tmp_path_factory.mktemp("lenders"), ROWS, "scorecard", **fields)


def joined(lenders: Lenders) -> pd.DataFrame:
    """What nobody but a test has: every party's columns of every firm."""
    frames = [read_table(lenders.table(party)) for party in PARTIES]
    return frames[0].merge(frames[1], on="id").merge(frames[2], on="id")


def exported(lenders: Lenders, party: str, form: str, out: Path) -> dict[str, Any]:
    return command("model", "export", "--home", lenders.party(party), "--as", form, "--out", out)


def opened(lenders: Lenders, out: Path) -> pd.DataFrame:
    command("model", "score", "--home", lenders.party("bank"), "--out", out)
    return pd.read_parquet(out).set_index("id")


def folder_of(lenders: Lenders, party: str) -> Path:
    (found,) = (lenders.party(party) / "rounds").iterdir()
    return found


def test_the_exported_sql_scores_every_firm_as_the_round_did_to_the_last_bit(
    lenders: Lenders, tmp_path: Path
) -> None:
    told = exported(lenders, "bank", "sql", tmp_path / "card.sql")
    assert told["form"] == "whole"
    scores = opened(lenders, tmp_path / "scores.parquet")
    firms = joined(lenders)
    with sqlite3.connect(":memory:") as database:
        firms.assign(late=firms["late"].astype(str)).to_sql("applicants", database, index=False)
        statement = (tmp_path / "card.sql").read_text()
        found = dict(database.execute(statement).fetchall())
        alone = statement.rstrip().rstrip(";") + " WHERE \"id\" = 'firm7'"
        assert database.execute(alone).fetchall() == [("firm7", found["firm7"])]
    assert found == scores["score"].to_dict()
    assert len(found) == ROWS


def test_the_exported_pmml_gives_the_score_and_the_reasons_that_the_round_gave(
    lenders: Lenders, tmp_path: Path
) -> None:
    exported(lenders, "bank", "pmml", tmp_path / "card.pmml")
    document = (tmp_path / "card.pmml").read_text()
    scores = opened(lenders, tmp_path / "scores.parquet")["score"]
    explained = command("model", "explain", "--home", lenders.party("bank"), "--worst", 12)["firms"]
    firms = joined(lenders).set_index("id")
    for each in explained:
        row = firms.loc[each["firm"]]
        cells: dict[str, object] = {
            name: None if pd.isna(cell) else str(cell).lower() if name == "late" else cell
            for name, cell in row.drop("bad").items()
        }
        total, codes = evaluate(document, cells)
        assert float(total) == scores[each["firm"]] == each["score"]
        assert codes[: len(each["reasons"])] == [reason["code"] for reason in each["reasons"]]


def test_without_the_agreement_of_all_the_label_party_has_the_joint_form(
    lenders: Lenders, tmp_path: Path
) -> None:
    folder = folder_of(lenders, "bank")
    saved = load(folder, "scorecard")
    beside = {name: data for name, data in saved.beside.items() if name != "points-public.json"}
    try:
        replace(saved, beside=beside).save(folder)
        told = exported(lenders, "bank", "json", tmp_path / "joint.json")
        with pytest.raises(UsageError, match="public did not agree") as refused:
            exported(lenders, "bank", "pmml", tmp_path / "card.pmml")
    finally:
        saved.save(folder)
        cover(folder)
    assert (refused.value.party, refused.value.field) == ("bank", "--as")
    assert "share_points" in refused.value.advice
    assert not (tmp_path / "card.pmml").exists()
    joint = json.loads((tmp_path / "joint.json").read_text())
    assert (told["form"], joint["form"], joint["ask"]) == ("joint", "joint", ["public"])
    assert {each["party"] for each in joint["characteristics"]} == {"bank", "platform"}


def test_the_parts_of_a_joint_form_add_up_to_the_score(lenders: Lenders, tmp_path: Path) -> None:
    tables_of = {}
    for party in PARTIES[1:]:
        assert exported(lenders, party, "json", tmp_path / f"{party}.json")["form"] == "own"
        tables_of[party] = json.loads((tmp_path / f"{party}.json").read_text())
        with pytest.raises(UsageError, match="lie with the label party, bank") as refused:
            exported(lenders, party, "sql", tmp_path / "card.sql")
        assert "own points with --as json" in refused.value.advice
        assert "joint" not in refused.value.advice and "exported at bank" in refused.value.advice
    exported(lenders, "bank", "json", tmp_path / "whole.json")
    whole = json.loads((tmp_path / "whole.json").read_text())
    shared = [each for each in whole["characteristics"] if each["party"] != "bank"]
    assert shared == [each for part in tables_of.values() for each in part["characteristics"]]


def test_reasons_are_told_in_the_language_asked_for_with_the_texts_that_are_shared(
    lenders: Lenders,
) -> None:
    bank = lenders.party("bank")
    for language, text in (("en", "Orders fell"), ("zh", "订单减少")):
        told = command("model", "explain", "--home", bank, "--worst", 200, "--language", language)
        texts = {reason["code"]: reason["text"] for each in told["firms"] for reason in each["reasons"]}
        assert texts["R-platform-1"] == text
        assert None not in texts.values()
    scores = [each["score"] for each in told["firms"]]
    assert scores == sorted(scores)
    named = command("model", "explain", "--home", bank, "--firm", told["firms"][3]["firm"])
    assert [each["score"] for each in named["firms"]] == [scores[3]]


@pytest.mark.parametrize(
    ("party", "arguments", "told"),
    [
        ("bank", (), "nobody is named"),
        ("bank", ("--firm", "firm-of-nobody"), "1 of the 1 named firms"),
        ("platform", ("--worst", "3"), "no such file"),
    ],
)
def test_who_cannot_be_explained_is_a_clear_error_without_a_key(
    lenders: Lenders, party: str, arguments: tuple[str, ...], told: str
) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        command("model", "explain", "--home", lenders.party(party), *arguments)
    assert "firm-of-nobody" not in str(refused.value)
    assert refused.value.advice


def test_a_changed_model_is_neither_shown_nor_exported(lenders: Lenders, tmp_path: Path) -> None:
    folder = folder_of(lenders, "platform")
    shown = command("model", "show", "--home", lenders.party("platform"))
    path = folder / "model" / "model.json"
    good = path.read_bytes()
    try:
        path.write_bytes(good.replace(b'"base": null', b'"base": 5000'))
        for call in (("show",), ("export", "--as", "json", "--out", tmp_path / "x.json")):
            with pytest.raises(UsageError, match="changed") as refused:
                command("model", *call, "--home", lenders.party("platform"))
            assert refused.value.file == str(path)
    finally:
        path.write_bytes(good)
    assert len(shown["model_hash"]) == 64 and shown["not_hashed"] == []
    assert shown == command("model", "show", "--home", lenders.party("platform"))


@pytest.mark.parametrize("party", PARTIES)
def test_a_document_says_all_of_its_own_party_and_nothing_of_anothers_columns(
    lenders: Lenders, tmp_path: Path, party: str
) -> None:
    texts = {}
    for ending in ("html", "md"):
        out = tmp_path / f"model.{ending}"
        told = command("model", "document", "--home", lenders.party(party), "--out", out)
        texts[ending] = out.read_text()
        assert told["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert command("model", "document", "--home", lenders.party(party), "--out", out) == told  # The same.
    shown = command("model", "show", "--home", lenders.party(party))
    for text in texts.values():
        assert shown["model_hash"] in text
        assert not re.search(r"\b(nan|inf|None)\b", text)
        for english, chinese in HEADINGS:
            assert english in text and chinese in text
    assert not any(f"R-{other}-" in texts["md"] for other in PARTIES if other != party)
    absent = re.findall(r"\*\*Not available:\*\* (.+)", texts["md"])
    assert all(len(re.findall(r"\. \S", told)) >= 1 for told in absent)  # What, and why.
    if party != "bank":
        assert "Equations about outcomes" in texts["md"] and "of at most 0.02" in texts["md"]
        assert any(told.startswith("AUC, KS, Gini") for told in absent)
    else:
        assert (
            "Wald tests" in texts["md"]
            and "DeLong" in texts["md"]
            and "population stability index" in texts["md"]
        )


HEADINGS = (
    ("The model and its purpose", "模型概述与用途"),
    ("Model development and model use", "模型开发与使用"),
    ("Binning book", "分箱手册"),
    ("Model validation and monitoring", "模型验证与监控"),
    ("Stability", "稳定性"),
    ("Governance and controls", "治理与控制"),
    ("Privacy analysis", "隐私分析"),
    ("Vendor and other third-party products", "供应商与其他第三方产品"),
)


def test_a_document_over_a_changed_table_leaves_out_what_needs_its_rows_and_says_so(
    lenders: Lenders, tmp_path: Path
) -> None:
    path = lenders.table("bank")
    good = path.read_bytes()
    try:
        path.write_bytes(good + b"firm-x,1,0.0,True\n")
        command("model", "document", "--home", lenders.party("bank"), "--out", tmp_path / "model.md")
        with pytest.raises(UsageError, match="changed since"):
            command("model", "score", "--home", lenders.party("bank"), "--out", tmp_path / "s.csv")
    finally:
        path.write_bytes(good)
    text = (tmp_path / "model.md").read_text()
    assert "another one: figures below that need its rows are left out" in text
    assert "**Not available:** AUC, KS, Gini" in text
    assert RunId(folder_of(lenders, "bank").name) in text


def check_report(lenders: Lenders, within: float, *told: str) -> None:
    """A demo's report of the round: `within` so much AUC of the pooled model, and `told` on its page."""
    facts = conclude(lenders.sandbox, lenders.status, 1.0).facts
    assert abs(facts["auc"]["fused"] - facts["auc"]["pooled"]) <= within
    assert facts["auc"]["fused"] > facts["auc"]["bank_only"]
    page = lenders.sandbox.report_file.read_text()
    assert all(text in page for text in (facts["run"], "What a cut-off does", *told))
    assert not any(f"R-{other}-1, IV" in page for other in PARTIES[1:])


def test_the_report_of_a_scorecard_has_points_reasons_and_the_pooled_model(lenders: Lenders) -> None:
    check_report(lenders, 0.002, "Every score starts from", "Why one firm was declined", "R-bank-1, IV")


def test_trees_have_their_report_their_documents_and_an_export_of_each_part(tmp_path: Path) -> None:
    few = {"boosting": {"trees": 3, "max_depth": 2}}
    lenders = played(tmp_path, 1500, "boosting", **few)
    # On so few firms trees withhold splits that the pooled ones may make.
    check_report(lenders, 0.02, "What splits by each party", "thresholds stay with their parties")
    for party in PARTIES:
        command("model", "document", "--home", lenders.party(party), "--out", tmp_path / "model.md")
        text = (tmp_path / "model.md").read_text()
        assert "Gradient boosted trees" in text
        assert ("Share of all gain by whose columns" in text) == (party == "bank")
        assert "nan" not in text.split()
        assert exported(lenders, party, "json", tmp_path / "part.json")["form"] == "own"
        part = json.loads((tmp_path / "part.json").read_text())
        assert (part["kind"], part["party"], bool(part["part"]["trees"])) == (
            "boosting",
            party,
            party == "bank",
        )
        with pytest.raises(UsageError, match="no pmml form"):
            exported(lenders, party, "pmml", tmp_path / "model.pmml")
    with pytest.raises(UsageError, match="belong to scorecards"):
        command("model", "explain", "--home", lenders.party("bank"), "--worst", 1)
