"""One running federation for all system tests: its start is the dear part."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

with warnings.catch_warnings():
    # typer 0.20, which flwr pins, warns at its import about names that click 9 will drop.
    warnings.simplefilter("ignore", DeprecationWarning)
    import typer  # noqa: F401

from tests.system.federation import Done, Federation
from tests.system.tables import write_tables

#: A member that is admitted and trusted and whose node is never started.
ABSENT = "absent"


@pytest.fixture(scope="session")
def federation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Federation]:
    folder: Path = tmp_path_factory.mktemp("federation")
    with Federation(folder, write_tables(folder / "data"), never_started=[ABSENT]) as running:
        yield running


@pytest.fixture(scope="session")
def finished(federation: Federation) -> Done:
    """A round of three parties that went well."""
    done = federation.launch(federation.plan())
    assert done.exit_code == 0, done.err
    federation.wait_idle()
    return done


@pytest.fixture(scope="session")
def unstarted(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    """A federation whose services are not started: for rounds in this process."""
    folder = tmp_path_factory.mktemp("unstarted")
    return Federation(folder, write_tables(folder / "data"))
