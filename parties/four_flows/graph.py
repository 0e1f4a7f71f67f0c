"""The supply chain: who supplies whom, and how a shock at the top reaches the bottom.

Firms attach to core enterprises by a power law (popularity falls with rank^-0.9), in three tiers: the
first supplies the core, the next supplies a firm of the tier above it, again by a power law. A shock
is passed on with correlation 0.7 at each step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parties.four_flows.streams import Floats, Integers

_FIRMS_PER_CORE = 150
_POPULARITY = 0.9
_TIER_SHARES = (0.4, 0.35, 0.25)
_PASSED_ON = 0.7
#: Rank = count * u^2.5 has density proportional to rank^-0.6: few firms gather most suppliers.
_ATTACHMENT = 2.5


@dataclass(frozen=True, slots=True)
class Chain:
    """One value for each firm; every array has shape (firms,)."""

    core: Integers  # Which core enterprise the firm's chain ends at; 0 is the most popular.
    tier: Integers  # 1 supplies the core itself.
    parent: Integers  # The firm it supplies, as a place in the same arrays; -1 is the core itself.
    shock: Floats  # Standard normal.


def chain(count: int, random: np.random.Generator) -> Chain:
    """Attach `count` firms and pass the cores' shocks down to them."""
    cores = max(8, count // _FIRMS_PER_CORE)
    popularity = 1.0 / np.arange(1, cores + 1) ** _POPULARITY
    core = random.choice(cores, count, p=popularity / popularity.sum())
    tier = 1 + random.choice(len(_TIER_SHARES), count, p=_TIER_SHARES)
    luck = random.random(count)
    parent = np.full(count, -1, dtype=np.int64)
    for level in (2, 3):
        _attach(level, core, tier, parent, luck, cores)
    own = random.standard_normal(count)
    core_shock = random.standard_normal(cores)
    shock = _pass_on(core_shock[core], own)
    for level in (2, 3):
        here = tier == level
        shock[here] = _pass_on(shock[parent[here]], own[here])
    return Chain(core, tier, parent, shock)


def _attach(level: int, core: Integers, tier: Integers, parent: Integers, luck: Floats, cores: int) -> None:
    """Give each firm of `level` a parent one tier up in the same chain; without one it moves to tier 1."""
    above = np.flatnonzero(tier == level - 1)
    above = above[np.argsort(core[above], kind="stable")]
    counts = np.bincount(core[above], minlength=cores)
    starts = np.cumsum(counts) - counts
    here = np.flatnonzero(tier == level)
    candidates = counts[core[here]]
    tier[here[candidates == 0]] = 1
    here = here[candidates > 0]
    rank = (counts[core[here]] * luck[here] ** _ATTACHMENT).astype(np.int64)
    parent[here] = above[starts[core[here]] + rank]


def _pass_on(above: Floats, own: Floats) -> Floats:
    passed: Floats = _PASSED_ON * above + np.sqrt(1.0 - _PASSED_ON**2) * own
    return passed
