"""Where something went wrong: a party and its file, as errors name them to the party's own people alone."""

from __future__ import annotations

from dataclasses import dataclass

from crypto.codes import Code
from parties.errors import DatasetError


@dataclass(frozen=True, slots=True)
class Place:
    """A party and the name of its file, without the path."""

    party: str
    file: str

    def error(
        self, what: str, *, column: str | None = None, advice: str, code: Code | None = None
    ) -> DatasetError:
        """A `DatasetError` that names the party, the file and `column`."""
        return DatasetError(what, party=self.party, file=self.file, field=column, advice=advice, code=code)
