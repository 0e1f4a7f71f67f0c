"""host:port, or a refusal; never something in between."""

from __future__ import annotations

import pytest

from federation.addresses import Address
from federation.errors import UsageError


@pytest.mark.parametrize(
    "text", ["fusion.example.org:7443", "127.0.0.1:1", "[::1]:65535", "my_host:80", "localhost:443"]
)
def test_an_address_comes_back_as_it_was_written(text: str) -> None:
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "host",
        "host:",
        ":80",
        "host:0",
        "host:65536",
        "host:-1",
        "host:+80",
        "host: 80",
        "host:80 ",
        "host:٨٠",
        "host:8_0",
        "http://host:80",
        "ho st:80",
        "host\n:80",
        "::1:80",
        "[::1:80",
        "user@host:80",
    ],
)
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="is not an address") as refused:
        Address.parse(text)
    assert "host:port" in refused.value.advice
