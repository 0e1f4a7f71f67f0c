"""Evidence packs as pages for a supervisor: served for reading on this machine, or written as one file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.output import format_option, say
from cli.service import stop_on_signal, tell, until_stdin_ends
from cli.trial import dry_run_option, say_would, writing
from cli.trusting import trust_option, trusted
from crypto.errors import UsageError

F = TypeVar("F", bound=Callable[..., Any])

_LOOPBACK = ("127.0.0.1", "localhost")
#: Addresses that mean all: a request's own host could not be compared with them.
_EVERY = ("", "0.0.0.0", "::", "*")  # noqa: S104 - refused, not listened on

_language = click.option(
    "--lang",
    "language",
    type=click.Choice(["zh", "en"]),
    default="en",
    show_default=True,
    help="The language to begin in.",
)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--host", default=_LOOPBACK[0], show_default=True, help="Where to listen; this machine alone.")
@click.option("--port", type=click.IntRange(0, 65535), default=8650, show_default=True)
@_language
@trust_option()
@until_stdin_ends
@format_option
def serve(
    folder: Path,
    host: str,
    port: int,
    language: str,
    trust: tuple[str, ...],
    until_stdin_ends: bool,
    output: str,
) -> None:
    """Serve pages on the evidence packs in FOLDER, for reading, until it is stopped.

    They are made from the packs alone: no key and no data is used, and nothing is sent elsewhere.
    """
    from cli.supervisor.app import app
    from cli.supervisor.shelf import Shelf
    from federation.local_pages import LocalPages

    if host in _EVERY:
        raise UsageError(
            "the pages are for one address, and this stands for every one of this machine",
            field="--host",
            advice="Give the address that readers will open; without --host it is this machine alone.",
        )
    shelf = Shelf(folder, trusted(trust))
    shelf.look()
    stop = stop_on_signal(until_stdin_ends)
    names = frozenset({host.lower(), *(_LOOPBACK if host in _LOOPBACK else ())})
    pages = LocalPages(app(shelf, "zh" if language == "zh" else "en", names), host, port)
    shown_port = pages.start()
    try:
        address = f"http://{f'[{host}]' if ':' in host else host}:{shown_port}/{language}/"
        if output == "json":
            say(output, {"serving": str(folder), "address": address, "language": language}, "")
        else:
            tell(f"pages on the packs in {folder}: {address}")
            if host not in _LOOPBACK:
                tell("others on the network can read them, without encryption and without a password")
        stop.wait()
    finally:
        pages.stop()


@click.command()
@click.argument(
    "packs", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The HTML file to write."
)
@_language
@trust_option()
@dry_run_option
@format_option
def page(
    packs: Sequence[Path], out: Path, language: str, trust: tuple[str, ...], dry_run: bool, output: str
) -> None:
    """Write what the supervisor's pages say of PACKS as one HTML file, which opens without a network."""
    from cli.supervisor.pages import whole
    from cli.supervisor.shelf import shown
    from federation import files

    found = shown(packs, trusted(trust))
    text = whole(found, "zh" if language == "zh" else "en", dt.datetime.now(dt.UTC))
    with writing(out, dry_run) as file:
        files.write_private(file, text.encode("utf-8", "replace"))
    if dry_run:
        say_would(output, f"write {out}", runs=len(found.runs))
        return
    facts = {
        "file": str(out),
        "runs": [{"run": run.run, "state": run.state.value} for run in found.runs],
        "unread": [{"file": each.file, "why": each.why} for each in found.unread],
    }
    say(
        output,
        facts,
        f"wrote {out}; runs: {len(found.runs)}, files that cannot be shown: {len(found.unread)}",
    )
