"""What can be wrong with a party's own data. The tree's root stands in `crypto.errors`."""

from __future__ import annotations

from crypto.codes import Code
from crypto.errors import UsageError

_WHERE = "its own people are told where"


class DatasetError(UsageError):
    """A party's table, or what its configuration says of it, is not as a round needs it.

    `what`, `file`, `field` and `advice` are for the party's own people: they name columns that no plan names,
    and figures. The other roles hear whose it is, and no closer code than that of the class: which kind of
    fault it is tells something of the table.
    """

    code = Code.DATA

    @property
    def told_code(self) -> Code:
        return type(self).code

    @property
    def told(self) -> str:
        whose = f"party {self.party}: " if self.party else ""
        return f"{whose}its dataset, or what its configuration says of it, does not fit this plan; {_WHERE}"


class SourceError(DatasetError):
    """A party's table cannot be read from the database or the folder where it lies."""

    code = Code.SOURCE

    @property
    def told(self) -> str:
        whose = f"party {self.party}: " if self.party else ""
        return f"{whose}its dataset cannot be read where it lies; {_WHERE}"
