"""What a committee is shown of a score: figures of outcomes, and a sentence where rows do not give one."""

from __future__ import annotations

import numpy as np
import pytest

from federation.plan import Plan
from parties.report.credit import credit
from parties.report.learned import learned

RNG = np.random.default_rng(3)
FUSED, BANK = RNG.normal(-1.0, 1.0, size=(2, 600))
OUTCOMES = (RNG.random(600) < 1 / (1 + np.exp(-FUSED))).astype(np.int8)


def test_shares_and_counts_are_those_of_the_outcomes() -> None:
    found = credit(OUTCOMES, FUSED, BANK, lambda logits: 600 - 30 * logits)
    assert sum(found.distribution.good) + sum(found.distribution.bad) == 600
    assert found.grades[-1].firms == 600 and found.grades[-1].defaults == OUTCOMES.sum()
    last = found.cutoffs[-1]
    assert (last.approval_rate, last.bad_rate) == (1.0, OUTCOMES.mean())
    for swap in found.swaps:
        assert swap.swapped_in.rows == swap.swapped_out.rows
        assert swap.both.rows + swap.swapped_in.rows == round(swap.approval_rate * 600)
    assert found.absent == () and found.unit == "points"
    assert found.line is not None and found.line.slope_low < 1 < found.line.slope_high


def test_cut_offs_of_a_score_without_points_are_probabilities_of_no_default() -> None:
    found = credit(OUTCOMES, FUSED, BANK)
    assert all(0 < each.score < 1 for each in found.cutoffs)
    assert [each.score for each in found.cutoffs] == sorted(
        (each.score for each in found.cutoffs), reverse=True
    )


def test_what_the_rows_do_not_give_is_said_and_is_no_number() -> None:
    certain = np.where(OUTCOMES == 1, 40.0, -40.0)
    found = credit(OUTCOMES, certain, BANK)
    assert found.line is None
    assert any(each.startswith("calibration line: ") for each in found.absent)


@pytest.mark.parametrize("kind", ["scorecard", "boosting"])
def test_the_page_of_each_kind_of_model_has_its_tables(credit_pages: dict[str, str], kind: str) -> None:
    page = credit_pages[kind]
    own = {
        "scorecard": ("R-bank-a-9", "starts from 561 points", "Why one firm was declined", "its party tells")
    }
    for text in (
        *own.get(kind, ("over all trees", "platform-b")),
        "What a cut-off does",
        "Jeffreys",
        "Who changes",
    ):
        assert text in page
    other = {"scorecard": "over all trees", "boosting": "starts from"}[kind]
    assert other not in page


@pytest.mark.parametrize(
    ("kind", "tables", "told"),
    [
        ("logistic", {}, "its own gradient"),
        ("scorecard", {}, "firms and defaults in each of its own fine bins"),
        ("scorecard", {"binning": {"disclose": "woe"}}, "WOE and IV of its bins to 2 decimals"),
        ("scorecard", {}, "AUC by up to 0.06"),
        ("scorecard", {"binning": {"disclose": "woe"}}, "AUC by up to 0.05"),
        ("scorecard", {}, "limits.equations_per_row = 0.0055 with binning.minimum_support = 200 lowers it"),
        ("scorecard", {"limits": {"equations_per_row": 0.006}}, "AUC by up to 0.06"),
        (
            "scorecard",
            {"limits": {"equations_per_row": 0.0055}, "binning": {"minimum_support": 200}},
            "hardly better than its own model could",
        ),
        ("boosting", {}, "share a node"),
    ],
)
def test_every_role_of_a_plan_is_told_what_it_learns(kind: str, tables: dict[str, object], told: str) -> None:
    parties = {"public": {}, "bank": {"role": "label"}, "platform": {}}
    fields = {"name": "p", "purpose": "credit-scoring", "parties": parties, "model": {"kind": kind}, **tables}
    rows = learned(Plan.model_validate(fields))
    assert [row.role for row in rows] == ["bank (label party)", "public", "platform", "aggregator"]
    assert any(told in line for line in rows[1].learned)
    assert not any(told in line for line in rows[0].learned) or kind == "logistic"
