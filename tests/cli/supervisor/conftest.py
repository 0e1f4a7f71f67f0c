"""One crossing run, made once, for all tests of the pages."""

from __future__ import annotations

import pytest

from tests.cli.supervisor.packs import abroad, pack_files


@pytest.fixture(scope="session")
def crossing_packs() -> dict[str, bytes]:
    """Role -> the file of its pack, of one run over a border."""
    return pack_files(abroad())
