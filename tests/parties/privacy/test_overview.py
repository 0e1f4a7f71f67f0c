"""What `isthmus privacy show` tells is what the ledger holds."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.main import main
from crypto.accounting import SampledGaussian
from federation.ids import PartyId
from parties.connectors import read_table
from parties.dataset import from_party_table
from parties.home import PartyHome
from parties.keys import align_keys
from parties.privacy.charge import Charge
from parties.privacy.ledger import Ledger

STEPS = SampledGaussian(0.02, 1.1, 2000)
CONFIG = """name = "spain"
[datasets.loans]
file = "loans.csv"
key = "id"
[datasets.loans.privacy]
epsilon = 6.0
delta = 1e-5
[datasets.orders]
file = "orders.csv"
key = "id"
"""

Show = Callable[..., str]


@pytest.fixture
def home(tmp_path: Path) -> PartyHome:
    opened = PartyHome.create(tmp_path / "spain", PartyId("spain"))
    opened.config_file.write_text(CONFIG)
    (opened.folder / "loans.csv").write_text("id,x\nes1,1\nes2,2\nes3,3\n")
    (opened.folder / "orders.csv").write_text("id,x\nes7,1\nes8,2\n")
    return opened


@pytest.fixture
def show(home: PartyHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Show:
    def run(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr(
            sys, "argv", ["isthmus", "privacy", "show", "--home", str(home.folder), *arguments]
        )
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert int(ended.value.code or 0) == code, printed.err
        return printed.err if code else printed.out

    return run


def charged(home: PartyHome, name: str = "loans") -> Ledger:
    table = home.config()["datasets"][name]
    dataset = from_party_table(name, table, party="spain", folder=home.folder)
    ledger = Ledger.of(home, dataset, align_keys(read_table(dataset.file), dataset).ids)
    ledger.reserve(Charge("r1", "ab" * 32, "credit", name, "record", (STEPS,), 1e-5))
    return ledger


def test_a_fresh_party_has_spent_nothing(show: Show) -> None:
    assert "loans: epsilon 0 of 6 spent, 6 left," in show()
    assert "orders: epsilon 0 spent, no budget" in show("orders")


def test_budget_runs_and_rest_are_shown(home: PartyHome, show: Show) -> None:
    charged(home)
    assert "loans: epsilon 4.7 of 6 spent, 1.3 left, at delta 1e-05 (one record)" in show()
    assert "r1  epsilon 4.7  credit  (reserved)" in show("loans")
    (loans,) = json.loads(show("loans", "--format", "json"))["datasets"]
    assert loans["spent"] == pytest.approx(4.698, abs=1e-3)
    assert (loans["budget"], loans["runs"][0]["run"], loans["runs"][0]["settled"]) == (6.0, "r1", False)
    assert loans["left"] == pytest.approx(6 - loans["spent"])


def test_a_renamed_moved_and_reordered_data_set_shows_what_it_spent(home: PartyHome, show: Show) -> None:
    charged(home)
    home.config_file.write_text(CONFIG.replace("loans", "credits"))
    (home.folder / "loans.csv").unlink()
    (home.folder / "credits.csv").write_text("x,id\n3,es3\n2,es2\n1,es1\n")
    assert "credits: epsilon 4.7 of 6 spent" in show()
    assert "loans: epsilon 4.7 spent, no budget, at delta 1e-05 (one record); party.toml does not" in show()


def test_a_file_that_cannot_be_read_hides_nothing(home: PartyHome, show: Show) -> None:
    charged(home)
    (home.folder / "loans.csv").unlink()
    assert "loans: epsilon 4.7 of 6 spent" in show("loans")


def test_a_run_without_noise_is_named(home: PartyHome, show: Show) -> None:
    home.config_file.write_text(CONFIG.replace("[datasets.loans.privacy]\nepsilon = 6.0\ndelta = 1e-5\n", ""))
    ledger = charged(home)
    ledger.reserve(Charge("r2", "cd" * 32, "credit", "loans", "none", (), 1e-5))
    text = show("loans")
    assert "r2  no bound  credit\n" in text  # Not "reserved": it cannot be lowered.
    assert "1 of these runs tell without bound" in text
    (loans,) = json.loads(show("loans", "--format", "json"))["datasets"]
    assert (loans["unbounded_runs"], loans["runs"][1]["epsilon"]) == (1, None)


def test_an_unknown_data_set_and_a_spoilt_ledger_are_refused(home: PartyHome, show: Show) -> None:
    assert "'nothing'" in show("nothing", code=2)
    charged(home)
    (home.folder / "privacy" / "ledger.jsonl").write_text("")
    assert "shorter than it was" in show(code=3)
