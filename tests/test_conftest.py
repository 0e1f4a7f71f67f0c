"""The order of the tests names files that are there, and one process has those of what is dear to start."""

from __future__ import annotations

from tests.conftest import EARLY, FEDERATION, FLOWER, TESTS


def test_the_files_that_begin_early_are_there() -> None:
    assert [name for name in EARLY if not (TESTS / name).is_file()] == []


def test_every_file_that_uses_the_one_federation_is_with_the_others() -> None:
    """A second process that has one would start a federation of its own, and pay for it."""
    uses = {
        f"system/{file.name}"
        for file in (TESTS / "system").glob("test_*.py")
        if "federation: Federation" in (text := file.read_text()) and "Federation(" not in text
    }
    assert uses == set(FEDERATION)


def test_every_file_that_speaks_to_the_one_flower_is_with_the_others() -> None:
    uses = {
        f"federation/flower/{file.name}"
        for file in (TESTS / "federation" / "flower").glob("test_*.py")
        if "cluster: Any" in file.read_text()
    }
    assert uses == set(FLOWER)
