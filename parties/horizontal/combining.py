"""How the members' changes of one round become one: the mean of all, or the median of the means of groups.

With `robust.groups` = g above 1:

    1. The members are parted into g groups whose sizes differ by one at most.
    2. A protected sum over each group gives its members the mean of their changes: weighed by training rows
       without noise, each member alike with noise, as over all members where there is one group.
    3. Every member tells those of the other groups a digest of its group's mean, and the first member of a
       group tells the mean itself. A member goes on only if a whole group told the same.
    4. All take the median of the g means, coordinate by coordinate, each group alike (Yin et al.,
       "Byzantine-robust distributed learning", ICML 2018; of means, since no single change is seen).

As long as fewer than half of the groups hold a bad party, each coordinate of the median lies between those of
groups that hold none. Two groups have no median but their mean: three are the fewest that help.

The groups are the same in every round of an attempt, and at every member: they follow from the plan's digest
and the members' names. Groups that changed from round to round would give sums over different sets of
members, from which single changes could be solved for. A member that is lost moves one member at each border
between two groups, in the next attempt; a round that others may know already is not made again then (`kept`).

What each role learns, besides what a sum tells (`federation.secure_sum.member`):
    member of a group          the mean of its group, in each round, and so less is added up over its change:
                               the others of its group together have it, of a group of three two members do
    member of another group    that mean too
    aggregator                 who is in which group, and nothing about a value
The coordinator writes the plan whose digest parts the groups, so it can try plans until two members of its
choice sit with a third. Where members might work together so, plan larger groups.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crypto.private import Private
from crypto.sealed import DisclosedNumbers
from federation.errors import MessageRefused
from federation.ids import PartyId
from federation.message import Digest
from federation.messages.horizontal import GroupMean
from federation.plan import Plan
from federation.secure_sum.interface import Floats, Sums
from federation.secure_sum.member import SecureSum
from federation.session import Session

#: The members of each group, in the order of the plan.
Groups = tuple[tuple[PartyId, ...], ...]
#: Label and own group's mean (n,) -> the means of all groups (g, n), equal at all members.
Tell = Callable[[str, Floats], Floats]


@dataclass(frozen=True, slots=True)
class Combined:
    """`change` (n,) is what all members step by, `means` (g, n) are the groups' means, in order."""

    change: Floats
    means: Floats


class Combining:
    """One member's seat: `everybody` are the sums over all members, `own` those over its group."""

    def __init__(self, plan: Plan, everybody: Sums, own: Sums, groups: Groups, tell: Tell) -> None:
        self.everybody = everybody
        self.own = own
        self.groups = groups
        self._privacy, self._clip = plan.privacy, plan.sum.clip
        self._tell = tell

    @staticmethod
    def over_all(plan: Plan, sums: Sums) -> Combining:
        """Where all members are one group."""
        return Combining(plan, sums, sums, (sums.members,), lambda label, mean: mean[None])

    def combine(
        self, label: str, change: Private[Floats], weight: float, shares: Private[Floats] | None = None
    ) -> Combined:
        """The change (n,) of all members from each one's own, which it has cut to L2 norm `sum.clip`.

        `weight`: this member's share of all training rows, at most 1; with noise by party nobody's counts.
        `shares` (n,): what each value weighs instead (`shares`).
        """
        means = self._tell(label, self._group_mean(label, change, weight, shares))
        return Combined(means[0] if len(means) == 1 else np.median(means, axis=0), means)

    def _group_mean(
        self, label: str, change: Private[Floats], weight: float, shares: Private[Floats] | None
    ) -> Floats:
        if self._privacy.unit != "party":
            return self.own.mean(label, change, self._clip, weight, shares)
        total = self.own.noisy_total(label, change, self._clip, self._privacy.noise_multiplier)
        mean: Floats = total / len(self.own.members)
        return mean


def groups_of(plan: Plan, members: Sequence[PartyId]) -> Groups:
    """The groups of `robust.groups`, as every member finds them; members stay in their order in each."""

    def rank(member: PartyId) -> bytes:
        return hashlib.sha256(b"isthmus groups 1|" + plan.digest + member.encode()).digest()

    parts: list[npt.NDArray[np.int64]] = np.array_split(
        np.array(sorted(range(len(members)), key=lambda at: rank(members[at]))), plan.robust.groups
    )
    return tuple(tuple(members[at] for at in sorted(part)) for part in parts)


def join_group(
    plan: Plan,
    session: Session,
    everybody: SecureSum,
    open_sums: Callable[[tuple[PartyId, ...]], SecureSum],
) -> tuple[Combining, SecureSum]:
    """This member's seat, and the sums of its group; `open_sums` gives those over some of the members.

    Raises `PlanRefused` where a group is so small that a sum over it would tell a member's own change.
    """
    if plan.robust.groups == 1:
        return Combining.over_all(plan, everybody), everybody
    groups = groups_of(plan, everybody.members)
    own = open_sums(next(group for group in groups if session.me in group))

    def tell(label: str, mean: Floats) -> Floats:
        return exchange_means(session, groups, label, mean)

    return Combining(plan, everybody, own, groups, tell), own


def exchange_means(session: Session, groups: Groups, label: str, mean: Floats) -> Floats:
    """The means (g, n) of all groups, from this member's own group's (n,).

    Raises `MessageRefused` naming a member that told another mean than the first one of its group.
    """
    tag, others = _tag(label), [member for group in groups if session.me not in group for member in group]
    first = any(session.me == group[0] for group in groups)
    told = GroupMean(tag, _seen(mean), DisclosedNumbers.of(mean.tolist()) if first else None)
    session.send_all(others, told)
    heard = session.gather(others, GroupMean)
    return np.stack(
        [mean if session.me in group else _agreed(group, heard, tag, len(mean)) for group in groups]
    )


def _agreed(group: tuple[PartyId, ...], heard: dict[PartyId, GroupMean], tag: Digest, size: int) -> Floats:
    """The mean (size,) of another group, if all of the group told it."""
    first = heard[group[0]]
    if first.mean is None or len(first.mean.values) != size:
        raise MessageRefused("GroupMean: not the mean of a change of this model", party=group[0])
    mean = np.array(first.mean.values)
    seen = _seen(mean)
    for member in group:
        if heard[member].label != tag or heard[member].seen != seen:
            raise MessageRefused(
                f"GroupMean: {member} told another mean than {group[0]} of its group did",
                party=member,
                advice="Launch the round again; if it happens again, one of the two misbehaves.",
            )
    return mean


def _seen(mean: Floats) -> Digest:
    return Digest(hashlib.sha256(mean.astype("<f8").tobytes()).digest())


def _tag(label: str) -> Digest:
    return Digest(hashlib.sha256(label.encode()).digest())
