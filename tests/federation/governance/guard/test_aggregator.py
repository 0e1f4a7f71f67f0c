"""The aggregator lets out which rows are common and sums that it cannot open, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from crypto.curve import Tags
from crypto.sealed import RowPositions
from federation import codec
from federation.egress import NO_LINEAGE
from federation.errors import EgressRefused
from federation.governance.guard.aggregator import AggregatorPolicy
from federation.governance.guard.verdict import rederive
from federation.governance.terms import Form
from federation.messages.alignment import CommonRows, RingTags
from federation.messages.round import Prepared
from tests.federation.governance.guard.granted import ATTEMPT, BANK, PLATFORM


def test_common_rows_leave_bound_to_a_verdict_that_is_decided_again() -> None:
    policy = AggregatorPolicy(ATTEMPT)
    message = CommonRows(RowPositions.of(np.arange(100)))
    binding = policy.permit(BANK, message, codec.encode(message))
    assert (binding.form, binding.grants, binding.lineage) == (Form.PREDICATE, (), NO_LINEAGE)
    evidence = policy.evidence()
    lines = list(evidence.verdicts)
    assert rederive(evidence.policy, evidence.entities, lines) is None


def test_a_partys_message_does_not_leave_the_aggregator() -> None:
    with pytest.raises(EgressRefused, match="T-EGRESS-TYPE"):
        AggregatorPolicy(ATTEMPT).permit(BANK, Prepared(1), codec.encode(Prepared(1)))


def test_more_rows_than_tags_came_do_not_leave() -> None:
    policy = AggregatorPolicy(ATTEMPT)
    policy.heard(PLATFORM, RingTags(BANK, Tags(bytes(range(160)))))
    many = CommonRows(RowPositions.of(np.arange(300_000)))
    with pytest.raises(EgressRefused, match="T-EGRESS-SIZE"):
        policy.permit(BANK, many, codec.encode(many))
