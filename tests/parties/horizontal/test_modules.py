"""A party runs the module that it read and approved, or nothing at all."""

from __future__ import annotations

import hashlib
import importlib.util
import py_compile
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.errors import UsageError
from federation.errors import PlanRefused
from parties.horizontal.modules import approvals, load_factory, source_hash

SOURCE = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Size:
    numeric: int

def factory(numeric, cardinalities):
    return Size(numeric)
"""
NAME = "nets_of_a_bank.scoring:factory"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed package with one module; running its __init__ leaves a file."""
    package = tmp_path / "nets_of_a_bank"
    package.mkdir()
    (package / "__init__.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    (package / "scoring.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield package
    for name in [name for name in sys.modules if name.startswith("nets_of_a_bank")]:
        del sys.modules[name]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_an_approved_module_is_loaded(folder: Path) -> None:
    value = digest(SOURCE)
    assert source_hash(NAME, "bank") == value
    made = load_factory(NAME, value, {NAME: value}, "bank")(4, ())
    assert made.numeric == 4  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("planned", "approved", "field"),
    [
        (digest(SOURCE), None, "model.module"),
        (digest(SOURCE), digest("other"), "model.module"),
        (digest("other"), digest("other"), "model.module"),
        (digest("other"), digest(SOURCE), "model.module_sha256"),
    ],
    ids=["not approved", "changed here", "changed here, as planned", "planned otherwise"],
)
def test_another_hash_is_refused_naming_both_and_nothing_ran(
    folder: Path, planned: str, approved: str | None, field: str
) -> None:
    allowed = {} if approved is None else {NAME: approved}
    with pytest.raises(PlanRefused) as refused:
        load_factory(NAME, planned, allowed, "bank")
    assert planned in refused.value.what
    assert (approved or digest(SOURCE)) in refused.value.what
    assert (refused.value.party, refused.value.field) == ("bank", field)
    assert "party.toml" in refused.value.advice or "plan corrected" in refused.value.advice
    assert not (folder.parent / "ran").exists()
    assert "nets_of_a_bank" not in sys.modules


def test_approval_of_one_factory_is_not_that_of_another(folder: Path) -> None:
    value = digest(SOURCE)
    with pytest.raises(PlanRefused, match="has not approved"):
        load_factory("nets_of_a_bank.scoring:Size", value, {NAME: value}, "bank")


def test_a_compiled_copy_beside_the_source_never_runs(folder: Path) -> None:
    planted, source = folder / "planted.py", folder / "scoring.py"
    planted.write_text("def factory(numeric, cardinalities):\n    return 'planted'\n")
    cached = Path(importlib.util.cache_from_source(str(source)))
    py_compile.compile(str(planted), str(cached), doraise=True)
    # A compiled file is taken for its source's when size and time of change agree.
    stat = source.stat()
    data = bytearray(cached.read_bytes())
    data[8:12], data[12:16] = (int(part).to_bytes(4, "little") for part in (stat.st_mtime, stat.st_size))
    cached.write_bytes(data)
    value = digest(SOURCE)
    assert load_factory(NAME, value, {NAME: value}, "bank")(1, ()) != "planted"
    del sys.modules["nets_of_a_bank.scoring"]
    control = importlib.import_module("nets_of_a_bank.scoring")
    assert control.factory(1, ()) == "planted"


def test_what_runs_is_what_was_hashed_though_the_file_changes_in_between(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, read = folder / "scoring.py", Path.read_bytes

    def read_then_change(path: Path) -> bytes:
        data = read(path)
        if path == source:
            source.write_text("def factory(numeric, cardinalities):\n    return 'changed'\n")
        return data

    monkeypatch.setattr(Path, "read_bytes", read_then_change)
    value = digest(SOURCE)
    assert load_factory(NAME, value, {NAME: value}, "bank")(1, ()) != "changed"
    assert "changed" in source.read_text()


@pytest.mark.parametrize(
    ("source", "match"),
    [
        ("from os.path import join as factory\n", "does not itself define"),
        ("factory = 3\n", "does not itself define"),
        ("import no_such_package_anywhere\n", "cannot be imported"),
        ("def factory(:\n", "cannot be imported"),
    ],
    ids=["imported", "no function", "lacks a package", "no Python"],
)
def test_a_file_without_a_factory_of_its_own_is_refused(folder: Path, source: str, match: str) -> None:
    (folder / "scoring.py").write_text(source)
    with pytest.raises(PlanRefused, match=match):
        load_factory(NAME, digest(source), {NAME: digest(source)}, "bank")
    if match == "cannot be imported":
        assert "nets_of_a_bank.scoring" not in sys.modules


@pytest.mark.parametrize("name", ["nets_of_a_bank.absent:f", "absent_altogether:f", "zlib:f", "sys:f"])
def test_what_has_no_source_file_here_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(PlanRefused, match="no source file"):
        load_factory(name, digest(""), {name: digest("")}, "bank")


def test_a_module_in_folders_without_init_is_refused_not_imported(folder: Path) -> None:
    (folder.parent / "loose" / "inner").mkdir(parents=True)
    (folder.parent / "loose" / "inner" / "net.py").write_text(SOURCE)
    with pytest.raises(PlanRefused, match="no source file"):
        load_factory("loose.inner.net:factory", digest(SOURCE), {}, "bank")


def test_a_file_that_cannot_be_read_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> bytes:  # Rights on the file would not keep root out.
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(PlanRefused, match="cannot be read"):
        source_hash(NAME, "bank")


def test_approvals_are_checked_together() -> None:
    good = {"package.module:factory": digest("")}
    assert approvals(good, "bank") == good
    assert approvals(None, "bank") == {}
    with pytest.raises(UsageError) as refused:
        approvals({"package.module": digest(""), "net:f": "AB"}, "bank")
    assert refused.value.what.count("[modules]") == 2
    with pytest.raises(UsageError, match="must be a table"):
        approvals("all", "bank")
