"""Where something went wrong: a party and its file, as errors name them."""

from __future__ import annotations

from dataclasses import dataclass

from crypto.errors import UsageError


@dataclass(frozen=True, slots=True)
class Place:
    """A party and the name of its file, without the path."""

    party: str
    file: str

    def error(self, what: str, *, column: str | None = None, advice: str) -> UsageError:
        """A `UsageError` that names the party, the file and `column`."""
        return UsageError(what, party=self.party, file=self.file, field=column, advice=advice)
