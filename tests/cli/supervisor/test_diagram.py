"""The map shows every flow that says something of data, and every one over a border."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from cli.supervisor.diagram import MOST_ARROWS, diagram, without_control
from cli.supervisor.facts import Flow, RunFacts
from cli.supervisor.shelf import shown
from cli.supervisor.words import LANGUAGES, Language, Words
from tests.cli.supervisor.packs import written


@pytest.fixture
def run(tmp_path: Path, crossing_packs: dict[str, bytes]) -> RunFacts:
    (found,) = shown(written(tmp_path, crossing_packs), {}).runs
    return found


def many(run: RunFacts, roles: int) -> RunFacts:
    """The run with as many roles in two places, each of which sends every other two forms."""
    places = {f"role-with-a-long-name-{number}": "CN" if number % 2 else "DE" for number in range(roles)}
    flows = tuple(
        Flow(sender, to, form, places[sender], places[to], "", {"x/y": 1}, 10**number)
        for form in ("encrypted-update", "control")
        for sender in places
        for number, to in enumerate(places)
        if to != sender
    )
    return replace(run, places=places, flows=flows)


def arrows(run: RunFacts, language: Language = "en") -> dict[str, str]:
    """What each arrow is for those who hear it -> its class."""
    picture = ET.fromstring(diagram(run, Words(language)))
    return {group[0].text or "": group.attrib["class"] for group in picture.iter("g")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_flow_has_an_arrow_with_form_bytes_and_border(run: RunFacts, language: Language) -> None:
    found = arrows(run, language)
    assert len(found) == len(run.flows)
    form = Words(language).name("form", "masked-update")
    (told,) = [each for each in found if each.startswith("bank → public")]
    assert form in told and " kB" in told and told.endswith("CN → SG")
    assert found[told] == "flow crosses"
    assert sum("crosses" in kind for kind in found.values()) == len(run.crossings)


def test_of_many_flows_those_of_data_and_those_over_a_border_stay(run: RunFacts) -> None:
    assert not without_control(run)
    large = many(run, 8)
    assert len(large.flows) > MOST_ARROWS
    assert without_control(large)
    wanted = [flow for flow in large.flows if flow.crosses or flow.form != "control"]
    assert len(arrows(large)) == len(wanted) < len(large.flows)


@pytest.mark.parametrize("roles", [2, 7, 20])
def test_everything_is_inside_the_picture(run: RunFacts, roles: int) -> None:
    picture = ET.fromstring(diagram(many(run, roles), Words("en")))
    width, height = int(picture.attrib["width"]), int(picture.attrib["height"])
    for text in picture.iter("text"):
        half = 3.5 * len(text.text or "")
        assert half <= float(text.attrib["x"]) <= width - half, text.text
        assert 0 < float(text.attrib["y"]) < height
    levels = [float(line.attrib["y1"]) for group in picture.iter("g") for line in group.iter("line")]
    assert levels == sorted(set(levels))


def test_a_run_from_which_nothing_left_has_no_picture(run: RunFacts) -> None:
    assert diagram(replace(run, flows=()), Words("en")) == ""
