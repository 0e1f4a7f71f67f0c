"""Cases for tests: a base of the rule packs with some facts set otherwise, and one control's answer to it."""

from __future__ import annotations

from typing import Any

from federation.compliance.catalogue import Example, catalogue
from federation.compliance.facts import Case
from federation.compliance.judging import judge
from federation.compliance.verdicts import Ruling, Verdict


def case(base: str = "reference", /, **facts: Any) -> Case:
    """The base with facts set otherwise; `a__b` stands for the path `a.b`."""
    paths = {path.replace("__", "."): value for path, value in facts.items()}
    return catalogue().case(Example(base=base, set=paths, verdict=Verdict.PASS))


def rulings(control: str, asked: Case) -> tuple[Ruling, ...]:
    """What the shipped rules say of one control."""
    return tuple(each for each in judge(asked).rulings["R1"] if each.control == control)


def verdict(control: str, asked: Case) -> str:
    """The worst of it, as reports have it."""
    return judge(asked).of(control).value


def judged(asked: Case, control: str) -> Verdict:
    """The worst of it under R1."""
    return judge(asked).of(control)
