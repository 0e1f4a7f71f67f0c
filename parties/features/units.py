"""Units: a column of one name at two parties must count in one unit."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from crypto.codes import Code
from crypto.errors import UsageError
from parties.dataset import DatasetConfig


def check_units(config: DatasetConfig, declared: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse where a partner declares another unit for a column that this party declares too.

    `declared` maps each partner to its columns' units. Nothing is converted: 10k-CNY read as CNY is a
    factor of 10,000 in the score, and only whoever made the file knows which it is. Letter case, width
    and white space do not matter. A column that only one of them declares is not compared. Raises one
    `UsageError` with every mismatch.
    """
    mismatches = [
        (column, f"for column {column} {config.holder} declares {own}, {partner} declares {units[column]}")
        for partner, units in declared.items()
        for column, own in config.units.items()
        if column in units and _folded(units[column]) != _folded(own)
    ]
    if not mismatches:
        return
    columns = {column for column, _ in mismatches}
    raise UsageError(
        "units differ: " + "; ".join(sentence for _, sentence in mismatches),
        party=config.holder,
        field=columns.pop() if len(columns) == 1 else None,
        advice="Convert one of the files and correct the unit in its configuration, or exclude the column.",
        code=Code.COLUMNS_DIFFER,
    )


def _folded(unit: str) -> str:
    return "".join(unicodedata.normalize("NFKC", unit).split()).casefold()
