"""What every source of a party's rows can do: name its columns, and be read as one snapshot."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from crypto.codes import Code
from parties.errors import SourceError

if TYPE_CHECKING:
    import pandas as pd

_LOGGED = "isthmus"

Names = tuple[str, ...]
#: Of the columns that there are those that are wanted.
Choose = Callable[[Names], Names]


def every(present: Names) -> Names:
    """All columns."""
    return present


@dataclass(frozen=True, slots=True, repr=False)
class Snapshot:
    """The rows of a source as they were at one moment.

    `digest`: the SHA-256, in hexadecimal digits, by which a later reading shows that it saw the same. It
    stays with the party: whoever knows all of a table but one cell can try values of that cell against it.
    `present`: the names of all columns, those that were not read among them. `repr` shows nothing of it.
    """

    frame: pd.DataFrame
    digest: str
    present: Names


class Source(Protocol):
    """A file, a folder or a database. Made of what party.toml says; it holds no secret and no row."""

    @property
    def name(self) -> str:
        """What errors and pages call it to the party's own people: no path, no address."""
        ...

    @property
    def where(self) -> Path | str:
        """Where it lies, by which the privacy ledger knows it again; without user, password or query."""
        ...

    @property
    def hashed(self) -> str:
        """What `Snapshot.digest` is of."""
        ...

    def columns(self) -> Names:
        """The names of the columns; reads no row. Raises like `read`."""
        ...

    def read(self, choose: Choose = every, codes: frozenset[str] = frozenset()) -> Snapshot:
        """Read the columns that `choose` takes; whole numbers in `codes` are texts of digits.

        Raises `DatasetError` (of databases and folders `SourceError`), which names the source and the next
        step, and no cell, secret or path of it.
        """
        ...

    def digest(self, choose: Choose = every, codes: frozenset[str] = frozenset()) -> str:
        """`Snapshot.digest` of what `read` would read."""
        ...


def refusal(
    name: str, what: str, advice: str, column: str | None = None, *, code: Code | None = None
) -> SourceError:
    """The error of a source by its name."""
    return SourceError(what, file=name, field=column, advice=advice, code=code)


def silent() -> dict[str, Any]:
    """How a SQLAlchemy engine is made that logs neither rows nor parameters, whatever logging is set to."""
    logging.getLogger(f"sqlalchemy.engine.Engine.{_LOGGED}").setLevel(logging.WARNING)
    return {"logging_name": _LOGGED, "hide_parameters": True}


def check_names(name: str, names: Iterable[str]) -> Names:
    """The columns of a source whose header is no row of data; refused where two have one name."""
    seen: dict[str, None] = {}
    for place, each in enumerate(names, start=1):
        if not each.strip() or each in seen:
            raise refusal(
                name,
                f"column {place} has no name, or that of an earlier one",
                "Give each column a name of its own, as in SELECT a.id, b.id AS holding_id.",
                code=Code.COLUMN_TWICE,
            )
        seen[each] = None
    return tuple(seen)
