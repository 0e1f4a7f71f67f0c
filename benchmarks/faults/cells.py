"""The matrix: which role meets which fault at which step, and the third of it that covers all of them.

A step is known by what a role does there: the first (or a later) frame of a kind that it writes into its
journal, or a file that it puts in place. Where the aggregator does nothing of its own at a step, the fault
comes to it when the label party, or the first member, does that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from federation.ids import AGGREGATOR, PartyId

Shape: TypeAlias = Literal["vertical", "horizontal"]
How: TypeAlias = Literal["simulated", "processes"]

#: Fault -> what it is, for people.
FAULTS: Mapping[str, str] = {
    "kill": "SIGKILL, started again",
    "loss": "SIGKILL, not started again",
    "freeze": "SIGSTOP until the round is over",
    "cut-1": "its lines are cut for 1 s",
    "cut-30": "its lines are cut for 30 s",
    "cut-300": "its lines are cut for 300 s",
    "move": "SIGKILL, started again at another port",
    "disk": "its disk is full",
    "hour-on": "its clock jumps an hour ahead",
    "hour-back": "its clock jumps an hour back",
    "day-on": "its clock jumps a day ahead",
    "day-back": "its clock jumps a day back",
    "power": "power loss: what was not fsynced is gone; started again",
    "superlink": "SIGKILL of the aggregator's SuperLink, of Flower",
    "supernode": "SIGKILL of the party's SuperNode, of Flower",
}

STEPS = ("joining", "alignment", "keys", "training", "opening", "finishing", "cosigning")

LABEL, HELPER, FURTHER, MEMBER = "label party", "helper", "further party", "member"
SEATS: Mapping[Shape, Mapping[str, PartyId]] = {
    "vertical": {
        AGGREGATOR: AGGREGATOR,
        LABEL: PartyId("bank"),
        HELPER: PartyId("platform"),
        FURTHER: PartyId("public"),
    },
    "horizontal": {AGGREGATOR: AGGREGATOR, MEMBER: PartyId("bank-1")},
}


@dataclass(frozen=True, slots=True)
class Moment:
    """When `seat` does something for the `count`th time: a frame's kind or a file, by what it begins with."""

    seat: PartyId
    what: Literal["frame", "file"]
    name: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Cell:
    """One entry of the matrix."""

    shape: Shape
    role: str
    step: str
    fault: str
    how: How = "simulated"

    @property
    def id(self) -> str:
        """Its name on the command line and in the table."""
        words = (self.shape, self.role, self.step, self.fault)
        return "/".join(word.replace(" ", "-") for word in words) + (
            "/real" if self.how != "simulated" else ""
        )

    @property
    def seat(self) -> PartyId:
        """Who meets the fault."""
        return SEATS[self.shape][self.role]

    @property
    def moment(self) -> Moment:
        """When it does."""
        return _MOMENTS[self.shape, self.role][self.step]


def _frames(seat: PartyId, named: Mapping[str, tuple[str, int]]) -> dict[str, Moment]:
    """Moments of one seat. A name with a dot in it is a file's."""
    return {
        step: Moment(seat, "file" if name.isupper() or "." in name else "frame", name, count)
        for step, (name, count) in named.items()
    }


_ENDS = {"joining": ("session/greeting", 1), "finishing": ("MANIFEST", 1), "cosigning": ("ledger/seen", 4)}
_BANK = _frames(
    PartyId("bank"),
    {
        **_ENDS,
        "alignment": ("alignment/points", 1),
        "keys": ("logistic/key", 1),
        "training": ("logistic/direction", 3),
        "opening": ("scores.npz", 1),
    },
)
_MEMBER = _frames(
    PartyId("bank-1"),
    {
        **_ENDS,
        "alignment": ("horizontal/standing", 1),
        "keys": ("sum/upload", 2),
        "training": ("sum/upload", 7),
        "opening": ("sum/own-mask", 14),
    },
)
_MOMENTS: Mapping[tuple[Shape, str], Mapping[str, Moment]] = {
    ("vertical", LABEL): _BANK,
    ("vertical", HELPER): _frames(
        PartyId("platform"),
        {
            **_ENDS,
            "alignment": ("alignment/tags", 1),
            "keys": ("logistic/key", 1),
            "training": ("logistic/opened", 3),
            "opening": ("logistic/scores", 1),
        },
    ),
    ("vertical", FURTHER): _frames(
        PartyId("public"),
        {
            **_ENDS,
            "alignment": ("alignment/points", 2),
            "keys": ("round/prepared", 1),
            "training": ("logistic/logit-share", 3),
            "opening": ("logistic/scores", 1),
        },
    ),
    ("vertical", AGGREGATOR): {
        **_BANK,
        **_frames(
            AGGREGATOR,
            {
                "joining": _ENDS["joining"],
                "alignment": ("alignment/rows", 2),
                "cosigning": _ENDS["cosigning"],
            },
        ),
    },
    ("horizontal", MEMBER): _MEMBER,
    ("horizontal", AGGREGATOR): {
        **_MEMBER,
        **_frames(
            AGGREGATOR,
            {
                "joining": _ENDS["joining"],
                "keys": ("sum/total", 2),
                "training": ("sum/total", 20),
                "cosigning": _ENDS["cosigning"],
            },
        ),
    },
}

#: (shape, role) -> step -> the faults that the role meets there.
_MATRIX: Mapping[tuple[Shape, str], Mapping[str, str]] = {
    ("vertical", AGGREGATOR): {
        "joining": "kill",
        "alignment": "cut-1 power",
        "keys": "move",
        "training": "kill cut-30 freeze",
        "opening": "disk",
        "finishing": "loss",
        "cosigning": "kill hour-back",
    },
    ("vertical", LABEL): {
        "joining": "cut-1 kill",
        "alignment": "power",
        "keys": "hour-on",
        "training": "kill cut-30 day-on disk",
        "opening": "cut-1",
        "finishing": "kill power",
        "cosigning": "loss",
    },
    ("vertical", HELPER): {
        "joining": "loss",
        "alignment": "disk",
        "keys": "kill cut-1",
        "training": "freeze cut-300 power",
        "opening": "day-back",
        "finishing": "disk",
        "cosigning": "kill cut-1",
    },
    ("vertical", FURTHER): {
        "joining": "freeze",
        "alignment": "kill cut-30",
        "keys": "hour-back",
        "training": "loss cut-1",
        "opening": "kill",
        "finishing": "hour-on",
        "cosigning": "power",
    },
    ("horizontal", AGGREGATOR): {
        "joining": "kill power",
        "alignment": "cut-1",
        "keys": "move cut-30",
        "training": "kill move power cut-300",
        "opening": "kill disk",
        "finishing": "kill",
        "cosigning": "kill day-on",
    },
    ("horizontal", MEMBER): {
        "joining": "kill power",
        "alignment": "cut-1",
        "keys": "kill power disk",
        "training": "kill cut-30 cut-300 freeze loss power hour-back",
        "opening": "kill power cut-1",
        "finishing": "kill power",
        "cosigning": "cut-1 hour-on",
    },
}

_REAL = (
    Cell("vertical", LABEL, "training", "kill", "processes"),
    Cell("vertical", HELPER, "training", "cut-1", "processes"),
    Cell("vertical", AGGREGATOR, "training", "kill", "processes"),
    Cell("vertical", AGGREGATOR, "training", "superlink", "processes"),
    Cell("vertical", LABEL, "training", "supernode", "processes"),
    Cell("horizontal", MEMBER, "training", "kill", "processes"),
    Cell("horizontal", AGGREGATOR, "training", "kill", "processes"),
    Cell("horizontal", AGGREGATOR, "training", "superlink", "processes"),
    Cell("horizontal", MEMBER, "training", "supernode", "processes"),
)

CELLS: tuple[Cell, ...] = (
    *(
        Cell(shape, role, step, fault)
        for (shape, role), steps in _MATRIX.items()
        for step, faults in steps.items()
        for fault in faults.split()
    ),
    *_REAL,
)


def third(cells: Iterable[Cell] = CELLS) -> tuple[Cell, ...]:
    """A third of the simulated cells: each role, step and fault at least once, then spread evenly."""
    simulated = [cell for cell in cells if cell.how == "simulated"]
    wanted = {part for cell in simulated for part in _parts(cell)}
    chosen: list[Cell] = []
    while wanted:
        best = max(simulated, key=lambda cell: (len(wanted & _parts(cell)), -_waits(cell)))
        chosen.append(best)
        wanted -= _parts(best)
    room = math.ceil(len(CELLS) / 3) - len(chosen)
    others = [cell for cell in simulated if cell not in chosen and cell.fault not in _LONG]
    if room > 0:
        chosen += [others[place * len(others) // room] for place in range(room)]
    return tuple(cell for cell in simulated if cell in chosen)


#: Faults whose cells mostly wait.
_LONG = frozenset({"cut-300", "loss", "freeze"})


def _waits(cell: Cell) -> int:
    """How long a cell mostly waits: for an aggregator that does not come back, for all that a plan allows."""
    return 0 if cell.fault not in _LONG else 2 if cell.seat == AGGREGATOR else 1


def _parts(cell: Cell) -> set[tuple[str, str]]:
    return {("role", f"{cell.shape} {cell.role}"), ("step", cell.step), ("fault", cell.fault)}
