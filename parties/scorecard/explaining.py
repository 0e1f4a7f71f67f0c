"""Why firms were declined, as their lender may tell them: reason codes, with the texts that it holds."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from federation.errors import UsageError
from federation.ids import RunId
from parties.home import PartyHome
from parties.round.shown import Shown
from parties.scorecard.exporting import shared_with
from parties.scorecard.results import reasons, scores


def explained(home: PartyHome, run: RunId, firms: Sequence[str], worst: int | None, language: str) -> Shown:
    """The reasons of the named `firms`, or of the `worst` ones, the lowest score first.

    A text stands beside the codes of this party's own columns and of those whose party shared its points; for
    others it asks the party that the code names. `UsageError` where neither is asked for, and where the round
    did not explain a named firm.
    """
    if not firms and worst is None:
        raise UsageError(
            "nobody is named",
            party=home.name(),
            field="--firm",
            advice="Name firms with --firm KEY, or ask for the lowest scores with --worst N.",
        )
    told = reasons(home, run).open_locally()
    opened = scores(home, run).open_locally()
    key = str(opened.columns[0])
    points = dict(zip(opened[key].astype(str), opened["score"], strict=True))
    by_firm = {str(firm): rows for firm, rows in told.groupby(key, sort=False)}
    chosen = _chosen(home, by_firm, points, firms, worst)
    texts = _shared_texts(home, run, language)
    found = [
        {
            "firm": firm,
            "score": float(points[firm]),
            "reasons": [_reason(row, language, texts) for _, row in by_firm[firm].iterrows()],
        }
        for firm in chosen
    ]
    facts: dict[str, object] = {"run": run, "language": language, "firms": found}
    facts |= {"explained": len(by_firm), "opened": len(points)}
    lines = [line for each in found for line in _lines(each)]
    if by_firm:
        facts["highest_declined"] = highest = float(max(points[firm] for firm in by_firm))
        lines.append(
            f"{len(by_firm)} of {len(points)} opened firms were declined, with {highest:g} points or less."
        )
    return Shown(facts, tuple(lines))


def _chosen(
    home: PartyHome,
    by_firm: dict[str, pd.DataFrame],
    points: dict[str, float],
    firms: Sequence[str],
    worst: int | None,
) -> list[str]:
    if absent := sum(firm not in points for firm in firms):
        raise UsageError(
            f"{absent} of the {len(firms)} named firms are not among the {len(points)} that were scored",
            party=home.name(),
            field="--firm",
            advice="Compare the keys letter by letter with those that `isthmus model score` writes.",
        )
    if approved := sum(firm not in by_firm for firm in firms):
        raise UsageError(
            f"{approved} of the {len(firms)} named firms were not declined, and so not explained: the round "
            f"gave reasons for the {len(by_firm)} test firms with the lowest scores",
            party=home.name(),
            field="--firm",
            advice="A higher scorecard.cutoff in the plan declines, and so explains, more of them.",
        )
    lowest = sorted(by_firm, key=lambda firm: points[firm])[: worst or 0]
    return list(dict.fromkeys([*firms, *lowest]))


def _shared_texts(home: PartyHome, run: RunId, language: str) -> dict[str, str]:
    """Code -> text, of the columns whose parties shared their points."""
    shared, _ = shared_with(home, run)
    return {each.code: each.reason[language] for each in shared if language in each.reason}


def _reason(row: pd.Series, language: str, texts: dict[str, str]) -> dict[str, object]:
    text = row[language] or texts.get(row["code"])
    return {"code": row["code"], "points_lost": float(row["points_lost"]), "text": text}


def _lines(found: dict[str, object]) -> list[str]:
    reasons_told: list[dict[str, object]] = found["reasons"]  # type: ignore[assignment]
    head = f"{found['firm']}  score {found['score']:g}"
    return [
        head,
        *(
            f"  -{each['points_lost']:g}  {each['code']}  {each['text'] or '(its text lies with its party)'}"
            for each in reasons_told
        ),
    ]
