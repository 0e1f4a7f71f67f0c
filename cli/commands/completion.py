"""The script with which a shell completes commands, options and names."""

from __future__ import annotations

import click

from cli.output import format_option, say

#: What the script asks the program by; click reads it.
VARIABLE = "_ISTHMUS_COMPLETE"
_PLACES = {
    "bash": "~/.bashrc",
    "zsh": "~/.zshrc",
    "fish": "~/.config/fish/completions/isthmus.fish",
}


@click.command(name="completion")
@click.argument("shell", type=click.Choice(list(_PLACES)))
@format_option
@click.pass_context
def command(context: click.Context, shell: str, output: str) -> None:
    """Print the script for SHELL. It completes commands, options, runs, members, datasets, grants and codes.

    For bash and zsh add `eval "$(isthmus completion bash)"` to ~/.bashrc, or with zsh to ~/.zshrc; for fish
    write it to ~/.config/fish/completions/isthmus.fish.
    """
    from click.shell_completion import get_completion_class

    script = ""
    if (kind := get_completion_class(shell)) is not None:
        root = context.find_root().command
        # The template itself: `source()` would run the shell, only to look at its version.
        made = kind(root, {}, "isthmus", VARIABLE)
        script = made.source_template % made.source_vars()
    say(output, {"shell": shell, "place": _PLACES[shell], "script": script}, script)
