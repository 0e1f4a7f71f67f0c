"""A shell completes commands and the names that a folder holds, fast and without opening data."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from cli.main import isthmus
from crypto.codes import Code
from crypto.errors import UsageError

ROOT = Path(__file__).parents[2]


def offered(*words: str, incomplete: str = "") -> list[str]:
    found = BashComplete(isthmus, {}, "isthmus", "_ISTHMUS_COMPLETE").get_completions(list(words), incomplete)
    return [each.value for each in found]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for run in ("20261127-1-a", "20261128-1-b"):
        (tmp_path / "rounds" / run).mkdir(parents=True)
    for file in ("members/bank.json", "governance/grants/spring.dsse.json", "governance/grants/.hidden"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("{}")
    (tmp_path / "party.toml").write_text('name = "bank"\n[datasets.loans]\n[datasets.leases]\n')
    return tmp_path


def test_names_are_those_of_the_folder(home: Path) -> None:
    where = ("--home", str(home))
    assert offered("round", "status", *where) == ["20261127-1-a", "20261128-1-b"]
    assert offered("model", "show", *where, incomplete="20261128") == ["20261128-1-b"]
    assert offered("federation", "remove", *where) == ["bank"]
    assert offered("grant", "show", *where) == ["spring"]
    assert offered("data", "inspect", *where, "--dataset", incomplete="l") == ["leases", "loans"]


def test_a_folder_without_names_offers_none(tmp_path: Path) -> None:
    assert offered("round", "status", "--home", str(tmp_path)) == []
    (tmp_path / "party.toml").write_text("this is = no toml = at all")
    assert offered("data", "inspect", "--home", str(tmp_path), "--dataset") == []


def test_codes_and_commands_are_offered_to_help() -> None:
    assert set(Code) <= set(offered("help"))
    assert offered("help", incomplete="ist-230") == ["IST-2301", "IST-2302", "IST-2303", "IST-2304"]
    assert "completion" in offered(incomplete="co") and "privacy" in offered("help", incomplete="pr")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_the_program(shell: str) -> None:
    done = CliRunner().invoke(isthmus, ["completion", shell, "--format", "json"])
    told = json.loads(done.output)
    assert f"_ISTHMUS_COMPLETE={shell}_complete" in told["script"]


def test_another_shell_is_refused() -> None:
    done = CliRunner().invoke(isthmus, ["completion", "tcsh"])
    assert done.exit_code == 2 and not isinstance(done.exception, UsageError)


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash to complete in")
def test_bash_completes_with_the_script(home: Path) -> None:
    script = CliRunner().invoke(isthmus, ["completion", "bash"]).output
    installed = home / "bin" / "isthmus"
    installed.parent.mkdir()
    installed.write_text(f'#!/bin/sh\nexec {sys.executable} -m cli "$@"\n')
    installed.chmod(0o700)
    program = f"""{script}
COMP_WORDS=(isthmus round status --home {home} 20261128)
COMP_CWORD=5
_isthmus_completion isthmus
echo "${{COMPREPLY[@]}}"
"""
    path = f"{installed.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
    done = subprocess.run(
        ["bash", "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["20261128-1-b"], done.stderr
