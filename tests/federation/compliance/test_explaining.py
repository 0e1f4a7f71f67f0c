"""`isthmus policy explain` tells of every control: from where, who decides, and whether it was seen."""

from __future__ import annotations

import json

import click.testing
import pytest

from cli.main import isthmus
from federation.compliance.catalogue import catalogue


def explain(*arguments: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(isthmus, ["policy", "explain", *arguments])


def test_a_control_is_explained_in_both_languages() -> None:
    told = explain("cn-credit")
    assert told.exit_code == 0, told.output
    for part in ("CN-CREDIT", "art. 24", "2013-03-15", "decides it from the evidence", "not legal advice"):
        assert part in told.output
    assert "信用信息" in explain("CN-CREDIT", "--language", "zh").output
    assert "不构成法律意见" in explain("CN-CREDIT", "--language", "zh").output


def test_it_says_in_plain_words_what_is_from_memory_and_who_signs() -> None:
    assert "from memory: look it up" in explain("G-GRANT").output
    assert "凭记忆编写" in explain("G-GRANT", "--language", "zh").output
    assert "was seen when the pack was written" in explain("CN-PIPIA").output
    assert (
        "to be signed by: person in charge of personal information protection" in explain("CN-PIPIA").output
    )
    assert "R1 alone" in explain("CN-PIPIA").output and "R1 alone" not in explain("CN-CREDIT").output


def test_a_guard_rule_and_a_control_of_one_id_are_one_page() -> None:
    for name in ("T-EGRESS-TYPE", "G-GRANT", "CN-IMPORTANT"):
        told = explain(name).output
        assert "before each message leaves" in told and "A run is judged by this" in told
        facts = json.loads(explain(name, "--format", "json").output)
        assert facts["rule"] == name and facts["by"] and facts["control"]["seen"] in "CM"
    alone = json.loads(explain("G-LIMIT", "--format", "json").output)
    assert "control" not in alone and alone["by"]


@pytest.mark.parametrize("name", [control.id for _, control in catalogue()])
def test_every_control_has_a_page(name: str) -> None:
    facts = json.loads(explain(name, "--format", "json").output)
    assert facts["control"]["source"] and facts["control"]["not_legal_advice"] is True


def test_all_are_listed_and_none_that_is_not_there() -> None:
    listed = json.loads(explain("--format", "json").output)
    assert {each["rule"] for each in listed["controls"]} == {control.id for _, control in catalogue()}
    assert "T-VERDICT" in explain().output and "CN-CREDIT" in explain().output
    assert "no rule 'CN-X'" in str(explain("CN-X").exception)
