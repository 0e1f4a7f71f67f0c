"""The map of a run as inline SVG: a lane for each role, grouped by place, and an arrow for each flow.

Arrows stand below one another, so that their labels never meet, however many roles and forms a run has. One
that crosses a border is drawn in another colour and with a heavier line, and its label names both places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from markupsafe import Markup

from cli.supervisor.facts import Flow
from cli.supervisor.words import Words, size
from federation.governance.terms import Form

#: With more arrows than this, those within one place that say nothing of data are left to the table.
MOST_ARROWS = 40
_EDGE, _HEAD, _GAP, _FOOT = 20, 84, 14, 30
#: How wide a lane is, and all of them together where there are many.
_WIDEST, _NARROWEST, _TOGETHER = 215, 120, 990
_ROW, _DENSE_ROW = 40, 32
#: How wide a letter is at most: of the labels, in the two kinds of script, and of a role's name.
_NARROW, _WIDE, _NAME = 7.0, 13.0, 9.0


class Mapped(Protocol):
    """What is drawn: a run as its packs tell it, or one that is judged. As in `facts.RunFacts`."""

    @property
    def run(self) -> str: ...
    @property
    def places(self) -> Mapping[str, str]: ...
    @property
    def lacking(self) -> tuple[str, ...]: ...
    @property
    def flows(self) -> Sequence[Flow]: ...
    @property
    def messages(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _Arrow:
    """Flows of one form from one role to another, drawn as one."""

    sender: str
    to: str
    form: str
    size: int
    crosses: bool


@dataclass(frozen=True, slots=True)
class _Map:
    """Where things stand. lanes: roles from left to right; lane: the width of each."""

    lanes: tuple[str, ...]
    lane: int
    height: int
    places: Mapping[str, str]
    words: Words

    @property
    def width(self) -> int:
        """Of the picture."""
        return 2 * _EDGE + self.lane * len(self.lanes)

    def x(self, name: str) -> int:
        """The middle of a role's lane."""
        return _EDGE + self.lane * self.lanes.index(name) + self.lane // 2


def diagram(run: Mapped, words: Words) -> Markup:
    """The picture; empty where nothing that the packs hold has left."""
    arrows = drawn(run)
    if not arrows:
        return Markup()
    rows, height = _rows(arrows)
    lanes = tuple(sorted(run.places, key=lambda name: (run.places[name], name)))
    lane = max(_NARROWEST, min(_WIDEST, _TOGETHER // len(lanes)))
    drawing = _Map(lanes, lane, height, run.places, words)
    parts = [
        *_places(drawing),
        *(_role(drawing, name, name in run.lacking) for name in lanes),
        *(_arrow(drawing, arrow, y) for arrow, y in rows),
    ]
    label = words("map.label", run=run.run, roles=len(lanes), messages=run.messages)
    return Markup(
        '<svg class="map" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>'
    ).format(label, drawing.width, height, drawing.width, height, Markup().join(parts))


def without_control(run: Mapped) -> bool:
    """Whether control messages within one place are not drawn, for there are too many arrows."""
    return len(drawn(run)) < len(_arrows(run.flows, run.places))


def drawn(run: Mapped) -> list[_Arrow]:
    """The arrows of the picture."""
    found = _arrows(run.flows, run.places)
    if len(found) <= MOST_ARROWS:
        return found
    return [arrow for arrow in found if arrow.crosses or arrow.form != Form.CONTROL.value]


def _arrows(flows: Sequence[Flow], places: Mapping[str, str]) -> list[_Arrow]:
    sums: dict[tuple[str, str, str], int] = {}
    crossing: dict[tuple[str, str, str], bool] = {}
    for flow in flows:
        if flow.sender in places and flow.to in places:
            key = (flow.sender, flow.to, flow.form)
            sums[key] = sums.get(key, 0) + flow.size
            crossing[key] = flow.crosses
    return [_Arrow(*key, total, crossing[key]) for key, total in sums.items()]


def _rows(arrows: Sequence[_Arrow]) -> tuple[list[tuple[_Arrow, int]], int]:
    """How far down each arrow stands, with a gap before each form, and where the picture ends."""
    row = _ROW if len(arrows) <= MOST_ARROWS else _DENSE_ROW
    found, y, form = [], _HEAD, None
    for arrow in arrows:
        y += row + (_GAP if arrow.form != form else 0)
        form = arrow.form
        found.append((arrow, y))
    return found, y + _FOOT


def _places(drawing: _Map) -> Iterator[Markup]:
    for place in dict.fromkeys(drawing.places[name] for name in drawing.lanes):
        inside = [drawing.x(name) for name in drawing.lanes if drawing.places[name] == place]
        left, right = min(inside) - drawing.lane // 2 + 4, max(inside) + drawing.lane // 2 - 4
        yield Markup('<rect class="place" x="{}" y="4" width="{}" height="{}" rx="10"/>').format(
            left, right - left, drawing.height - 8
        )
        yield Markup('<text class="placename" x="{}" y="30" text-anchor="middle">{}</text>').format(
            (left + right) // 2, drawing.words.place(place)
        )


def _role(drawing: _Map, name: str, lacking: bool) -> Markup:
    x, half = drawing.x(name), drawing.lane // 2 - 10
    beside = Markup()
    if lacking:
        beside = Markup('<text class="beside" x="{}" y="92" text-anchor="middle">{}</text>').format(
            x, drawing.words("map.lacking")
        )
    most = int(2 * half / _NAME)
    return Markup(
        '<line class="lane" x1="{0}" y1="76" x2="{0}" y2="{1}"/>'
        '<rect class="{2}" x="{3}" y="44" width="{4}" height="32" rx="6"/>'
        '<text class="rolename" x="{0}" y="65" text-anchor="middle">{5}</text>{6}'
    ).format(
        x,
        drawing.height - 14,
        "role lacking" if lacking else "role",
        x - half,
        2 * half,
        name if len(name) <= most else f"{name[: most - 1]}…",
        beside,
    )


def _arrow(drawing: _Map, arrow: _Arrow, y: int) -> Markup:
    start, end = drawing.x(arrow.sender), drawing.x(arrow.to)
    back = 9 if end > start else -9
    label = _label(drawing, arrow)
    half = sum(_WIDE if ord(letter) > 0x2E7F else _NARROW for letter in label) / 2
    middle = min(max((start + end) / 2, half + 6), drawing.width - half - 6)
    kind = "flow crosses" if arrow.crosses else "flow"
    return Markup(
        '<g class="{}"><title>{} → {}: {}</title><line x1="{}" y1="{}" x2="{}" y2="{}"/>'
        '<circle cx="{}" cy="{}" r="3.5"/><path d="M{} {} l{} -5 l0 10 z"/>'
        '<text x="{:.0f}" y="{}" text-anchor="middle">{}</text></g>'
    ).format(
        kind, arrow.sender, arrow.to, label, start, y, end - back, y, start, y, end, y, -back,
        middle, y - 8, label,
    )  # fmt: skip


def _label(drawing: _Map, arrow: _Arrow) -> str:
    border = f"{drawing.places[arrow.sender]} → {drawing.places[arrow.to]}" if arrow.crosses else ""
    return " · ".join(
        text for text in (drawing.words.name("form", arrow.form), size(arrow.size), border) if text
    )
