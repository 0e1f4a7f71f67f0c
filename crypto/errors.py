"""The root of every error that Isthmus raises on purpose.

    IsthmusError                  what did not happen, and what to do next
    ├── UsageError     (exit 2)   the caller asked for something that cannot be
    ├── Refusal        (exit 3)   a rule, a check or a key said no; nothing left
    └── PeerFailure    (exit 4)   another role did not do its part

An error may travel: the other roles of a run are told its `cause`. So neither the text nor the
attributes ever hold a row, an identifier, a key or any other value that was refused.
"""

from __future__ import annotations

from crypto.codes import Code, coded


class IsthmusError(Exception):
    """Something did not happen. `advice` is the next step; `exit_code` is what the CLI returns.

    `code` is the kind of error (`crypto.codes`): a class has one, and a raise may name a closer one.
    """

    advice: str = "Run the command again with --help."
    exit_code: int = 1
    code: Code = Code.FAILED

    def __init__(
        self,
        what: str,
        *,
        party: str | None = None,
        file: str | None = None,
        field: str | None = None,
        advice: str | None = None,
        code: Code | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.party = party
        self.file = file
        self.field = field
        if advice is not None:
            self.advice = advice
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return _placed(self.what, ("party", self.party), ("file", self.file), ("field", self.field))

    @property
    def cause(self) -> str:
        """What other roles may read: a code and `told`. `crypto.codes.parted` takes it apart again."""
        return coded(self.told_code, self.told)

    @property
    def told(self) -> str:
        """The sentence that other roles may read: what happened and where, without the local path."""
        return _placed(self.what, ("party", self.party), ("field", self.field))

    @property
    def told_code(self) -> Code:
        """The code that goes with it. A coarser one, where the kind by itself tells something of the data."""
        return self.code


def _placed(what: str, *places: tuple[str, str | None]) -> str:
    where = ", ".join(f"{name} {value}" for name, value in places if value is not None)
    return f"{where}: {what}" if where else what


class UsageError(IsthmusError):
    """The command, the plan or the configuration asks for something that cannot be."""

    exit_code = 2
    code = Code.USAGE


class Refusal(IsthmusError):
    """A rule, a check or a key said no; nothing left this role."""

    exit_code = 3
    code = Code.REFUSAL


class PeerFailure(IsthmusError):
    """Another role did not do its part: silent, gone, or it ended the run and said why."""

    exit_code = 4
    code = Code.PEER
