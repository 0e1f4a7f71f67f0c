"""Figures as a small table for people."""

from __future__ import annotations

from typing import Any


def table(figures: dict[str, Any]) -> str:
    """One line for each figure, its name as in the JSON; the figures of a group stand indented under it."""
    lines = list(_lines(figures, ""))
    width = max(len(name) for name, _ in lines)
    numbers = max(len(value) for _, value in lines)
    return "\n".join(f"{name:{width}}  {value:>{numbers}}".rstrip() for name, value in lines)


def _lines(figures: dict[str, Any], indent: str) -> list[tuple[str, str]]:
    lines = []
    for name, value in figures.items():
        if isinstance(value, dict):
            lines += [(indent + name, ""), *_lines(value, indent + "  ")]
        else:
            lines.append((indent + name, _shown(value)))
    return lines


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.2e}" if 0 < abs(value) < 1e-3 else f"{value:,.4f}"
