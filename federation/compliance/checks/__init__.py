"""What a control can ask of a case. Each check is a function; a rule pack names it and gives it parameters.

Beside its parameters a check is given `control`, the id of the rule, and `places`, its pack's jurisdictions.
It returns one answer, or one for each border or party that it is about, and looks at the case alone: no
clock, no file, no network. A check that cannot know says `UNKNOWN`; it never guesses a pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from federation.compliance.facts import Case
from federation.compliance.verdicts import Answer

Check = Callable[[Case, Mapping[str, Any]], Sequence[Answer]]

#: Name in a rule pack -> the function.
CHECKS: dict[str, Check] = {}
#: Name of a check -> the parameters that it reads, where it says so: a pack with another one is refused.
READS: dict[str, frozenset[str]] = {}


def check(name: str, reads: Iterable[str] | None = None) -> Callable[[Check], Check]:
    """Make a function the check of that name. `reads`: its parameters, beside `control` and `places`.

    A misspelt parameter would else be passed over in silence, and the rule be laxer than its pack says.
    """

    def register(function: Check) -> Check:
        if name in CHECKS:
            raise ValueError(f"there are two checks called {name!r}")
        CHECKS[name] = function
        if reads is not None:
            READS[name] = frozenset(reads) | {"places"}
        return function

    return register
