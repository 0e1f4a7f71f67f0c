"""Figures and notes of a horizontal demo, for machines."""

from __future__ import annotations

import json

from federation.ids import PartyId
from parties.sandbox.horizontal_outcome import gathered, party_facts
from tests.parties.report.sample_federated import party, unjudged


def test_a_party_that_cannot_be_judged_has_no_figures_and_says_so() -> None:
    facts = party_facts((party("bank-a", local=1.0, federated=2.0), unjudged("bank-d")))
    assert facts["auc"]["bank-d"] == {"local": None, "federated": None, "pooled": None}
    assert facts["verdict"]["bank-d"] == "too few test rows"
    assert 0.5 < facts["auc"]["bank-a"]["local"] < facts["auc"]["bank-a"]["federated"] < 1
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_a_note_that_all_parties_have_is_told_once() -> None:
    notes = {PartyId("bank-a"): ["constant", "two levels"], PartyId("bank-b"): ["constant", "constant"]}
    assert gathered(notes) == ("constant", "bank-a: two levels")
