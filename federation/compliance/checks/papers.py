"""Whether the paper that makes a way lawful is there, in force, and shown by a document."""

from __future__ import annotations

import datetime as dt

from federation.compliance.facts import Border, Case, Paper
from federation.compliance.verdicts import Told


def of_way(case: Case, border: Border, owner: str) -> tuple[Paper, ...]:
    """The owner's papers for the way."""
    return tuple(
        paper
        for paper in case.papers
        if (paper.owner, paper.origin, paper.destination) == (owner, border.origin, border.destination)
    )


def out_of_force(paper: Paper, date: dt.date) -> Told | None:
    """Why the paper does not hold on a day; None where it does."""
    if paper.begins is not None and paper.begins > date:
        return Told(f"begins on {paper.begins} only", f"{paper.begins} 才生效")
    if paper.valid_until is not None and paper.valid_until < date:
        return Told(f"ended on {paper.valid_until}", f"已于 {paper.valid_until} 到期")
    return None


def years_on(date: dt.date, years: int) -> dt.date:
    """The same day some years on; 1 March where there is no 29 February."""
    try:
        return date.replace(year=date.year + years)
    except ValueError:
        return dt.date(date.year + years, 3, 1)
