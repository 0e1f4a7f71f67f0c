"""What a party keeps on its disk while a horizontal round runs, so that a later attempt goes on from there.

    state.json      what all members know after the last round that this one saw the end of
    personal.npz    the part of the model that stays here (strategy = "personalised"), by round
    released.json   a sum beyond that state which others may have opened, and over whom it was

A sum that others may know is not made again over other members: the difference of the two would be one
member's own values. Over the same members it is made again as it was, number for number.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from crypto.private import Private
from federation import files
from federation.ids import PartyId
from federation.secure_sum.interface import Floats
from parties.horizontal.state import RoundState

_ADVICE = "Delete that file and launch the round again."


class Kept:
    """The files of one run at one party, and who its members are in this attempt."""

    def __init__(self, folder: Path, members: Sequence[PartyId]) -> None:
        self._folder = folder
        self._members = list(members)

    @property
    def state(self) -> RoundState | None:
        """What was kept last."""
        return RoundState.load(self._folder / "state.json")

    def keep(self, state: RoundState) -> None:
        """Keep a state that is further than the one before: what was released before it is part of it."""
        state.save(self._folder / "state.json")
        (self._folder / "released.json").unlink(missing_ok=True)

    def keep_personal(self, number: int, personal: Private[Floats]) -> None:
        """Keep the local part after round `number`, and that of the round before: the state is at either."""
        before = self._personals()
        kept = {number: personal.open_locally(), number - 1: before.get(number - 1)}
        arrays = {f"round_{at}": values for at, values in kept.items() if values is not None}
        files.write_arrays(self._folder / "personal.npz", **arrays)

    def personal(self, number: int) -> Private[Floats] | None:
        """The local part to go on from after round `number`: of that round, or the newest before it."""
        found = {at: values for at, values in self._personals().items() if at <= number}
        return Private(found[max(found)]) if found else None

    def note_release(self, label: str) -> None:
        """Write down, before this member gives its mask away, that others may open the sum of that label."""
        files.write_json(self._folder / "released.json", {"label": label, "members": self._members})

    @property
    def released(self) -> bool:
        """Whether others may know a sum beyond the state that was over other members than these."""
        path = self._folder / "released.json"
        return path.exists() and files.read_json(path, _ADVICE)["members"] != self._members

    @property
    def released_any(self) -> bool:
        """Whether others may know a sum beyond the state at all."""
        return (self._folder / "released.json").exists()

    def _personals(self) -> dict[int, Floats]:
        path = self._folder / "personal.npz"
        if not path.exists():
            return {}
        arrays = files.read_arrays(path, _ADVICE, _ADVICE)
        return {int(name.removeprefix("round_")): np.asarray(values) for name, values in arrays.items()}
