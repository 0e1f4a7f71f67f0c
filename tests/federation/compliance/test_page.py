"""docs/compliance.md lists the controls that are shipped, as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from federation.compliance import offices
from federation.compliance.catalogue import Pack, catalogue
from federation.compliance.explaining import table

PAGE = Path(__file__).parents[3] / "docs" / "compliance.md"


@pytest.mark.parametrize("pack", [pytest.param(pack, id=pack.pack) for pack in catalogue().packs])
def test_the_page_has_every_control_of_the_pack(pack: Pack) -> None:
    listed = f"### {pack.pack}\n\n{table(pack)}\n"
    assert listed in PAGE.read_text(encoding="utf-8"), f"put this into {PAGE.name}:\n\n{listed}"


def test_the_page_names_every_office() -> None:
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert ", ".join(offices.OFFICES) in text
