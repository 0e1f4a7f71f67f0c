"""How large the attacks are, from which seed they draw, and against which protocol they run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from benchmarks.attacks.vertical import VerticalRun, play
from benchmarks.leakage.worlds import World, generated
from benchmarks.progress import Say, silent


@dataclass(frozen=True, slots=True)
class Size:
    """firms: in the vertical runs; identifiers: at each party of an alignment; coordinates: of an update.

    others: parties without outcomes that take part; iterations: gradients at most. textbook_rows, epochs: of
    training by reshuffled minibatches. shadows: models that membership is judged by. runs, rounds: of
    training with a bad party, of the kinds in `bad`. messages: tampered with, of each kind.
    """

    firms: int = 6000
    others: int = 2
    iterations: int = 60
    textbook_rows: int = 1024
    epochs: int = 8
    shadows: int = 32
    identifiers: int = 2000
    coordinates: int = 20_000
    member_rows: int = 128
    runs: int = 4
    rounds: int = 6
    bad: tuple[str, ...] = ("sign", "labels", "copy")
    messages: int = 40
    credit: bool = True


FULL = Size()
#: Seconds for all of them: what tests and `isthmus bench border --fast` take. No scorecard, no trees.
QUICK = Size(
    firms=2400,
    others=1,
    iterations=2,
    textbook_rows=320,
    epochs=8,
    shadows=16,
    identifiers=120,
    coordinates=2000,
    member_rows=64,
    runs=1,
    rounds=3,
    bad=("sign", "copy"),
    messages=5,
    credit=False,
)


class Setting:
    """What every attack is given. Transcripts that several of them look at are played once."""

    def __init__(
        self, size: Size = FULL, seed: int = 0, *, weakened: bool = False, say: Say = silent
    ) -> None:
        self.size = size
        self.seed = seed
        self.weakened = weakened
        self.say = say

    @cached_property
    def world(self) -> World:
        """The parties' tables; with fewer parties where the size says so."""
        made = generated(self.size.firms, self.seed)
        kept = (made.label, *made.others[: self.size.others])
        return World({p: made.datasets[p] for p in kept}, {p: made.frames[p] for p in kept})

    @cached_property
    def vertical(self) -> VerticalRun:
        """A hidden logistic regression of these parties; half of the rows train, half are opened."""
        self.say("training a hidden logistic regression")
        return play(self.world, self.seed, self.size.iterations)


def sized(size: Size, firms: int | None) -> Size:
    """The size with another number of firms."""
    return size if firms is None else replace(size, firms=firms)
