"""S11: persons add up over the runs of a year, and at every threshold the right mechanism is asked for.

The table is that of the 2024 Provisions (compliance research, 1.4). It is written here once more, from the
text and not from the rule pack, so that the pack is held to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from benchmarks.border.results import Volume
from federation.compliance.catalogue import Catalogue, catalogue
from federation.compliance.facts import Case, Cumulated
from federation.compliance.judging import judge
from federation.compliance.verdicts import Verdict
from federation.governance.terms import Mechanism

Tokens = npt.NDArray[np.int64]
#: One below, at and one above each threshold.
PERSONAL = (99_999, 100_000, 100_001, 999_999, 1_000_000, 1_000_001)
SENSITIVE = (0, 1, 9_999, 10_000, 10_001)
RUNS = 4
#: What fulfils each duty, the lightest first.
_FULFILLING = (
    ("exempt", Mechanism.CN_UNDER_100K),
    ("contract", Mechanism.CN_CONTRACT),
    ("assessment", Mechanism.CN_ASSESSMENT),
)


def table(case: Case) -> Iterator[Volume]:
    """Every point: its duty by the Provisions, and the lightest mechanism with which the rules find no fault.

    Each is reached in one run and in four; persons of one run that are in the next as well count once.
    """
    for personal in PERSONAL:
        for runs in (1, RUNS):
            people = cumulated(_parts(personal, runs))
            for sensitive in SENSITIVE:
                counted = Cumulated(personal=people, sensitive=cumulated(_parts(sensitive, runs)))
                yield Volume(personal, sensitive, runs, duty(personal, sensitive), _found(case, counted))


def duty(personal: int, sensitive: int) -> str:
    """What so many persons without and with sensitive information ask for, of who is no CII operator."""
    if personal >= 1_000_000 or sensitive >= 10_000:
        return "assessment"
    return "contract" if personal >= 100_000 or sensitive > 0 else "exempt"


def cumulated(runs: Iterable[Tokens]) -> int:
    """How many different persons there are in all runs together."""
    everybody = np.sort(np.concatenate(list(runs)), kind="stable")
    return int(np.count_nonzero(np.diff(everybody))) + bool(everybody.size)


def _parts(count: int, runs: int) -> Sequence[Tokens]:
    """So many persons in runs that each take some of the run before along."""
    everybody = np.arange(count, dtype=np.int64)
    ends = np.linspace(0, count, runs + 1).astype(np.int64)
    return [everybody[max(0, start - (end - start) // 2) : end] for start, end in pairwise(ends)]


@cache
def _chinese() -> Catalogue:
    """The pack of China alone: no other has a say here."""
    whole = catalogue()
    return Catalogue(tuple(pack for pack in whole.packs if pack.pack == "cn"), whole.bases)


def _found(case: Case, counted: Cumulated) -> str:
    """The lightest mechanism in the grants for which neither volume nor mechanism fails."""
    for name, mechanism in _FULFILLING:
        papers = tuple(
            each.model_copy(update={"mechanism": mechanism}) if each.origin == "CN" else each
            for each in case.papers
        )
        judged = judge(case.model_copy(update={"abroad": {"CN": counted}, "papers": papers}), _chinese())
        verdicts = {judged.of(control) for control in ("CN-VOL", "CN-MECH")}
        if Verdict.FAIL not in verdicts and Verdict.UNKNOWN not in verdicts:
            return name
    return "none"
