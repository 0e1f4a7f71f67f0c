"""A party's name is safe in a path, a certificate and a terminal, and is never the aggregator's."""

from __future__ import annotations

import pytest

from federation.errors import UsageError
from federation.ids import party_id


@pytest.mark.parametrize("text", ["bank", "a1", "bank-of-the-north", "x" * 32])
def test_a_good_name_is_taken(text: str) -> None:
    assert party_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "Bank",
        "1a",
        "-a",
        "a-",
        "x" * 33,
        "a b",
        "a/b",
        "..",
        "a.b",
        "ban\n",
        "bank\n",
        "bаnk",
        "a\0b",
    ],
)
def test_any_other_name_is_refused_with_the_rule(text: str) -> None:
    with pytest.raises(UsageError, match="not a party name") as refused:
        party_id(text)
    assert "2 to 32" in refused.value.advice


def test_no_party_takes_the_aggregators_name() -> None:
    with pytest.raises(UsageError, match="own name"):
        party_id("aggregator")
