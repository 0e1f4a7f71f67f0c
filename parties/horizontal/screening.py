"""What a member can notice of bad updates in what it may see; for its own people, and never sent.

Of groups (`robust.groups` of three or more) three things are seen in a round:

    long     the L2 norm of its mean is more than 1.4 times the median of all groups' norms
    away     its cosine with the median of the others is below -0.2, and they agree: their mean cosine with
             each other is above 0.3
    worse    taken alone, it raises the loss on this member's own rows by more than 2 % and by three times as
             much as any other group's changes it

Such a group is flagged in that round if its mean is also at least 0.3 of what all moved by in the first one:
once the model has settled, honest means are small and point anywhere. Nothing is said of two groups: neither
of them is the odd one.

Of one group, a member sees its own change and the mean of the others', which is the total less its own. In a
round in which the others still move, by 0.3 of the first round, its own is flagged if the cosine of the two
is below -0.2: so an owner finds that its outcomes are the wrong way round.

A sentence names who was flagged in half of the rounds that were looked at, and twice at least. With
privacy.unit = "party" nothing is looked at: every change has noise that is longer than itself. What these
rules find, and what they do not, docs/security.md has in figures (`isthmus bench robustness`).

What each role learns: nothing. All of this is computed from what the member holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from crypto.private import Private
from federation import files
from federation.ids import PartyId
from federation.secure_sum.interface import Floats
from parties.horizontal.combining import Combined, Groups

_LONG, _AWAY, _AGREE, _WORSE, _TIMES = 1.4, -0.2, 0.3, 0.02, 3.0
#: The least norm of a group's mean, or of the others', in units of what all moved by in the first round.
_MOVING = 0.3
#: Who is flagged in this share of the rounds that were looked at, and so many times, is named.
_SHARE, _TWICE = 0.5, 2

_SAID = {
    "long": "its mean was far longer than the other groups'",
    "away": "its mean pointed away from theirs",
    "worse": "its mean alone made the model worse on this party's rows",
}
_ADVICE = "Delete that file; rounds before now are then not screened."


def judge_groups(means: Floats, first: float, losses: Floats | None) -> list[tuple[str, ...]]:
    """What stands out in each of the g groups, from their means (g, n): nothing, or words of `_SAID`.

    `first` is the norm of what all moved by in the first round. `losses` (1 + g,) are of this member's own
    rows: under the vector as it was, then with each group's mean alone added; None where it has no rows.
    """
    norms = np.linalg.norm(means, axis=1)
    return [
        _judge_group(place, means, norms, losses) if norms[place] >= _MOVING * first else ()
        for place in range(len(means))
    ]


def _judge_group(place: int, means: Floats, norms: Floats, losses: Floats | None) -> tuple[str, ...]:
    others = np.delete(means, place, axis=0)
    found = []
    if norms[place] > _LONG * np.median(norms):
        found.append("long")
    if _cosine(means[place], np.median(others, axis=0)) < _AWAY and _agreement(others) > _AGREE:
        found.append("away")
    if losses is not None:
        rises = losses[1:] - losses[0]
        if rises[place] > max(_WORSE * losses[0], _TIMES * np.abs(np.delete(rises, place)).max()):
            found.append("worse")
    return tuple(found)


def judge_own(own: Floats, others: Floats, first: float) -> bool | None:
    """Whether this member's change (n,) points away from the mean (n,) of the others'; None: they rest."""
    if np.linalg.norm(others) < _MOVING * first:
        return None
    return _cosine(own, others) < _AWAY


def stands_out(flagged: int, looked: int) -> bool:
    """Whether so many flagged rounds, of those that were looked at, are enough to name somebody."""
    return flagged >= max(_TWICE, _SHARE * looked)


def _agreement(means: Floats) -> float:
    """The mean cosine of each two of `means` (k, n), k at least 2."""
    pairs = [_cosine(one, other) for at, one in enumerate(means) for other in means[:at]]
    return float(np.mean(pairs))


def _cosine(one: Floats, other: Floats) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Of one round: members that were looked at together -> what stood out, often nothing."""

    findings: Mapping[tuple[PartyId, ...], tuple[str, ...]]


class Screen:
    """What one member has seen in the rounds of a run so far, kept in `path` (mode 0600) between attempts."""

    def __init__(self, path: Path, me: PartyId, groups: Groups, share: float) -> None:
        """`share`: what this member's change weighs in the mean of all, where there is one group."""
        self._path, self._me, self._groups, self._share = path, me, groups, share
        self._rounds = _load(path)

    def look(
        self,
        number: int,
        combined: Combined,
        own: Private[Floats],
        first: float,
        loss_after: Callable[[Floats], float | None],
    ) -> None:
        """Judge round `number`. `own` (n,) is this member's change as it was summed, `first` the norm of what
        all moved by in the first round; `loss_after` gives the loss on its rows after a change (n,)."""
        if len(self._groups) == 1:
            findings = self._own(combined.change, own.open_locally(), first)
        elif len(self._groups) > 2:
            findings = self._of_groups(combined.means, first, loss_after)
        else:
            findings = {}
        self._rounds[number] = Seen(findings)
        files.write_private(self._path, files.canonical_json(self.facts()))

    def facts(self) -> dict[str, list[list[object]]]:
        """By round: who was looked at together, and what stood out."""
        return {
            str(number): [[list(members), list(found)] for members, found in seen.findings.items()]
            for number, seen in sorted(self._rounds.items())
        }

    def flags(self) -> list[str]:
        """Sentences for this party's people, on who stood out: see `stands_out`."""
        looked: dict[tuple[PartyId, ...], dict[int, tuple[str, ...]]] = {}
        for number, seen in sorted(self._rounds.items()):
            for members, found in seen.findings.items():
                looked.setdefault(members, {})[number] = found
        return [
            _sentence(members, found)
            for members, found in looked.items()
            if stands_out(sum(map(bool, found.values())), len(found))
        ]

    def _own(self, mean: Floats, own: Floats, first: float) -> dict[tuple[PartyId, ...], tuple[str, ...]]:
        others = (mean - self._share * own) / (1 - self._share) if self._share < 1 else np.zeros_like(mean)
        away = judge_own(own, others, first)
        return {} if away is None else {(self._me,): ("own",) if away else ()}

    def _of_groups(
        self, means: Floats, first: float, loss_after: Callable[[Floats], float | None]
    ) -> dict[tuple[PartyId, ...], tuple[str, ...]]:
        losses = [loss_after(change) for change in (np.zeros_like(means[0]), *means)]
        known = [loss for loss in losses if loss is not None]
        judged = judge_groups(means, first, np.array(known) if len(known) == len(losses) else None)
        return dict(zip(self._groups, judged, strict=True))


def _sentence(members: tuple[PartyId, ...], found: Mapping[int, tuple[str, ...]]) -> str:
    flagged = [number for number, words in found.items() if words]
    of = f"{len(flagged)} of the {len(found)} rounds that were looked at"
    if any("own" in words for words in found.values()):
        return (
            f"In {of} ({_numbers(flagged)}) this party's own update pointed away from the others': "
            "check its outcomes and the units of its columns."
        )
    reasons = [
        f"{said} (round {_numbers([number for number, words in found.items() if word in words])})"
        for word, said in _SAID.items()
        if any(word in words for words in found.values())
    ]
    return (
        f"The group of {', '.join(members[:-1])} and {members[-1]} stood out in {of}: {'; '.join(reasons)}. "
        "Ask its members to check their outcomes and data; one of them may differ from all others, or cheat."
    )


def _numbers(rounds: list[int]) -> str:
    return ", ".join(map(str, rounds))


def _load(path: Path) -> dict[int, Seen]:
    if not path.exists():
        return {}
    return {
        int(number): Seen({tuple(map(PartyId, members)): tuple(found) for members, found in findings})
        for number, findings in files.read_json(path, _ADVICE).items()
    }
