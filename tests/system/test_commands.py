"""The commands as people and programs meet them: one error, its next step, one JSON object, an exit code."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import main
from federation.coordinator.record import RoundStatus
from federation.files import write_json
from federation.ids import RunId
from parties.home import PartyHome

PLAN = 'name = "p"\npurpose = "x"\n[parties.bank]\nrole = "label"\n[parties.platform]\n'


class Shell:
    """Runs `isthmus` in this process; keeps what it printed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch, self._capsys = monkeypatch, capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> int:
        self._patch.setattr(sys, "argv", ["isthmus", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        self.out, self.err = self._capsys.readouterr()
        return int(ended.value.code or 0)


@pytest.fixture
def isthmus(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    with Path(os.devnull).open() as nobody:
        monkeypatch.setattr(sys, "stdin", nobody)
        yield Shell(monkeypatch, capsys)


WRONG = [
    (["demo", "--bogus"], 2),
    (["demo", "--firms", "many"], 2),
    (["demo", "--firms", "3"], 2),
    (["demo", "--data", "nowhere"], 2),
    (["demo", "--config", "run.toml"], 2),
    (["demo", "--firms", "900", "horizontal"], 2),
    (["demo", "horizontal", "--firms", "900"], 2),
    (["demo", "hybrid", "--firms", "900"], 2),
    (["demo", "horizontal", "--data", "nowhere"], 2),
    (["demo", "horizontal", "--by", "State"], 2),
    (["demo", "--out", "/proc/nowhere/demo", "--firms", "100"], 2),
    (["party", "start", "--home", "nowhere"], 2),
    (["party", "status", "--home", "nowhere"], 2),
    (["party", "init", "Bank"], 2),
    (["party", "accept", "nothing.admission"], 2),
    (["federation", "status"], 2),
    (["federation", "stop"], 2),
    (["federation", "init", "f", "--gate", "nonsense"], 2),
    (["round", "launch", "nothing.toml"], 2),
    (["round", "show"], 2),
    (["round", "nothing"], 2),
    (["model", "train", "nothing.toml"], 2),
    (["model", "score", "--home", "nowhere", "--out", "s.csv"], 2),
    (["model", "explain", "--home", "nowhere", "--worst", "3"], 2),
    (["model", "explain", "--worst", "0"], 2),
    (["model", "export", "--home", "nowhere", "--as", "onnx", "--out", "m"], 2),
    (["model", "document", "--home", "nowhere", "--out", "m.html"], 2),
    (["nothing"], 2),
]


@pytest.mark.parametrize(("arguments", "code"), WRONG, ids=lambda value: str(value))
def test_what_is_wrong_is_one_error_with_its_next_step(
    isthmus: Shell, tmp_path: Path, arguments: list[str], code: int
) -> None:
    assert isthmus(*arguments) == code
    assert isthmus.out == ""
    assert re.fullmatch(r"error\[IST-[12]\d{3}\]: [^\n]+\nnext:  [^\n]+\n", isthmus.err)
    assert "nobody foresaw" not in isthmus.err
    assert list(tmp_path.iterdir()) == []  # Nothing was left behind.


@pytest.mark.parametrize("arguments", [each for each, _ in WRONG if each != ["nothing"]], ids=str)
def test_a_failure_is_one_json_object_too(isthmus: Shell, arguments: list[str]) -> None:
    code = isthmus(*arguments, "--format", "json")
    failed = json.loads(isthmus.out)["failed"]
    assert failed["exit_code"] == code
    assert failed["what"]
    assert failed["advice"]


def test_an_interruption_has_its_exit_code(isthmus: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("parties.home.PartyHome.open", interrupted)
    assert isthmus("party", "show", "--format", "json") == 130
    assert json.loads(isthmus.out)["failed"]["exit_code"] == 130


def test_a_fingerprint_that_nobody_compared_admits_nobody(isthmus: Shell) -> None:
    assert isthmus("federation", "init", "f") == 0
    assert isthmus("party", "init", "bank") == 0
    assert isthmus("party", "request") == 0
    assert isthmus("federation", "admit", "bank.request") == 3
    assert "--fingerprint" in isthmus.err
    assert isthmus("federation", "admit", "bank.request", "--fingerprint", "0" * 64) == 3
    assert isthmus("federation", "members", "--format", "json") == 0
    assert json.loads(isthmus.out) == {"members": {}}


def test_a_file_of_another_kind_is_named(isthmus: Shell, tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("{}")
    assert isthmus("federation", "init", "f") == 0
    assert isthmus("party", "init", "bank") == 0
    assert isthmus("party", "accept", "junk") == 3
    assert "file junk" in isthmus.err
    assert isthmus("federation", "admit", "junk") == 3
    assert "file junk" in isthmus.err


def test_training_a_model_is_a_round_and_says_what_was_trained(
    isthmus: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plan.toml").write_text(f'{PLAN}[model]\nkind = "scorecard"\n')
    status = RoundStatus(RunId("20260301-120000-abcdef"), "p", "ab" * 32)
    launched = []
    monkeypatch.setattr("cli.commands.round.launched", lambda *call: launched.append(call) or status)
    assert isthmus("federation", "init", "f") == 0
    assert isthmus("model", "train", "plan.toml", "--format", "json") == 0
    told = json.loads(isthmus.out)
    assert (told["run"], told["kind"], told["parties"]) == (status.run, "scorecard", ["bank", "platform"])
    assert [plan.model.kind for _, plan, _ in launched] == ["scorecard"]


def test_a_round_needs_members_and_a_running_service(isthmus: Shell, tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    assert isthmus("federation", "init", "f") == 0
    assert isthmus("round", "launch", "plan.toml") == 3
    assert "not admitted" in isthmus.err
    for name in ("bank", "platform"):
        assert isthmus("party", "init", name, "--home", name) == 0
        assert isthmus("party", "request", "--home", name, "--format", "json") == 0
        fingerprint = json.loads(isthmus.out)["fingerprint"]
        assert isthmus("federation", "admit", f"{name}.request", "--fingerprint", fingerprint) == 0
    assert isthmus("round", "launch", "plan.toml") == 2
    assert "isthmus federation start" in isthmus.err


def test_a_refused_demo_leaves_the_earlier_one_as_it_was(isthmus: Shell, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    out.mkdir()
    (out / ".isthmus-sandbox").touch()
    (out / "report.html").write_text("earlier")
    assert isthmus("demo", "--data", "nowhere", "--out", str(out)) == 2
    assert (out / "report.html").read_text() == "earlier"


@pytest.mark.parametrize(
    "command", [["model", "list"], ["model", "show"], ["party", "show"], ["data", "check"]]
)
def test_a_coordinators_folder_is_not_taken_for_a_party_without_models(
    isthmus: Shell, command: list[str]
) -> None:
    assert isthmus("federation", "init", "f", "--home", "here") == 0
    assert isthmus(*command, "--home", "here") == 2
    assert "file here: this is a coordinator's folder, not a party's" in isthmus.err
    assert "isthmus round list" in isthmus.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["party", "request"],
        ["federation", "admit", "bank.request"],
        ["model", "score"],
        ["model", "export", "--as", "json"],
        ["model", "document"],
        ["data", "generate", "--firms", "100"],
        ["demo", "--firms", "900"],
        ["demo", "horizontal"],
        ["demo", "hybrid"],
    ],
    ids=str,
)
def test_a_folder_that_is_missing_is_named_and_not_made(
    isthmus: Shell, tmp_path: Path, arguments: list[str]
) -> None:
    (tmp_path / "bank.request").write_text("{}")
    assert isthmus(*arguments, "--out", "reports/2026/new") == 2
    assert "the folder reports/2026 does not exist" in isthmus.err
    assert isthmus(*arguments, "--out", "bank.request/new") == 2
    assert "the folder bank.request is no folder" in isthmus.err
    assert [path.name for path in tmp_path.iterdir()] == ["bank.request"]


def test_the_last_part_of_a_path_may_be_new(isthmus: Shell, tmp_path: Path) -> None:
    assert isthmus("data", "generate", "--firms", "100", "--out", "new") == 0
    assert (tmp_path / "new" / "README.md").exists()
    assert isthmus("party", "init", "bank") == 0
    assert isthmus("party", "request", "--out", "new/bank.request") == 0
    assert (tmp_path / "new" / "bank.request").exists()


def test_the_command_names_itself_isthmus_however_it_was_started(isthmus: Shell) -> None:
    assert isthmus("round", "--help") == 0
    assert isthmus.out.startswith("Usage: isthmus round")


def test_a_party_that_sits_idle_is_in_no_round(isthmus: Shell, tmp_path: Path) -> None:
    assert isthmus("party", "init", "bank") == 0
    home = PartyHome.open(tmp_path / "party")
    node = {"state": "idle", "run": "r1", "cause": "the label is missing", "advice": "Name it."}
    with home.running():
        write_json(home.node_file, node)
        assert isthmus("party", "status") == 0
    lines = isthmus.out.splitlines()
    assert lines[0].startswith("bank: idle, process")
    assert lines[1:] == ["last round (r1) ended: the label is missing", "next: Name it."]
