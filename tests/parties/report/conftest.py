"""A report of a made-up round, for every test of the page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from parties.evaluation.calibration import calibration
from parties.evaluation.delong import paired_difference
from parties.evaluation.discrimination import evaluate
from parties.evaluation.inputs import smallest
from parties.evaluation.ks import ks_curve
from parties.report.credit import credit
from parties.report.data import (
    Alignment,
    Coefficient,
    CpuTime,
    Gain,
    HeldColumns,
    Learned,
    LeftOrganisation,
    PointsBin,
    PointsColumn,
    Reason,
    ReportData,
    RowCount,
    Run,
    Sent,
    SmallestFirms,
    Step,
    Version,
)
from parties.report.write import render

_SENT = (
    ("bank-a", "psi.blinded", 4, 1_310_720),
    ("bank-a", "glm.residual", 240, 31_457_280),
    ("bank-a", "glm.gradient-masked", 240, 9_830_400),
    ("platform-b", "psi.blinded", 4, 2_621_440),
    ("platform-b", "glm.partial-score", 240, 62_914_560),
    ("platform-b", "glm.gradient-masked", 240, 15_728_640),
    ("registry-c", "psi.blinded", 4, 2_097_152),
    ("registry-c", "glm.partial-score", 240, 58_720_256),
    ("registry-c", "glm.gradient-masked", 240, 12_582_912),
    ("aggregator", "glm.sum", 480, 41_943_040),
    ("aggregator", "session.open", 3, 1_536),
)


def build(*, gain: float = 0.8, demo: bool = True, seed: int = 7) -> ReportData:
    """A round on 1,500 made-up firms; `gain` is how much the partners' columns say about default."""
    rng = np.random.default_rng(seed)
    own, theirs, size = rng.normal(size=(3, 1500))
    logit = -2.0 + 0.8 * own + gain * theirs
    label = (rng.random(1500) < 1 / (1 + np.exp(-logit))).astype(int)
    bank, fused = -2.0 + 0.8 * own, logit + 0.1 * rng.normal(size=1500)
    small = smallest(size)
    return ReportData(
        run=Run(
            run_id="7f3a9c52e1",
            plan_hash="9c1185a5c5e9fc54612808977ee8f548b2258d31",
            model="Vertical logistic regression, encrypted with BFV",
            label_party="bank-a",
            rows_evaluated="a hold-out of 30 % of the aligned firms, drawn before training",
            finished="2026-03-02 14:05 UTC",
            generated=demo,
        ),
        bank=evaluate(label, bank, rng, draws=200),
        fused=evaluate(label, fused, rng, draws=200),
        pooled=evaluate(label, logit, rng, draws=200) if demo else None,
        difference=paired_difference(label, fused, bank),
        ks_curve=ks_curve(label, fused),
        smallest=SmallestFirms(
            "The quarter of the firms with the lowest turnover",
            evaluate(label, bank, rng, where=small, draws=200),
            evaluate(label, fused, rng, where=small, draws=200),
            paired_difference(label, fused, bank, where=small),
        ),
        calibration=calibration(label, 1 / (1 + np.exp(-fused))),
        coefficients=(
            Coefficient("debt_to_assets", 0.61),
            Coefficient("days_past_due_12m", 0.48),
            Coefficient("years_with_bank", -0.33),
            Coefficient("utilisation", 0.27),
            Coefficient("turnover_growth", -0.19),
            Coefficient("guarantees", 0.04),
        ),
        columns=(HeldColumns("bank-a", 6), HeldColumns("platform-b", 14), HeldColumns("registry-c", 9)),
        alignment=Alignment(
            (
                RowCount("bank-a", 8192, True),
                RowCount("platform-b", 16384, False),
                RowCount("registry-c", 32768, False),
            ),
            5000,
            True,
        ),
        learned=(
            Learned(
                "bank-a",
                ("which of its own firms the others also know", "the fused score of each of them"),
                ("any column, weight or column name of another party",),
            ),
            Learned(
                "platform-b and registry-c",
                ("which of their own firms the others also know", "the weights of their own columns"),
                ("who defaulted", "any score"),
            ),
            Learned(
                "aggregator",
                ("who took part, when, and how many bytes passed",),
                ("any row, label, score, weight or identifier",),
            ),
        ),
        left=(
            LeftOrganisation("bank-a", "blinded identifiers and encrypted residuals. No label, no column."),
            LeftOrganisation("platform-b", "blinded identifiers and encrypted partial scores. No column."),
            LeftOrganisation("registry-c", "blinded identifiers and encrypted partial scores. No column."),
        ),
        sent=tuple(Sent(*each) for each in _SENT),
        steps=(
            Step("join and agree keys", 0.84),
            Step("align rows (PSI)", 6.2),
            Step("bin columns", 0.4),
            Step("train", 128.7),
            Step("evaluate", 2.9),
        ),
        cpu=(
            CpuTime("bank-a", 96.1),
            CpuTime("platform-b", 121.4),
            CpuTime("registry-c", 118.0),
            CpuTime("aggregator", 14.2),
        ),
        versions=(Version("isthmus", "0.1.0"), Version("flwr", "1.41.0"), Version("Python", "3.11.13")),
    )


@pytest.fixture(scope="session")
def report() -> ReportData:
    return build()


@pytest.fixture(scope="session")
def credit_pages(report: ReportData) -> dict[str, str]:
    """Kind of model -> its page."""
    return {kind: render(credit_report(report, kind)) for kind in ("scorecard", "boosting")}


def credit_report(report: ReportData, kind: str) -> ReportData:
    """The same round of a scorecard or of boosted trees: long names, many bins, a committee's tables."""
    rng = np.random.default_rng(11)
    fused, bank = rng.normal(-1.5, 1.2, size=(2, 900))
    outcomes = (rng.random(900) < 1 / (1 + np.exp(-fused))).astype(np.int8)
    if kind == "boosting":
        gains = tuple(Gain(f"a_column_with_quite_a_long_name_{at}", 90.0 / (at + 1)) for at in range(25))
        parties = (Gain("bank-a", 340.2), Gain("platform-b", 120.0))
        asked = credit(outcomes, fused, bank)
        return replace(report, coefficients=(), credit=asked, gains=gains, party_gains=parties)
    columns = tuple(
        PointsColumn(
            f"a_column_with_quite_a_long_name_{at}",
            f"R-bank-a-{at + 1}",
            0.3 / (at + 1),
            "medium",
            -0.7,
            tuple(
                PointsBin(
                    f"[1e{low}, 1e{low + 1})", 300 - low, None if at == 2 else 20, 0.3 - low / 5, 9.5 - low
                )
                for low in range(8)
            ),
        )
        for at in range(9)
    )
    reasons = (
        Reason("R-bank-a-1", 21.0, "Utilisation is above the best value"),
        Reason("R-platform-b-4", 9.5, None),
    )
    asked = credit(outcomes, fused, bank, lambda logits: np.rint(600 - 29 * logits))
    return replace(report, coefficients=(), credit=asked, points=columns, base_points=561.0, reasons=reasons)
