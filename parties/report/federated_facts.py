"""The figures of a federated report for `--format json`: what the page shows, without any curve."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from parties.evaluation.discrimination import Evaluation
from parties.report.federated import FederatedReport, PartyResult
from parties.report.federated_words import cautions, headline
from parties.report.words import Traffic

#: Left out of a model's figures is the cut-off of KS: it is the score of one firm.
_FIGURES: Final = (
    *("auc", "auc_low", "auc_high"),
    *("ks", "ks_low", "ks_high"),
    *("gini", "gini_low", "gini_high"),
)


def facts(report: FederatedReport) -> dict[str, Any]:
    """The report as JSON values: figures of each party and of the round, sums of bytes, nothing of a row.

    Raises `UsageError` where a figure is not a finite number.
    """
    report.check()
    traffic = Traffic.of(report.sent)
    return {
        "run": asdict(report.run),
        "shape": report.shape,
        "strategy": report.strategy,
        "protection": report.protection,
        "privacy": report.privacy,
        "headline": headline(report),
        "cautions": list(cautions(report)),
        "parties": [_party(each) for each in report.parties],
        "joint": report.joint and asdict(report.joint),
        "rounds": [asdict(each) for each in report.rounds],
        "flags": list(report.flags),
        "learned": [asdict(each) for each in report.learned],
        "left": [asdict(each) for each in report.left],
        "sent": [asdict(each) for each in report.sent],
        "bytes_sent": {party: traffic.by_party(party) for party in traffic.parties},
        "seconds": [asdict(each) for each in report.steps],
        "cpu_seconds": [asdict(each) for each in report.cpu],
        "versions": {each.name: each.version for each in report.versions},
        "notes": list(report.notes),
    }


def _party(result: PartyResult) -> dict[str, Any]:
    return {
        "party": result.party,
        "training_rows": result.training_rows,
        "test_rows": result.test_rows,
        "test_bad": result.test_bad,
        "verdict": result.verdict,
        "local": _figures(result.local),
        "federated": _figures(result.federated),
        "pooled": _figures(result.pooled),
        "difference": result.difference and result.difference.as_dict(),
    }


def _figures(evaluation: Evaluation | None) -> dict[str, float] | None:
    return None if evaluation is None else {each: getattr(evaluation.figures, each) for each in _FIGURES}
