"""`isthmus bench` is found from a checkout and from a wheel, though the command line imports no benchmark."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner
from hatchling.builders.wheel import WheelBuilder

from cli import main

ROOT = Path(main.__file__).parents[1]


def _run(cwd: Path, *arguments: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_checkout_that_is_not_installed_finds_the_benchmarks(tmp_path: Path) -> None:
    done = _run(tmp_path, "-m", "cli", "bench", "speed", "--help", path=ROOT)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ("exchange", "psi", "logistic"))


def test_another_distributions_folder_of_that_name_is_not_taken_for_ours(tmp_path: Path) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").write_text("raise SystemExit('not ours')\n")
    code = f"import sys; sys.path.append({str(ROOT)!r}); from cli.main import main; main()"
    for arguments in (
        ["--help"],
        ["bench", "speed", "--help"],
        ["bench", "speed", "exchange", "--repeat", "20"],
    ):
        done = _run(tmp_path, "-c", code, *arguments, path=tmp_path)
        assert done.returncode == 0 and "not ours" not in done.stderr, done.stderr


def test_a_wheel_finds_the_benchmarks_by_its_entry_point(tmp_path: Path) -> None:
    built = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with zipfile.ZipFile(built) as wheel:
        wheel.extractall(tmp_path / "site")
    site = tmp_path / "site"
    # What isthmus.pth does in a real installation.
    code = f"import sys; sys.path.insert(0, {str(site / '_isthmus')!r}); from cli.main import main; main()"
    done = _run(tmp_path, "-c", code, "bench", "speed", "--help", path=site)
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ("exchange", "psi", "logistic"))


def test_the_commands_of_an_installation_are_those_of_its_own_distribution(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []

    class Installed:
        entry_points = metadata.EntryPoints(
            [metadata.EntryPoint("bench", "benchmarks.command:command", "isthmus.commands")]
        )

    def distribution(name: str) -> Installed:
        asked.append(name)
        return Installed()

    monkeypatch.setattr(main, "__file__", str(tmp_path / "_isthmus" / "cli" / "main.py"))
    monkeypatch.setattr(metadata, "distribution", distribution)
    assert CliRunner().invoke(main.isthmus, ["bench", "--help"]).exit_code == 0
    assert set(asked) == {"isthmus"}


def test_every_declared_command_exists_and_help_lists_it() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    told = CliRunner().invoke(main.isthmus, ["--help"]).output
    for name, value in declared["isthmus.commands"].items():
        command = metadata.EntryPoint(name, value, "isthmus.commands").load()
        assert command.name == name
        assert f"\n  {name}" in told


def test_a_command_that_nobody_declared_is_refused_by_name() -> None:
    done = CliRunner().invoke(main.isthmus, ["benches"])
    assert done.exit_code == 2 and "benches" in done.output
