"""What the coordinator writes down about a round, and what every command reads.

`status.json` is the whole of it: replaced atomically, so a reader never sees half of one. It holds names,
counts, times and causes; nothing of a party's data reaches the coordinator, so nothing of it is here.
"""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from crypto.codes import Code, parted
from crypto.errors import IsthmusError
from federation import files
from federation.ids import PartyId, RunId

#: States in which nothing more will happen.
FINAL = frozenset({"finished", "failed", "cancelled"})


@dataclass
class PartyStatus:
    """Where one party is."""

    state: str = "waiting"
    step: str = ""
    iteration: int = 0
    bytes_sent: int = 0
    receipt: dict[str, Any] | None = None


@dataclass
class RoundStatus:
    """Where a round is. `state`: submitted, waiting, running, or one of `FINAL`."""

    run: RunId
    plan: str
    plan_digest: str
    state: str = "submitted"
    cause: str = ""
    exit_code: int = 0
    submitted: str = ""
    started: str = ""
    ended: str = ""
    attempt: int = 0
    interruptions: list[str] = field(default_factory=list)  # why earlier attempts ended, oldest first
    flower_run: int | None = None
    cpu_seconds: float = 0.0  # of the aggregator's process, while the round ran
    parties: dict[PartyId, PartyStatus] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in FINAL

    @property
    def code(self) -> Code | None:
        """The code of `cause`; None where there is none."""
        return parted(self.cause)[0]

    def to_json(self) -> dict[str, Any]:
        """The fields by name, nested, and the code of the cause: `status.json`."""
        return {**asdict(self), "code": self.code}

    def failure(self, advice: str) -> IsthmusError:
        """The error of a round that did not finish: its code is that of the cause."""
        code, sentence = parted(self.cause)
        error = IsthmusError(
            f"the round did not finish: {sentence}", advice=advice, code=code or Code.ROUND_FAILED
        )
        error.exit_code = self.exit_code
        return error

    @staticmethod
    def load(folder: Path) -> RoundStatus:
        """The status of the round in `folder`, or a `UsageError`."""
        path = folder / "status.json"
        advice = (
            f"Restore {folder} from a backup of the federation's folder, or move it away: `isthmus round "
            "list` tells the other rounds. Models lie with the parties and are not lost."
        )
        fields = files.read_json(path, advice)
        with files.intact(path, advice):
            fields.pop("code", None)
            parties = {PartyId(name): PartyStatus(**value) for name, value in fields.pop("parties").items()}
            return RoundStatus(**fields, parties=parties)


class Recorder:
    """The one writer of a round's status while it runs. Thread-safe."""

    def __init__(self, folder: Path, status: RoundStatus) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self.status = status

    def update(self, **changes: Any) -> None:
        """Change fields of the round and write it out."""
        with self._lock:
            for name, value in changes.items():
                setattr(self.status, name, value)
            self._write()

    def update_party(self, party: PartyId, **changes: Any) -> None:
        """Change fields of one party's status and write the round's out."""
        with self._lock:
            for name, value in changes.items():
                setattr(self.status.parties[party], name, value)
            self._write()

    def _write(self) -> None:
        files.write_json(self._folder / "status.json", self.status.to_json())
