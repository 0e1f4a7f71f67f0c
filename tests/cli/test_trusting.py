"""`--trust`: what is taken for a fingerprint."""

from __future__ import annotations

import pytest

from cli.trusting import trusted
from crypto.errors import UsageError
from tests.federation.ledger.world import fingerprints


def test_a_fingerprint_that_is_none_is_refused() -> None:
    good = fingerprints()["bank"]
    assert trusted([f"bank={good.replace(' ', '')}"]) == {"bank": good}
    for texts in (["bank"], [f"={good}"], [f"bank={good}", f"bank={good}"], ["bank=12"]):
        with pytest.raises(UsageError):
            trusted(texts)
