"""What attacks found as inline SVG: a line for each, with its interval, its bound and both controls."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from benchmarks.border.report.words import Words

Attack = Mapping[str, Any]
_LEFT, _RIGHT, _WIDTH, _ROW, _HEAD, _FOOT = 300, 700, 860, 38, 16, 40
#: How many letters of a name fit beside the plot.
_NAME = 38


def drawn(attacks: Sequence[Attack], words: Words) -> list[Markup]:
    """One picture for each unit, in the order in which the units come."""
    by_unit: dict[str, list[Attack]] = {}
    for attack in attacks:
        by_unit.setdefault(str(attack.get("unit", "")), []).append(attack)
    return [_plot(unit, found, words) for unit, found in by_unit.items()]


def _plot(unit: str, attacks: Sequence[Attack], words: Words) -> Markup:
    most = _most(attacks)
    height = _HEAD + _ROW * len(attacks) + _FOOT
    named = words.name("unit", unit)
    label = words("attacks.plot", count=len(attacks), unit=named)
    parts = [*_axis(most, height, named)]
    for place, attack in enumerate(attacks):
        parts += _line(attack, most, _HEAD + _ROW * place + _ROW // 2, words)
    return Markup(
        '<svg class="dots" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>'
    ).format(label, _WIDTH, height, _WIDTH, height, Markup().join(parts))


def _most(attacks: Sequence[Attack]) -> float:
    """Where the axis ends: at 1, or at a round number where a figure is above it."""
    largest = max(
        float(value)
        for attack in attacks
        for value in (attack["value"], attack["upper"], attack["bound"], *_controls(attack).values())
    )
    if largest <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(largest))
    return power * next(step for step in (1, 2, 4, 6, 8, 10) if largest <= step * power)


def _controls(attack: Attack) -> dict[str, float]:
    return {name: float(attack[name]["value"]) for name in ("positive", "negative")}


def _x(value: float, most: float) -> float:
    return round(_LEFT + (_RIGHT - _LEFT) * max(0.0, min(value, most)) / most, 1)


def _axis(most: float, height: int, unit: str) -> Iterator[Markup]:
    bottom = height - _FOOT
    for step in range(5):
        value = most * step / 4
        yield Markup(
            '<line class="grid" x1="{0}" y1="{1}" x2="{0}" y2="{2}"/>'
            '<text class="tick" x="{0}" y="{3}" text-anchor="middle">{4}</text>'
        ).format(_x(value, most), _HEAD, bottom, bottom + 17, f"{value:g}")
    yield Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>').format(
        (_LEFT + _RIGHT) // 2, bottom + 34, unit
    )


def _line(attack: Attack, most: float, y: int, words: Words) -> Iterator[Markup]:
    name = str(attack["name"])
    verdict = str(attack.get("verdict", "unknown"))
    value, lower, upper, bound = (
        _x(float(attack[part]), most) for part in ("value", "lower", "upper", "bound")
    )
    controls = {part: _x(found, most) for part, found in _controls(attack).items()}
    yield Markup(
        '<text class="name" x="4" y="{0}">{1}</text><text class="beside" x="4" y="{2}">{3}</text>'
        '<line class="bound" x1="{4}" y1="{5}" x2="{4}" y2="{6}"/>'
    ).format(y - 2, _short(name), y + 13, _short(str(attack["view"])), bound, y - 11, y + 11)
    yield Markup('<path class="positive" d="M{} {} l6 10 l-12 0 z"/>').format(controls["positive"], y - 5)
    yield Markup('<path class="negative" d="M{} {} l6 -10 l-12 0 z"/>').format(controls["negative"], y + 5)
    yield Markup(
        '<line class="interval {0}" x1="{1}" y1="{3}" x2="{2}" y2="{3}"/>'
        '<circle class="found {0}" cx="{4}" cy="{3}" r="5"/>'
        '<text class="value" x="{5}" y="{6}">{7:.3g} · {8}</text>'
    ).format(
        verdict,
        lower,
        upper,
        y,
        value,
        _RIGHT + 14,
        y + 5,
        float(attack["value"]),
        words.name("verdict", verdict),
    )


def _short(text: str) -> str:
    return text if len(text) <= _NAME else f"{text[: _NAME - 1]}…"
