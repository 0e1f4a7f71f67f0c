"""Help texts in Chinese: a command's own text is English, and words.zh.toml here has another.

Those of its options are in `cli.codes.sentences`, by their English text.
"""

from __future__ import annotations

import copy

import click

from cli.words import spoken, texts


def localised(command: click.Command, *words: str) -> click.Command:
    """`command`, which `words` call, with its help in the language that commands speak; itself unchanged."""
    if spoken() == "en":
        return command
    text = texts("cli", "zh").get(f"help.{words[0]}" if len(words) == 1 else ".".join(words))
    told = copy.copy(command)
    told.params = [_localised_option(each) for each in command.params]
    if text is not None:
        told.help, told.short_help = text, text.partition("。")[0] + "。"
    if isinstance(told, click.Group):
        told.commands = {name: localised(each, *words, name) for name, each in told.commands.items()}
    return told


def _localised_option(parameter: click.Parameter) -> click.Parameter:
    from cli.codes.sentences import chinese

    if not isinstance(parameter, click.Option) or not parameter.help:
        return parameter
    told = copy.copy(parameter)
    told.help = chinese(parameter.help) or parameter.help
    return told


def line(name: str, english: str) -> str:
    """The text of a command of the first level: its line in the list of all, and that of `isthmus` itself."""
    return english if spoken() == "en" else texts("cli", "zh").get(f"help.{name}", english)
