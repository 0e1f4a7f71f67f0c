"""Pages in a real browser, Debian's Chromium: what they look like, and what does not fit where it stands."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.image import imread

needs_chromium = pytest.mark.skipif(
    shutil.which("chromium") is None, reason="Chromium is not installed: apt-get install chromium"
)

#: In each page: what is wider than its box and cannot be scrolled to, text of a plot outside the plot, and
#: whether the page is wider than its window. Told to the page around it.
_LOOK = """
<script>
addEventListener("load", () => {
  const wrong = [];
  const name = (element) => element.tagName + " " + element.textContent.trim().slice(0, 60);
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth + 1) wrong.push("page: " + root.scrollWidth);
  for (const element of document.querySelectorAll("body *:not(svg *)")) {
    const style = getComputedStyle(element);
    if (style.display === "inline" || style.overflowX !== "visible") continue;
    if (element.scrollWidth > element.clientWidth + 1 && !element.closest(".scroll, .plot"))
      wrong.push(name(element) + " " + element.scrollWidth + " > " + element.clientWidth);
  }
  for (const svg of document.querySelectorAll("svg")) {
    const box = svg.getBoundingClientRect();
    for (const text of svg.querySelectorAll("text")) {
      const own = text.getBoundingClientRect();
      const beyond = [box.left - own.left, own.right - box.right, box.top - own.top, own.bottom - box.bottom];
      if (Math.max(...beyond) > 2)
        wrong.push("plot " + svg.getAttribute("aria-label").slice(0, 40) + ": " + name(text));
    }
  }
  parent.postMessage({ page: window.name, wrong: wrong, height: root.scrollHeight }, "*");
});
</script>
"""
_COLLECT = """
<script>
const told = {};
addEventListener("message", (event) => {
  told[event.data.page] = event.data;
  document.getElementById("told").textContent = JSON.stringify(told);
});
</script>
"""


def misfits(
    pages: Mapping[str, str], folder: Path, widths: tuple[int, ...] = (1100, 390)
) -> dict[str, list[str]]:
    """What does not fit, by page and width in pixels, in the window of a computer and of a telephone."""
    frames = []
    for name, page in pages.items():
        # The page's own policy lets no script run: it is left out, and one that looks is put in.
        looked = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', _LOOK, page)
        assert looked != page
        for width in widths:
            source = html.escape(looked, quote=True)
            frames.append(
                f'<iframe name="{name} {width}" width="{width}" height="900" srcdoc="{source}"></iframe>'
            )
    around = folder / "around.html"
    around.write_text(
        f'<!DOCTYPE html><meta charset="utf-8">{_COLLECT}<pre id="told"></pre>{"".join(frames)}'
    )
    dumped = _chromium("--virtual-time-budget=20000", "--dump-dom", around).decode()
    found = re.search(r'<pre id="told">(.*?)</pre>', dumped, re.DOTALL)
    assert found is not None
    told = json.loads(html.unescape(found[1]))
    assert len(told) == len(frames), "a page did not load"
    return {page: each["wrong"] for page, each in told.items()}


def picture(page: str, folder: Path, *, dark: bool = False) -> npt.NDArray[np.float64]:
    """The first 2,400 rows of pixels of a page, rows x 1100 x 3."""
    path, shot = folder / "page.html", folder / "page.png"
    path.write_text(page)
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    _chromium(*scheme, "--hide-scrollbars", f"--screenshot={shot}", "--window-size=1100,2400", path)
    return np.asarray(255 * imread(shot)[:, :, :3])


def _chromium(*arguments: str | Path) -> bytes:
    with_profile = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    quiet = [
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    *options, page = arguments
    profile = f"--user-data-dir={Path(page).parent / 'profile'}"
    call = [*with_profile, *quiet, profile, *map(str, options), Path(page).as_uri()]
    return subprocess.run(call, capture_output=True, timeout=300, check=True).stdout
