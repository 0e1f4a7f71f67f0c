"""Reports and documents as a person sees them: in a browser, wide and narrow, light and dark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from parties.document.blocks import Absent, Document, Facts, Items, Picture, Section, Table, Words
from parties.document.rendering import html
from parties.report import credit_plots
from tests.browser import misfits, needs_chromium, picture

LONG = "a_column_with_quite_a_long_name" * 3


def document() -> str:
    """One of every block, with texts that are long, odd and without a space."""
    blocks = (
        Words(f"{LONG} and {'words ' * 60}"),
        Items((LONG, "short")),
        Facts((("SHA-256", "ab" * 32), ("File", "模型" * 40))),
        Table("Figures", ("Column", *(f"figure {n}" for n in range(9))), ((LONG, *(["123,456"] * 9)),)),
        Table("Texts", ("File", "SHA-256"), (("model/MANIFEST", "ab" * 32),), prose=True),
        Picture(lambda: credit_plots.importance({LONG: 2.0, "short": 1.0}), "A picture."),
        Absent("A figure", "Its owner has it."),
    )
    sections = (Section("The first part", "第一部分", blocks, (Section("Within it", "其中", blocks[:2]),)),)
    return html(
        Document("Model document of bank", "模型文档", "run-1", (("Model hash", "cd" * 32),), sections)
    )


@pytest.fixture(scope="module")
def pages(credit_pages: dict[str, str]) -> dict[str, str]:
    return {**credit_pages, "document": document()}


@needs_chromium
def test_nothing_is_cut_off_or_stands_over_its_box_in_a_wide_window_or_a_narrow_one(
    pages: dict[str, str], tmp_path: Path
) -> None:
    # A page with a line that cannot break and a text beyond its plot: what looks for such things finds them.
    broken = document().replace("</h1>", f'<p style="white-space: nowrap">{"x" * 300}</p></h1>', 1)
    broken = broken.replace("</svg>", '<text x="5000" y="10">beyond</text></svg>', 1)
    found = misfits({**pages, "broken": broken}, tmp_path)
    assert all(len(found.pop(f"broken {width}")) > 1 for width in (1100, 390))
    assert found == {f"{name} {width}": [] for name in pages for width in (1100, 390)}


@needs_chromium
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_report_is_seen_and_its_text_stands_out_from_the_page(
    pages: dict[str, str], tmp_path: Path, dark: bool
) -> None:
    seen = picture(pages["scorecard"], tmp_path, dark=dark)
    grey = seen.mean(axis=2)
    page = np.median(grey[:, :10])  # The margin.
    assert page < 60 if dark else page > 200
    # Everywhere down the page something differs from the margin, and text is on the other side of grey.
    bands = np.abs(grey - page).reshape(24, 100, 1100)
    assert (bands.max(axis=(1, 2)) > 100).mean() > 0.9
    assert 0.005 < (np.abs(grey - page) > 120).mean() < 0.7
