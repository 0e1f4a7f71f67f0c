"""The `isthmus` command. Start-up is light: a command's module is loaded when it is called."""

from __future__ import annotations

import importlib
import os
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from typing import NoReturn

import click

from cli.helping import line, localised
from cli.output import say_error
from crypto.codes import Code, of_system
from crypto.errors import IsthmusError, UsageError

#: Command group or command -> its module under cli.commands, and the line that --help shows.
_COMMANDS = {
    "demo": ("demo", "Run the main job on this machine: three parties, one round, a report."),
    "federation": ("federation", "At the coordinator: make a federation, admit parties, run its service."),
    "party": ("party", "At a party: make its keys, ask for admission, run its node."),
    "round": ("round", "At the coordinator: launch a round, follow it, cancel it."),
    "model": ("model", "Train a model; at a party show, score, explain, export and document it."),
    "privacy": ("privacy", "At a party: what its data sets have spent of their privacy budgets."),
    "grant": ("grant", "At a party: sign what may be done with its data, and take it back."),
    "policy": ("policy", "At a party: the rules that decide what leaves, and what they say of a plan."),
    "ledger": ("ledger", "Show a run to somebody else: its evidence in one file, and whether it is true."),
    "doctor": ("doctor", "At a party or the coordinator: what stands between this folder and a round."),
    "data": ("data", "Check a table before training; generate firms to try with."),
    "help": ("help", "What the code of an error means, and what a command takes."),
    "completion": ("completion", "The script with which a shell completes these commands and names."),
}
#: Entry points of Isthmus itself for commands of the rooms that import this one (`benchmarks`), since this
#: room must not import them. Other distributions' entry points are not looked at.
_GROUP = "isthmus.commands"


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_COMMANDS, *_commands_above()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command: click.Command | None = None
        if cmd_name in _COMMANDS:
            command = importlib.import_module(f"cli.commands.{_COMMANDS[cmd_name][0]}").command
        elif (point := _commands_above().get(cmd_name)) is not None:
            command = point.load()
        return None if command is None else localised(command, cmd_name)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        told = click.Group(help=line("isthmus", self.help or ""))
        told.format_help_text(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        lines = [(name, line(name, text)) for name, (_, text) in _COMMANDS.items()]
        lines += [
            (name, line(name, point.load().get_short_help_str(100)))
            for name, point in _commands_above().items()
        ]
        with formatter.section("Commands"):
            formatter.write_dl(lines)


def _commands_above() -> dict[str, metadata.EntryPoint]:
    """Command -> entry point: as installed, or as the checkout around this file declares it.

    The checkout's own pyproject.toml goes first: beside an editable install it says the same, and it is
    never older. A wheel has none.
    """
    project = Path(__file__).parents[1] / "pyproject.toml"
    if project.exists():
        declared = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["entry-points"][_GROUP]
        return {name: metadata.EntryPoint(name, value, _GROUP) for name, value in declared.items()}
    installed = metadata.distribution("isthmus").entry_points.select(group=_GROUP)
    return {point.name: point for point in installed}


def _say_version(context: click.Context, option: click.Parameter, asked: bool) -> None:
    """Show the version and exit."""
    if asked:
        from crypto.version import installed_version

        click.echo(f"isthmus {installed_version()}")
        context.exit()


@click.command(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_say_version,
    help="Show the version and exit.",
)
def isthmus() -> None:
    """Train one credit model over the data of several organisations. No row leaves its owner.

    Start with `isthmus demo`. Every command takes --format json for machines, and --dry-run where it writes
    or sends something. `isthmus help CODE` explains an error.
    Exit codes: 2 usage, 3 refusal, 4 another role's failure.
    """


def main() -> NoReturn:
    """Run a command; an error becomes its text, its next step and its exit code."""
    _put_our_rooms_first()
    try:
        isthmus.main(prog_name="isthmus", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.ClickException as error:
        _fail(_usage(error))
    except IsthmusError as error:
        _fail(error)
    except (click.Abort, KeyboardInterrupt):
        stopped = IsthmusError(
            "stopped before the end", advice="Run the command again.", code=Code.INTERRUPTED
        )
        stopped.exit_code = 130
        _fail(stopped)
    except BrokenPipeError:
        # Whoever read our output has gone, as `| head` does; the interpreter must not flush to it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if os.environ.get("ISTHMUS_DEBUG"):
            raise
        _fail(
            UsageError(
                f"the system refused: {error.strerror or type(error).__name__}",
                file=str(error.filename) if error.filename is not None else None,
                advice="Check that path, the rights on it and the space on its disk.",
                code=of_system(error),
            )
        )
    except Exception as error:  # The edge of the program: no stack trace reaches a user.
        if os.environ.get("ISTHMUS_DEBUG"):
            raise
        unforeseen = IsthmusError(
            f"an error that nobody foresaw ({type(error).__name__})",
            advice="Run it again with ISTHMUS_DEBUG=1 and report what it prints, without any data in it.",
            code=Code.UNFORESEEN,
        )
        _fail(unforeseen)
    sys.exit(0)


def _put_our_rooms_first() -> None:
    """Find the rooms beside this one before other distributions' folders of the same name.

    Opacus installs a top-level `benchmarks` of its own, and a .pth file puts ours behind it.
    """
    house = str(Path(__file__).parents[1])
    if sys.path[:1] != [house]:
        sys.path.insert(0, house)


def _usage(error: click.ClickException) -> UsageError:
    """A wrong option or argument, told like every other error."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context is not None else "isthmus"
    what = error.format_message().strip().rstrip(".")
    return UsageError(
        f"{what[:1].lower()}{what[1:]}", advice=f"`{command} --help` lists what it takes.", code=Code.OPTION
    )


def _fail(error: IsthmusError) -> NoReturn:
    say_error(error)
    sys.exit(error.exit_code)
