"""A verdict is by a text that was shipped; a text that is changed becomes a version of its own."""

from __future__ import annotations

from federation.governance.guard import policy
from federation.governance.guard.policy_versions import SHIPPED, version_of


def test_the_policy_that_guards_now_is_among_those_that_were_shipped() -> None:
    assert version_of(policy.TEXT.encode()) == list(SHIPPED.values())[-1]


def test_a_text_of_one_other_byte_was_never_shipped() -> None:
    assert version_of(policy.TEXT.encode() + b"\n") is None
    assert version_of(b"") is None
