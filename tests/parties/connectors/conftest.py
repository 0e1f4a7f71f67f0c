"""The PostgreSQL server that tests of connectors read from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import postgresql


@pytest.fixture(scope="session")
def server() -> Iterator[postgresql.Server]:
    """A server with a schema `lending` and a user `reader`, who may read it and nothing else."""
    if (why := postgresql.absent()) is not None:
        pytest.skip(why)
    with postgresql.server() as started:
        started.run(
            f"CREATE ROLE reader LOGIN PASSWORD '{started.password}'",
            "CREATE SCHEMA lending",
            "GRANT USAGE ON SCHEMA lending TO reader",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA lending GRANT ALL ON TABLES TO reader",
        )
        yield started
