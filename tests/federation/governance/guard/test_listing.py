"""The page of all messages says what the program has."""

from __future__ import annotations

from pathlib import Path

from federation.governance.guard.listing import markdown
from federation.governance.terms import Form
from tests.federation.samples import every_message

PAGE = Path(__file__).parents[4] / "docs" / "messages.md"


def test_the_page_lists_every_message_as_it_is_declared() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown()
    for name, kind in every_message().items():
        assert f"| `{name}` |" in markdown()
        assert (kind.FORM is Form.CONTROL) == (kind.OF == ())
