"""Every command that `isthmus` has, by its words."""

from __future__ import annotations

from collections.abc import Iterator

import click

from cli.main import isthmus


def commands() -> dict[str, click.Command]:
    """`party join` -> the command."""
    return {" ".join(words): found for words, found in _below(isthmus, click.Context(isthmus), ())}


def _below(
    group: click.Group, context: click.Context, words: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        if isinstance(found, click.Group):
            inner = click.Context(found, info_name=name, parent=context)
            yield from _below(found, inner, (*words, name))
        else:
            yield (*words, name), found
