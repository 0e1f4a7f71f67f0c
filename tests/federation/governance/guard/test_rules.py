"""Each rule that can stop a message is explained, in both languages, with its source."""

from __future__ import annotations

import pytest

from crypto.errors import UsageError
from federation.governance.guard.party import UNDECIDED
from federation.governance.guard.policy import RULES, TEXT
from federation.governance.guard.rules import catalogue, rule


@pytest.mark.parametrize("name", [*RULES, UNDECIDED, "G-RIGHTS", "G-MANIFEST", "G-LEDGER"])
def test_every_rule_that_refuses_is_explained_in_both_languages(name: str) -> None:
    found = rule(name)
    for language in ("en", "zh"):
        assert len(found.demands[language]) > 20 and found.title[language]
    assert found.source and found.demands["en"] != found.demands["zh"]
    assert "\n" not in found.demands["en"] + found.demands["zh"]


def test_the_policy_forbids_by_these_rules_and_by_no_other() -> None:
    assert TEXT.count("@id(") == len(RULES) + 1 and TEXT.count("permit(") == 1
    for name in RULES:
        assert f'@id("{name}")\nforbid(' in TEXT


def test_an_unknown_rule_is_refused_with_the_list_as_next_step() -> None:
    with pytest.raises(UsageError, match="no rule 'G-NONE'") as refused:
        rule("G-NONE")
    assert "policy explain" in refused.value.advice
    assert rule("g-grant").id == "G-GRANT" and "G-GRANT" in catalogue()
