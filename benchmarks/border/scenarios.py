"""The scenarios of the compliance research (section 1.2), each a plan that can be run on made-up firms.

In each the papers are as complete as its parties would have them; where it is there to show a refusal, one
thing is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.border.papers import Setting
from benchmarks.border.scenes.china import S1, S2, S2B, S3, S3B, S9, S11
from benchmarks.border.scenes.elsewhere import S4, S5, S5B, S6, S7, S8, S10, S12, S12B
from federation.errors import UsageError

#: In the order of the research.
SETTINGS: dict[str, Setting] = {
    each.id: each
    for each in (
        S1,
        S2,
        S2B,
        S3,
        S3B,
        S4,
        S5,
        S5B,
        S6,
        S7,
        S8,
        S9,
        S10,
        S11,
        S12,
        S12B,
    )
}


def chosen(names: Sequence[str]) -> tuple[Setting, ...]:
    """The scenarios of these names, all of them where none is named; `UsageError` for one that is none."""
    known = {name.lower(): setting for name, setting in SETTINGS.items()}
    unknown = [name for name in names if name.lower() not in known]
    if unknown:
        raise UsageError(
            f"there is no scenario {unknown[0]!r}",
            field="SCENARIO",
            advice=f"Name one of these: {', '.join(SETTINGS)}.",
        )
    wanted = {name.lower() for name in names} or {*known}
    return tuple(setting for name, setting in known.items() if name in wanted)
