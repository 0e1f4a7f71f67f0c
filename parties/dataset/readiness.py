"""What would keep a party's datasets out of a round, found before one is launched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from crypto.errors import UsageError
from parties.dataset.config import from_party_table


def hindrances(tables: object, *, party: str, folder: Path) -> tuple[str, ...]:
    """A sentence for each dataset among `tables`, those of party.toml in `folder`, that a round would refuse.

    Reads the configuration and the names of each one's columns, no cell. That is no promise: what the cells
    hold is seen in the round.
    """
    if not isinstance(tables, Mapping) or not tables:
        return ("party.toml describes no dataset yet; a round that needs one will be refused",)
    found = []
    for name, table in tables.items():
        try:
            dataset = from_party_table(name, table, party=party, folder=folder)
            dataset.check_columns(dataset.present())
        except UsageError as error:
            found.append(f"dataset {name} is not ready for a round: {error} (next: {error.advice})")
    return tuple(found)
