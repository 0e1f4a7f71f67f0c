"""The plots of a credit model: what they draw, and what they say to who cannot see them."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from markupsafe import Markup

from parties.evaluation.calibration import calibration
from parties.evaluation.cap import cap_curve
from parties.evaluation.curves import gain_table
from parties.evaluation.goodness import hosmer_lemeshow
from parties.evaluation.inputs import labelled
from parties.evaluation.stability import number_stability
from parties.report import credit_plots as plots

RNG = np.random.default_rng(1)
P = RNG.beta(1, 5, 2000)
LABEL = (RNG.random(2000) < P).astype(int)

DRAWN: dict[str, tuple[Callable[[], Markup], str]] = {
    "cap": (lambda: plots.cap(cap_curve(labelled(LABEL, P))), "accuracy ratio 0."),
    "deciles": (lambda: plots.deciles(gain_table(labelled(LABEL, P))), "band 10 "),
    "calibrated": (
        lambda: plots.calibration(calibration(LABEL, P).bins, hosmer_lemeshow(LABEL, P)),
        "on 10 degrees of freedom, p",
    ),
    "scores": (lambda: plots.scores([0, 1, 2, 3], [5, 9, 2], [0, 0, 0]), "Distribution of the score"),
    "psi-score": (
        lambda: plots.stability(number_stability(P, P + 0.1), "the score", identifier="psi-score"),
        "index 2.295, shifted",
    ),
    "woe-1": (
        lambda: plots.woe("age", ["young", "old"], [-0.5, 0.4], [0.4, 0.6], identifier="woe-1"),
        "young \N{MINUS SIGN}0.500, old +0.400",
    ),
    "points": (lambda: plots.points({"age": [30, 10, 22], "tax": [5.0]}), "age 10 to 30, tax 5 to 5"),
    "cutoff": (lambda: plots.cutoff([0.2, 0.6, 1.0], [0.0, 0.03, 0.1], 1), "at the mark 60 % and 3.0 %"),
    "importance": (lambda: plots.importance({"age": 3.0, "tax": 1.0}), "age 75 %, tax 25 %"),
}


@pytest.mark.parametrize("identifier", DRAWN)
def test_every_plot_is_whole_names_itself_and_says_its_figures(identifier: str) -> None:
    draw, says = DRAWN[identifier]
    svg = str(draw())
    ET.fromstring(svg.replace("<svg ", '<svg xmlns:xlink="x" ', 1))
    label = re.search(r'aria-label="([^"]+)"', svg)
    assert label is not None and says in unescape(label[1])
    assert all(found.startswith(f"{identifier}-") for found in re.findall(r'\bid="([^"]+)"', svg))
    assert "nan" not in svg.lower()


def test_extreme_figures_are_drawn_too() -> None:
    assert "0.000" in plots.woe("x", ["all"], [0.0], [1.0], identifier="w")
    plots.importance({"x": 0.0})
    plots.cutoff([1.0], [0.0])
    plots.points({"x": [0.0]})
    plots.stability(number_stability([1.0, 1.0], [1.0]), "x", identifier="s")


def test_a_columns_name_is_text_and_never_markup_or_mathematics() -> None:
    svg = plots.woe('<b onload="x">$a_1$', ["<i>", "&"], [0.1, -0.1], [0.5, 0.5], identifier="w")
    assert "<b " not in svg and "<i>" not in svg
    assert "$a_1$" in svg


def test_only_the_columns_that_matter_most_are_drawn_of_many() -> None:
    svg = plots.importance({f"column_{at:02d}": float(at) for at in range(24)})
    assert set(re.findall(r">(column_\d\d)<", svg)) == {f"column_{at:02d}" for at in range(4, 24)}
    svg = plots.points({f"column_{at:02d}": [0.0, at] for at in range(24)})
    assert set(re.findall(r">(column_\d\d)<", svg)) == {f"column_{at:02d}" for at in range(4, 24)}
