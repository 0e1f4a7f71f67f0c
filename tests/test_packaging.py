"""What is installed elsewhere is the whole product, and it asks for all that it imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path, PurePosixPath

import pytest
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
ROOMS = ("crypto", "federation", "parties", "cli", "benchmarks")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return zipfile.ZipFile(path)


def test_the_wheel_holds_every_file_of_every_room(wheel: zipfile.ZipFile) -> None:
    wanted = {
        f"_isthmus/{file.relative_to(ROOT).as_posix()}"
        for room in ROOMS
        for file in (ROOT / room).rglob("*")
        if file.is_file() and file.suffix not in {".pyc", ".pth"}
    }
    assert {name for name in wheel.namelist() if name.startswith("_isthmus/")} == wanted
    assert "_isthmus/parties/report/template.html" in wanted


def test_the_wheel_puts_one_folder_and_one_path_file_beside_other_packages(wheel: zipfile.ZipFile) -> None:
    # A `crypto` of our own beside pycryptodome's `Crypto` would overwrite it where case is ignored.
    tops = {PurePosixPath(name).parts[0] for name in wheel.namelist()}
    assert tops == {"_isthmus", "isthmus.pth", f"isthmus-{PROJECT['version']}.dist-info"}
    assert wheel.read("isthmus.pth").decode().strip() == "_isthmus"


def test_the_wheel_brings_its_licence_and_its_command(wheel: zipfile.ZipFile) -> None:
    folder = f"isthmus-{PROJECT['version']}.dist-info"
    assert wheel.read(f"{folder}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    assert b"isthmus = cli.main:main" in wheel.read(f"{folder}/entry_points.txt")


@cache
def imported(folder: Path) -> set[str]:
    """The first names of all absolute imports under `folder`, the standard library and ourselves aside."""
    names = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - {*ROOMS, "tests"}


def asked_for(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def not_asked_for(folders: list[str], requirements: list[str]) -> set[str]:
    owners = owning()
    found = set().union(*(imported(ROOT / folder) for folder in folders))
    asked = asked_for(requirements)
    return {
        name for name in found if not {canonicalize_name(owner) for owner in owners.get(name, [])} & asked
    }


@cache
def owning() -> Mapping[str, list[str]]:
    """Top-level name -> the distributions that bring it; reading all of them takes seconds."""
    return metadata.packages_distributions()


#: What a party asks for whose rows lie elsewhere than in files; only `parties.connectors` imports it.
EXTRAS = [*PROJECT["optional-dependencies"]["postgresql"], *PROJECT["optional-dependencies"]["duckdb"]]


def test_every_library_that_the_product_imports_is_asked_for() -> None:
    assert not_asked_for(list(ROOMS), [*PROJECT["dependencies"], *EXTRAS]) == set()
    others = [path for path in (ROOT / "parties").iterdir() if path.is_dir() and path.name != "connectors"]
    rest = [*(room for room in ROOMS if room != "parties"), *(str(path.relative_to(ROOT)) for path in others)]
    assert not_asked_for(rest, PROJECT["dependencies"]) == set()


def test_what_the_extras_ask_for_is_tested() -> None:
    assert set(EXTRAS) <= set(PROJECT["optional-dependencies"]["dev"])


def test_every_library_that_the_tests_import_is_asked_for() -> None:
    both = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
    assert not_asked_for([*ROOMS, "tests"], both) == set()


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_every_pin_is_a_plain_version_of_a_public_package() -> None:
    assert not [name for name, version in pins().items() if not re.fullmatch(r"[0-9][0-9a-z.]*", version)]


def test_every_requirement_is_pinned_within_its_bounds() -> None:
    pinned = {canonicalize_name(name): version for name, version in pins().items()}
    wanted = [Requirement(text) for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]]
    for requirement in wanted:
        assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement.name
