"""What a party is shown calls parties by their names."""

from __future__ import annotations

from parties.round.shown import compared_lines


def test_figures_are_those_of_the_label_party_by_its_own_name() -> None:
    figures = {"auc": 0.7, "ks": 0.3, "gini": 0.4}
    told = compared_lines("lender", {"bank_only": figures, "fused": figures})
    assert told == [
        "lender alone: AUC 0.7000 KS 0.3000 Gini 0.4000",
        "all parties together: AUC 0.7000 KS 0.3000 Gini 0.4000",
    ]
