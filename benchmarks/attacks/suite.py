"""All attacks, one after the other; and what of them a compliance case takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from threadpoolctl import threadpool_limits

from benchmarks.attacks import (
    credit,
    keys,
    labels,
    matching,
    membership,
    poisoning,
    reconstruction,
    scores,
    sums,
)
from benchmarks.attacks.figures import Found
from benchmarks.attacks.setting import FULL, Setting, Size
from benchmarks.progress import Say, silent
from federation.compliance.facts import Attack
from federation.errors import UsageError

#: Name, as `isthmus bench attacks` takes it -> the attack.
ATTACKS: dict[str, Callable[[Setting], Iterator[Found]]] = {
    "labels": labels.attack,
    "credit": credit.attack,
    "reconstruction": reconstruction.attack,
    "membership": membership.attack,
    "scores": scores.attack,
    "sums": sums.attack,
    "matching": matching.attack,
    "poisoning": poisoning.attack,
    "keys": keys.attack,
}


def run(
    names: Sequence[str] = (),
    size: Size = FULL,
    *,
    seed: int = 0,
    weakened: bool = False,
    say: Say = silent,
) -> list[Found]:
    """The named attacks, all by default, in the order of `ATTACKS`. The same figures for the same seed.

    `weakened`: against the textbook's protocol in the place of the product's.
    """
    unknown = sorted({*names} - {*ATTACKS})
    if unknown:
        raise UsageError(
            f"there is no attack {', '.join(unknown)}", advice=f"Name some of: {', '.join(ATTACKS)}."
        )
    setting = Setting(size, seed, weakened=weakened, say=say)
    found: list[Found] = []
    with threadpool_limits(limits=1):
        for name, attack in ATTACKS.items():
            if not names or name in names:
                found += attack(setting)
    return found


def for_controls(results: Iterable[Found]) -> dict[str, dict[str, Attack]]:
    """Control id -> attack and view -> figures, as `federation.compliance.facts.Case.attacks` has them.

    In all of them less is better for who is attacked; of T-POISON the value is the share that went unnoticed.
    Raises ValueError for results of the textbook's protocol: they are about no run of anybody.
    """
    taken: dict[str, dict[str, Attack]] = {}
    for each in results:
        if each.weakened:
            raise ValueError("attacks on a weakened protocol are no evidence about a run")
        taken.setdefault(each.control, {})[f"{each.name}; {each.view}"] = Attack(
            view=each.view,
            unit=each.unit,
            value=round(each.found.value, 4),
            upper=round(each.found.upper, 4),
            baseline=round(each.baseline, 4),
            n=each.found.n,
            seed=each.seed,
            positive=each.positive.ok,
            negative=each.negative.ok,
        )
    return taken
