"""The sentences of a federated report: whom federation helps, whom it hurts, where nothing is shown."""

from __future__ import annotations

from collections.abc import Sequence

from parties.report.federated import FederatedReport, PartyResult
from parties.report.words import FEW_DEFAULTS, count, edge, score

#: Each interval misses the truth once in twenty times, so with this many one may well stand out by chance.
_MANY_PARTIES = 3


def headline(report: FederatedReport) -> str:
    """What the round was worth to each party, every one named, as far as its 95 % interval shows it."""
    return " ".join(sentences(report))


def sentences(report: FederatedReport) -> tuple[str, ...]:
    """The headline, a sentence to a group: who gains, who is undecided, who loses, who is not judged."""
    found = [_gains(report), _undecided(report), _losses(report), _unjudged(report)]
    return tuple(each for each in found if each)


def _gains(report: FederatedReport) -> str:
    helped = report.judged("helps")
    if helped:
        told = _listed([f"{each.party} (AUC higher by {_width(each)})" for each in helped])
        return f"Federation helps {told}."
    if len(report.judged("too few test rows")) == len(report.parties):
        return "Whether federation helps cannot be judged."
    return "Federation is not shown to help any party."


def _undecided(report: FederatedReport) -> str:
    undecided = report.judged("no evident difference")
    return f"No evident difference for {_names(undecided)}." if undecided else ""


def _losses(report: FederatedReport) -> str:
    hurt = report.judged("hurts")
    if not hurt:
        return ""
    told = _listed([f"{each.party} (AUC lower by {_width(each)})" for each in hurt])
    them, models = ("it", "its local model") if len(hurt) == 1 else ("them", "their local models")
    leave = f"let {them} leave the federation and keep {models}"
    if report.shape == "horizontal" and "personalised" not in report.strategy:
        untried = '"personalised"' if report.strategy == "scaffold" else '"scaffold" or "personalised"'
        return f"Federation hurts {told}: try strategy = {untried}, or {leave}."
    return f"Federation hurts {told}: {leave}."


def _unjudged(report: FederatedReport) -> str:
    few = report.judged("too few test rows")
    return f"Too few test rows, or one outcome only, to judge {_names(few)}." if few else ""


def _names(parties: Sequence[PartyResult]) -> str:
    return _listed([each.party for each in parties])


def _width(result: PartyResult) -> str:
    """The interval of a difference whose ends have one sign, the end nearer to zero first."""
    if result.difference is None:
        return ""
    low, high = sorted((abs(result.difference.low), abs(result.difference.high)))
    return f"{edge(low).lstrip('+')} to {edge(high).lstrip('+')}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def cautions(report: FederatedReport) -> tuple[str, ...]:
    """What a reader must know before trusting the figures: flags of the run first, then of the rows."""
    told = [f"Flagged during the run: {each}" for each in report.flags]
    if report.run.generated:
        told.append(
            "This is a demonstration on generated data. No figure here says anything about real firms."
        )
    told += [text for each in report.parties for text in _doubts(each)]
    judged = [each for each in report.parties if each.difference is not None]
    if len(judged) >= _MANY_PARTIES:
        told.append(
            f"{len(judged)} parties are judged at once, each by its own interval: about one such interval in "
            "twenty excludes zero where federation changes nothing."
        )
    return tuple(told)


def _doubts(result: PartyResult) -> list[str]:
    """Why this party's own figures are to be read with care."""
    if result.difference is None or result.federated is None:
        return []
    told = []
    few = min(result.difference.bad, result.difference.n - result.difference.bad)
    if few < FEW_DEFAULTS:
        outcome = "defaulted" if few == result.difference.bad else "did not default"
        told.append(f"{result.party}: only {count(few)} of the test rows {outcome}: its intervals are rough.")
    if result.difference.low == result.difference.high != 0:
        told.append(f"{result.party}: the interval has no width, so it says nothing about other rows.")
    if result.federated.figures.auc < 0.5:
        told.append(f"{result.party}: the federated score ranks its firms backwards (AUC below 0.5).")
    return told


def compared(report: FederatedReport) -> str:
    """What the compared models are, in this shape of round."""
    alone = (
        "the model that the party's consortium fits without the other consortia"
        if report.shape == "hybrid"
        else "a model of the same kind that the party trains on its own rows alone"
    )
    text = f"Local is {alone}; federated is the model of this round. Both are tested on the party's own rows."
    if any(each.pooled is not None for each in report.parties):
        text += (
            " Pooled is a model of everybody's rows in one place: what nobody may build with real data. It "
            "shows what federation costs in accuracy."
        )
    return text


def together(report: FederatedReport) -> str:
    """What the figure over all test rows means, and what it does not; empty where there is none."""
    joint = report.joint
    if joint is None:
        return ""
    return (
        f"Over the test rows of all parties together ({count(joint.rows)}, of which {count(joint.bad)} "
        f"defaulted) the federated model has an AUC of {score(joint.federated_auc)}. It comes from a "
        "securely summed histogram: scores of one bin count as equal, and there is no interval. Firms of "
        "different parties are compared with each other too, so it is neither an average of the figures "
        "above nor any party's gain."
    )


def course(report: FederatedReport) -> str:
    """How the loss went, in a sentence; empty where none was told."""
    losses = report.losses()
    if not losses:
        return ""
    (best, lowest), (last, final) = min(losses, key=lambda each: each[1]), losses[-1]
    end = "the last" if best == last else f"then {final:.4f} in the last, round {last}"
    return (
        f"Mean log loss on the {report.loss_rows} rows of all parties before each round; smaller is better. "
        f"Lowest: {lowest:.4f} in round {best}, {end}."
    )
