"""Text stands out from what it stands on, in the light, in the dark and on paper (WCAG 2.2, 1.4.3)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.supervisor import pages

STYLE = (Path(pages.__file__).parent / "templates" / "style.css").read_text()
#: Text colour -> what it stands on.
PAIRS = {
    "ink": ("page", "card", "good-back", "open-back", "bad-back"),
    "soft": ("page", "card", "good-back", "open-back", "bad-back"),
    "accent": ("page", "card"),
    "cross": ("page", "card"),
    "good": ("good-back",),
    "open": ("open-back",),
    "bad": ("bad-back",),
}
SETS = [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in STYLE.split(":root {")[1:]]


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colours", SETS, ids=["light", "dark", "paper"])
def test_every_text_has_the_contrast_that_readers_need(colours: dict[str, str]) -> None:
    for text, grounds in PAIRS.items():
        for ground in grounds:
            light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
