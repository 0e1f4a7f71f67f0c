"""In what form something travels follows from the plan that all accepted, not from the word of its sender."""

from __future__ import annotations

import pytest

from crypto.sealed import DisclosedNumbers
from crypto.summation.protection import SealedVector
from federation.governance.guard.forms import carried_in, form_of
from federation.governance.terms import Form
from federation.ids import PartyId
from federation.message import Digest, Message
from federation.messages.horizontal import CatchUp, GroupMean
from federation.messages.logistic import Opened
from federation.messages.sum import SumKey, Upload
from federation.plan import Plan

NAMES = ("bank", "platform", "public")
UPLOAD = Upload(Digest(bytes(32)), tuple(map(PartyId, NAMES)), SealedVector("mask", 1, (bytes(8),)))


def plan(unit: str = "none", protection: str = "he") -> Plan:
    return Plan.model_validate(
        {
            "name": "test",
            "purpose": "credit-scoring",
            "shape": "horizontal",
            "parties": {name: {} for name in NAMES},
            "privacy": {"unit": unit},
            "sum": {"protection": protection},
        }
    )


@pytest.mark.parametrize("unit", ["record", "party"])
@pytest.mark.parametrize("kind", [Upload, CatchUp, GroupMean])
def test_with_noise_on_what_is_summed_and_what_is_made_of_sums_is_a_noised_update(
    unit: str, kind: type[Message]
) -> None:
    assert form_of(plan(unit), kind) is Form.DP_UPDATE
    assert form_of(plan(), kind) is kind.FORM


def test_the_form_of_an_upload_is_the_same_before_it_is_made_and_when_it_leaves() -> None:
    for chosen in (plan(protection="mask"), plan("record", "mask"), plan("party", "mask")):
        assert carried_in(chosen, UPLOAD).form is form_of(chosen, Upload)
    assert carried_in(plan(protection="mask"), UPLOAD).form is Form.MASKED_UPDATE


def test_what_carries_nothing_and_what_is_in_no_sum_stays_what_it_is() -> None:
    nothing = GroupMean(Digest(bytes(32)), Digest(bytes(32)), None)
    assert carried_in(plan("party"), nothing).form is Form.CONTROL
    mean = GroupMean(Digest(bytes(32)), Digest(bytes(32)), DisclosedNumbers.of([1.0]))
    assert carried_in(plan("party"), mean).form is Form.DP_UPDATE
    assert form_of(plan("party"), Opened) is Form.AGGREGATE
    assert form_of(plan("party"), SumKey) is Form.CONTROL
