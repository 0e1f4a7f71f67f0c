"""What can be wrong with a party's own data. The tree's root stands in `crypto.errors`."""

from __future__ import annotations

from crypto.errors import UsageError

_WHERE = "its own people are told where"


class DatasetError(UsageError):
    """A party's table, or what its configuration says of it, is not as a round needs it.

    `what`, `file`, `field` and `advice` are for the party's own people: they name columns that no plan names,
    and figures. The other roles hear whose it is.
    """

    @property
    def cause(self) -> str:
        whose = f"party {self.party}: " if self.party else ""
        return f"{whose}its dataset, or what its configuration says of it, does not fit this plan; {_WHERE}"


class SourceError(DatasetError):
    """A party's table cannot be read from the database or the folder where it lies."""

    @property
    def cause(self) -> str:
        whose = f"party {self.party}: " if self.party else ""
        return f"{whose}its dataset cannot be read where it lies; {_WHERE}"
