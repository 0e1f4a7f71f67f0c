"""The rooms keep their doors: who imports whom, and what a role's process never loads."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter import cli as import_linter

ROOT = Path(__file__).parent.parent
ROOMS = ("crypto", "federation", "parties", "cli", "benchmarks")


def loaded_by(statement: str) -> set[str]:
    """The modules and packages in a fresh process after `statement`."""
    code = f"{statement}\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_every_import_contract_holds(capsys: pytest.CaptureFixture[str]) -> None:
    status = import_linter.lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None)
    assert status == 0, capsys.readouterr().out


def test_an_import_against_the_arrow_breaks_a_contract(tmp_path: Path) -> None:
    for room in ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("")
    (tmp_path / "crypto" / "leak.py").write_text("import parties\n")
    config = (ROOT / "pyproject.toml").read_text()
    layers = config[config.index("[tool.importlinter]") :].split("[[tool.importlinter.contracts]]")[:2]
    (tmp_path / "pyproject.toml").write_text("[[tool.importlinter.contracts]]".join(layers))
    lint = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(cache_dir=None))"
    done = subprocess.run(
        [sys.executable, "-c", lint],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "crypto.leak -> parties" in done.stdout


def test_a_coordinator_process_loads_nothing_that_could_read_a_row() -> None:
    loaded = loaded_by("import federation.coordinator.service, federation.coordinator.rounds")
    assert "federation.coordinator" in loaded
    assert not loaded & {"parties", "pandas", "torch", "sklearn", "pyarrow", "scipy", "matplotlib"}


def test_a_party_process_loads_nothing_that_conducts_or_relays() -> None:
    loaded = loaded_by("import parties.node")
    assert "parties.node" in loaded
    conducting = {f"federation.coordinator.{module}" for module in ("conducting", "rounds", "service")}
    assert not loaded & {"benchmarks", "cli", "federation.exchange.server", *conducting}


HEAVY = {"torch", "pandas", "flwr", "tenseal", "numpy", "sklearn", "pyarrow", "matplotlib", "grpc", "rich"}


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_load_no_heavy_library(argument: str) -> None:
    run = "import contextlib, sys\nfrom cli.main import main\n"
    loaded = loaded_by(f"{run}sys.argv[1:] = [{argument!r}]\nwith contextlib.suppress(SystemExit): main()")
    assert "cli.main" in loaded
    assert not loaded & (HEAVY | {"federation", "parties"})


def test_the_help_of_every_command_is_as_light() -> None:
    modules = [f"cli.commands.{file.stem}" for file in (ROOT / "cli" / "commands").glob("[a-z]*.py")]
    loaded = loaded_by(f"import {', '.join(modules)}")
    assert set(modules) < loaded
    assert not loaded & (HEAVY | {"benchmarks"})


def packages() -> list[str]:
    return sorted(
        str(file.parent.relative_to(ROOT)) for room in ROOMS for file in (ROOT / room).rglob("__init__.py")
    )


@pytest.mark.parametrize("package", packages())
def test_every_package_says_what_it_is(package: str) -> None:
    assert ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8")))


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_says_who_may_import_it_and_what_it_may_never_do(room: str) -> None:
    said = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8"))) or ""
    assert "may import" in said
    assert "may never" in said


def test_every_folder_of_code_is_a_package() -> None:
    folders = {file.parent for room in ROOMS for file in (ROOT / room).rglob("*.py")}
    assert not [str(folder) for folder in folders if not (folder / "__init__.py").exists()]
