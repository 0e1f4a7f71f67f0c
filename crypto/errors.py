"""The root of every error that Isthmus raises on purpose.

    IsthmusError                  what did not happen, and what to do next
    ├── UsageError     (exit 2)   the caller asked for something that cannot be
    ├── Refusal        (exit 3)   a rule, a check or a key said no; nothing left
    └── PeerFailure    (exit 4)   another role did not do its part

An error may travel: the other roles of a run are told its `cause`. So neither the text nor the
attributes ever hold a row, an identifier, a key or any other value that was refused.
"""

from __future__ import annotations


class IsthmusError(Exception):
    """Something did not happen. `advice` is the next step; `exit_code` is what the CLI returns."""

    advice: str = "Run the command again with --help."
    exit_code: int = 1

    def __init__(
        self,
        what: str,
        *,
        party: str | None = None,
        file: str | None = None,
        field: str | None = None,
        advice: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.party = party
        self.file = file
        self.field = field
        if advice is not None:
            self.advice = advice

    def __str__(self) -> str:
        return _placed(self.what, ("party", self.party), ("file", self.file), ("field", self.field))

    @property
    def cause(self) -> str:
        """The sentence that other roles may read: what happened and where, without the local path."""
        return _placed(self.what, ("party", self.party), ("field", self.field))


def _placed(what: str, *places: tuple[str, str | None]) -> str:
    where = ", ".join(f"{name} {value}" for name, value in places if value is not None)
    return f"{where}: {what}" if where else what


class UsageError(IsthmusError):
    """The command, the plan or the configuration asks for something that cannot be."""

    exit_code = 2


class Refusal(IsthmusError):
    """A rule, a check or a key said no; nothing left this role."""

    exit_code = 3


class PeerFailure(IsthmusError):
    """Another role did not do its part: silent, gone, or it ended the run and said why."""

    exit_code = 4
