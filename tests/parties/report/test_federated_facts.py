from __future__ import annotations

import json
from dataclasses import replace

import pytest

from crypto.errors import UsageError
from parties.report.federated import Joint
from parties.report.federated_facts import facts
from parties.report.federated_words import headline
from tests.parties.report.sample_federated import sample


def test_the_facts_are_json_and_say_what_the_page_says() -> None:
    report = sample()
    found = json.loads(json.dumps(facts(report), allow_nan=False))
    assert found["headline"] == headline(report)
    assert [each["verdict"] for each in found["parties"]] == [each.verdict for each in report.parties]
    helped = report.parties[0]
    assert helped.local is not None
    assert helped.difference is not None
    assert found["parties"][0]["local"]["ks_low"] == helped.local.figures.ks_low
    assert found["parties"][0]["difference"]["p"] == helped.difference.p
    assert found["parties"][3]["federated"] is None
    assert found["joint"] == {"federated_auc": 0.781, "rows": 2704, "bad": 411}
    assert found["bytes_sent"]["bank-b"] == 2_621_440
    assert len(found["rounds"]) == 10
    assert json.loads(json.dumps(facts(replace(report, joint=None))))["joint"] is None


def test_a_figure_that_is_not_a_number_gives_no_facts() -> None:
    with pytest.raises(UsageError, match="not a finite number") as refused:
        facts(replace(sample(), joint=Joint(float("nan"), 10, 2)))
    assert refused.value.field == "report.joint.federated_auc"
