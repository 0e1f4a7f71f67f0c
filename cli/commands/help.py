"""What the code of an error means, and what a command takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cli.completing import topics
from cli.output import format_option, say
from cli.words import spoken
from crypto.codes import Code
from crypto.errors import UsageError

if TYPE_CHECKING:
    from cli.codes import Meaning
    from cli.words import Language


@click.command(name="help")
@click.argument("topic", nargs=-1, shell_complete=topics)
@click.option("--markdown", is_flag=True, help="All codes as a page: docs/errors.md is made with it.")
@format_option
@click.pass_context
def command(context: click.Context, topic: tuple[str, ...], markdown: bool, output: str) -> None:
    """Explain TOPIC: the code of an error, such as IST-2301, or a command. Without one: list all codes."""
    from cli import codes

    language = spoken()
    if markdown:
        click.echo(page(language), nl=False)
    elif not topic:
        known = list(codes.meanings(language))
        say(output, {"codes": [each.to_json() for each in known]}, _listed(known, language))
    elif (code := codes.named(" ".join(topic))) is not None:
        told = codes.meaning(code, language)
        say(output, told.to_json(), _explained(told, language))
    else:
        found = _command_context(context.find_root(), topic)
        say(output, {"command": found.command_path, "help": found.get_help()}, found.get_help())


def page(language: Language) -> str:
    """All codes, by family, in Markdown."""
    from cli import codes

    lines = [f"# {codes.label('page', language)}", "", codes.label("page_lead", language)]
    family = ""
    for told in codes.meanings(language):
        if told.family != family:
            family = told.family
            lines += ["", f"## {family}"]
        lines += ["", f"### {told.code} · {told.title}", "", f"{told.why}", ""]
        lines += [f"**{codes.label('to_do', language)}** {told.next}"]
    return "\n".join(lines) + "\n"


def _listed(known: list[Meaning], language: Language) -> str:
    from cli import codes

    lines, family = [codes.label("list", language)], ""
    for told in known:
        if told.family != family:
            family = told.family
            lines += ["", family]
        lines.append(f"  {told.code}  {told.title}")
    return "\n".join(lines)


def _explained(told: Meaning, language: Language) -> str:
    from cli import codes

    after = codes.label("colon", language)
    lines = [f"{told.code}{after}{told.title}", f"{told.family}", ""]
    lines += [f"{codes.label('why', language)}{after}{told.why}"]
    lines += [f"{codes.label('to_do', language)}{after}{told.next}"]
    lines += [f"{codes.label('since', language)}{after}{told.since}"]
    return "\n".join(lines)


def _command_context(root: click.Context, topic: tuple[str, ...]) -> click.Context:
    """The context of a command, or a `UsageError` with what is near."""
    context = root
    for name in topic:
        group = context.command
        found = group.get_command(context, name) if isinstance(group, click.Group) else None
        if found is None:
            raise _unknown(context, " ".join(topic), name)
        context = click.Context(found, info_name=name, parent=context)
    return context


def _unknown(context: click.Context, topic: str, name: str) -> UsageError:
    from cli import codes

    group = context.command
    near = codes.nearest(name, group.list_commands(context) if isinstance(group, click.Group) else [])
    return UsageError(
        f"there is no code or command {topic[:60]!r}",
        advice=f"Did you mean {', '.join(near)}? `isthmus help` lists all codes."
        if near
        else "`isthmus help` lists all codes; with --help instead, `isthmus` lists the commands.",
        code=Code.NO_SUCH_TOPIC,
    )
