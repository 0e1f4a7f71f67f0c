"""A matplotlib figure as inline SVG: text stays text, the same figure gives the same bytes.

Only the object interface is used (`Figure`), never pyplot, so no display and no global figure exists.
matplotlib's settings are one per process, though: draw from one thread at a time.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
import warnings
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crypto.errors import UsageError

#: Ink, grid, and the colours of the three models; told apart in grey print too by dash and weight.
INK, SOFT, GRID = "#1f2933", "#5b6875", "#dde3ea"
BANK, FUSED, POOLED, ALERT, GOOD = "#8a97a6", "#0b5fa5", "#d98a1f", "#b3261e", "#2e8b6f"
#: Kinds of message, largest first; the last one is for all that remain.
KINDS = ("#0b5fa5", "#2e8b6f", "#d98a1f", "#8e5aa8", "#4fa3d1", "#c25b6b", "#b9c2cc")

_SETTINGS: dict[Any, Any] = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.0,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9.0,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",
    "text.color": INK,
    # A column named "$x$" is a name, not mathematics.
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.color": SOFT,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 9.0,
    "ytick.color": SOFT,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 9.0,
}

_ID = re.compile(r'\bid="([^"]+)"')
_USE = re.compile(r'(xlink:href="#|url\(#)')
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_STYLE = re.compile(r"<style[^>]*>.*?</style>", re.DOTALL)
_HEAD = re.compile(r'<svg [^>]*viewBox="([-0-9. ]+)"[^>]*>')
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


#: Decorates a function that draws: matplotlib reads settings when it makes an artist, not when it saves it.
styled = mpl.rc_context(_SETTINGS)


class Plot:
    """One figure with one pair of axes, to be drawn on in a `styled` function and read by `svg`."""

    def __init__(self, name: str, says: str, *, width: float = 5.4, height: float = 4.0) -> None:
        """`name` is unique on the page; `says` describes the plot to who cannot see it. Inches."""
        self.name = name
        self.says = says
        self.figure = Figure(figsize=(width, height), layout="constrained")
        self.axes: Axes = self.figure.add_subplot()
        self.axes.grid(True)

    def svg(self) -> Markup:
        """The figure as an `<svg>` element that can stand in a page beside others.

        matplotlib escapes all text it writes; what it adds around it (comments, a style for the whole
        document, identifiers that repeat from figure to figure) is taken out or made this plot's own.
        """
        salt = hashlib.sha256(self.name.encode()).hexdigest()[:8]
        buffer = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        with mpl.rc_context({"svg.hashsalt": salt}), warnings.catch_warnings():
            # Text stays text, so a glyph that matplotlib's own font lacks is drawn by the reader's.
            warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from")
            self.figure.savefig(buffer, format="svg", metadata=nothing, transparent=True)
        text = buffer.getvalue()
        text = _STYLE.sub("", _COMMENT.sub("", text[text.index("<svg ") :]))
        text = _ID.sub(rf'id="{self.name}-\1"', text)
        text = _USE.sub(rf"\g<1>{self.name}-", text)
        # Within HTML an <svg> needs no namespace, and without width and height it takes its column's.
        box = _HEAD.match(text)
        if box is None:
            raise UsageError(
                "this version of matplotlib writes SVG that the report cannot take in",
                advice="Install the version of matplotlib that Isthmus was released with.",
            )
        head = f'<svg role="img" aria-label="{html.escape(self.says)}" viewBox="{box[1]}">'
        return Markup(head + text[box.end() :].strip())  # noqa: S704


def name(text: str, length: int = 34) -> str:
    """A name as a plot can carry it: no control characters (XML has none), shortened in the middle."""
    clean = _CONTROL.sub(" ", text)
    if len(clean) <= length:
        return clean
    head = (length - 1) * 2 // 3
    return f"{clean[:head]}\N{HORIZONTAL ELLIPSIS}{clean[-(length - 1 - head) :]}"
