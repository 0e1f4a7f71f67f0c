"""The pages as a supervisor sees them: in a browser, at a desk and on a telephone, in both languages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cli.supervisor.pages import Pages, whole
from cli.supervisor.shelf import shown
from cli.supervisor.words import LANGUAGES
from tests.browser import misfits, needs_chromium, picture
from tests.cli.supervisor.packs import NOW, written


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, crossing_packs: dict[str, bytes]) -> dict[str, str]:
    paths = written(tmp_path_factory.mktemp("packs"), crossing_packs)
    paths[0].with_name("torn.zip").write_bytes(b"PK")
    found = shown([*paths, paths[0].with_name("torn.zip")], {})
    (run,) = found.runs
    made = {}
    for language in LANGUAGES:
        each = Pages(language, NOW)
        made |= {
            f"overview {language}": each.overview(found),
            f"run {language}": each.run(run),
            f"borders {language}": each.borders(run),
            f"timeline {language}": each.timeline(run),
            f"party {language}": each.party(run, "bank"),
            f"error {language}": each.error(404),
            f"whole {language}": whole(found, language, NOW),
        }
    return made


@needs_chromium
def test_nothing_is_cut_off_or_stands_over_its_box(pages: dict[str, str], tmp_path: Path) -> None:
    broken = pages["error en"].replace("</h1>", f"</h1><pre>{'x' * 300}</pre>")
    found = misfits({**pages, "broken": broken}, tmp_path)
    assert all(found.pop(f"broken {width}") for width in (1100, 390))
    assert found == {f"{name} {width}": [] for name in pages for width in (1100, 390)}


@needs_chromium
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_style_sheet_is_let_in_by_the_policy_and_the_map_is_seen(
    pages: dict[str, str], tmp_path: Path, dark: bool
) -> None:
    seen = picture(pages["run en"], tmp_path, dark=dark)
    page = np.median(seen.mean(axis=2)[:, :10])  # The margin: not the white of a page without a style.
    assert page < 60 if dark else 200 < page < 254
    red, green, blue = (seen[:, :, channel] for channel in range(3))
    assert ((red - blue > 90) & (red - green > 50)).sum() > 500  # The arrows over the border.
    assert ((blue - red > 90) & (green - red > 30)).sum() > 500  # The arrows within a place.
