"""A round of three parties on real processes over TLS: what is there afterwards, and what is not."""

from __future__ import annotations

import csv
import json
import stat
from pathlib import Path

import pytest

from crypto import note
from crypto.errors import UsageError
from crypto.identity import PublicIdentity
from federation import journal
from federation.home import Home
from tests.system.canaries import common_firms, needles
from tests.system.federation import Done, Federation, command, descendants
from tests.system.search import found_in_files
from tests.system.tables import COMMON, PARTIES

#: What a process that can read a table has loaded; the aggregator's never have.
ROW_LIBRARIES = ("pandas", "torch", "pyarrow", "sklearn", "scipy")

LEDGER_MESSAGES = {"ledger/seen", "ledger/checkpoint", "ledger/cosigned"}


def round_folder(federation: Federation, party: str, done: Done) -> Path:
    return federation.party(party) / "rounds" / str(done.facts["run"])


def test_the_round_is_finished_and_everyone_is_idle(federation: Federation, finished: Done) -> None:
    assert finished.facts["state"] == "finished"
    assert finished.facts["cause"] == ""
    assert {name: party["state"] for name, party in finished.facts["parties"].items()} == dict.fromkeys(
        PARTIES, "done"
    )
    for party in PARTIES:
        status = command("party", "status", "--home", federation.party(party))
        assert (status["running"], status["state"]) == (True, "idle")
        assert status["pid"] == federation.pid(party)


def test_each_party_holds_its_own_part_and_nobody_else_any(federation: Federation, finished: Done) -> None:
    for party in PARTIES:
        model = round_folder(federation, party, finished) / "model" / "model.json"
        assert stat.S_IMODE(model.stat().st_mode) == 0o600
        held = list(federation.party(party).rglob("model.json"))  # Of other tests' rounds too.
        assert model in held
        assert {json.loads(path.read_text())["party"] for path in held} == {party}
    assert not list(federation.home.rglob("model.json"))
    # Only the label party knows outcomes: the intercept, the scores and the figures are its own.
    for party in PARTIES[1:]:
        folder = round_folder(federation, party, finished)
        assert json.loads((folder / "model" / "model.json").read_text())["part"]["intercept"] is None
        assert not (folder / "scores.npz").exists()
        assert not (folder / "evaluation.json").exists()


def test_the_label_partys_figures_are_there_and_the_fused_model_is_no_worse(
    federation: Federation, finished: Done
) -> None:
    shown = command("model", "show", finished.facts["run"], "--home", federation.party("bank"))
    figures = shown["evaluation"]
    assert 0.5 < figures["bank_only"]["auc"] < figures["fused"]["auc"] < 1
    assert set(shown["weights"]) == {"turnover", "tenor"}
    other = command("model", "show", finished.facts["run"], "--home", federation.party("platform"))
    assert other["evaluation"] is None
    assert set(other["weights"]) == {"turnover", "late", "orders"}


def test_a_constant_column_is_left_out_with_a_note_and_the_round_goes_on(
    federation: Federation, finished: Done
) -> None:
    spent = json.loads((round_folder(federation, "bank", finished) / "spent.json").read_text())
    assert "Column fixed is constant on the training rows; it is left out." in spent["notes"]


def test_a_party_keeps_what_the_round_cost_it(federation: Federation, finished: Done) -> None:
    for party in PARTIES:
        spent = json.loads((round_folder(federation, party, finished) / "spent.json").read_text())
        assert 3e7 < spent["peak_memory_bytes"] < 3e9
        assert set(spent["step_cpu_seconds"]) == set(spent["seconds"])
        assert 0 < sum(spent["step_cpu_seconds"].values()) <= spent["cpu_seconds"]


def test_status_show_and_list_tell_of_the_round(federation: Federation, finished: Done) -> None:
    run = finished.facts["run"]
    for verb in ("status", "show"):
        said = command("round", verb, run, "--home", federation.home)
        assert (said["run"], said["state"]) == (run, "finished")
        assert said.get("plan_fields", {}).get("name") == ("test" if verb == "show" else None)
    listed = command("round", "list", "--home", federation.home)["rounds"]
    assert run in [each["run"] for each in listed]


def test_a_receipt_is_what_the_partys_journal_says(federation: Federation, finished: Done) -> None:
    for party in PARTIES:
        receipt = finished.facts["parties"][party]["receipt"]
        path = round_folder(federation, party, finished) / "journal.jsonl"
        entries = journal.read(path)
        lines = path.read_bytes().splitlines()
        # The receipt cannot count itself: it follows the head that it names. Then ledgers are witnessed.
        last = [entry.type for entry in entries].index("round/receipt")
        assert {entry.type for entry in entries[last + 1 :]} == LEDGER_MESSAGES
        assert json.loads(lines[last])["previous"] == receipt["journal_head"]
        sealed = [entry for entry in entries[:last] if entry.type != "session/greeting"]
        assert sum(entry.size for entry in sealed) == receipt["bytes_sent"]
        assert receipt["rows"] == COMMON


def test_every_role_wrote_the_round_down_and_every_other_one_witnessed_it(
    federation: Federation, finished: Done
) -> None:
    roles = (*PARTIES, "aggregator")
    for role in roles:
        home = federation.home if role == "aggregator" else federation.party(role)
        entries = [json.loads(line) for line in (home / "ledger" / "log.jsonl").read_bytes().splitlines()]
        own = [entry for entry in entries if entry.get("run") == finished.facts["run"]]
        kinds = [entry["kind"] for entry in own if entry["kind"] != "round"]
        heard = ["received"] * (len(roles) - 1)
        opened = ["model", "opening"] if role != "aggregator" else []
        assert kinds == ["plan", *opened, *heard, "close"], role
        assert own[-1]["state"] == "finished"
        close = entries.index(own[-1])
        assert {entry["party"] for entry in entries[close + 1 : close + 4]} == {*roles} - {role}
        closed = (home / "ledger" / "checkpoints" / f"{close + 1}.note").read_text()
        known = {other: identity_of(federation, other) for other in roles if other != role}
        assert sorted(note.cosigners(closed, known)) == sorted(known)
        assert note.opened(closed, identity_of(federation, role)).size == close + 1


def identity_of(federation: Federation, role: str) -> PublicIdentity:
    home = federation.home if role == "aggregator" else federation.party(role)
    return Home(home).identity().public


def test_scores_are_written_for_the_test_rows_alone(federation: Federation, finished: Done) -> None:
    out = federation.folder / "scores.csv"
    wrote = command(
        *("model", "score", finished.facts["run"]), *("--home", federation.party("bank"), "--out", out)
    )
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    receipt = finished.facts["parties"]["bank"]["receipt"]
    assert len(rows) == wrote["scores"] == receipt["rows"] - receipt["training_rows"]
    assert {row["split"] for row in rows} == {"test"}
    assert all(0 < float(row["probability"]) < 1 for row in rows)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="opened no scores to this party"):
        command("model", "score", "--home", federation.party("platform"), "--out", out)


@pytest.mark.usefixtures("finished")
def test_no_process_of_the_aggregator_has_loaded_what_reads_rows(federation: Federation) -> None:
    def loaded(pid: int) -> set[str]:
        maps = Path(f"/proc/{pid}/maps").read_text()
        return {name for name in ROW_LIBRARIES if f"/{name}/" in maps}

    processes = descendants(federation.pid("federation"))
    assert len(processes) >= 2  # The service and its SuperLink.
    assert {pid: loaded(pid) for pid in processes} == {pid: set[str]() for pid in processes}
    # The same look finds them where they belong.
    assert "pandas" in loaded(federation.pid("bank"))


def test_no_file_of_another_role_holds_a_canary(federation: Federation, finished: Done) -> None:
    homes = {name: federation.party(name) for name in PARTIES} | {"federation": federation.home}
    logs = {name: federation.folder / f"{name}.log" for name in homes}
    assert (federation.home / "flower" / "state.db").stat().st_size > 0
    for party in PARTIES:
        others = [place for name in homes if name != party for place in (homes[name], logs[name])]
        assert found_in_files(needles(party), others) == {}
        assert needles(party).forms_in(finished.out.encode() + finished.err.encode()) == set()
        # Its own log, journal and Flower files are read by people and programs of less trust than its data.
        home = homes[party]
        own = [logs[party], home / "flower", home / "node.json", *home.rglob("journal.jsonl")]
        assert found_in_files(needles(party), own) == {}
    assert found_in_files(common_firms(), [federation.home, logs["federation"]]) == {}
