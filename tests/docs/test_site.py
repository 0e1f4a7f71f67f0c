"""The site builds without a warning, tells of every command and protocol, and asks no other host."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import click
import pytest

from cli.main import isthmus
from tests.docs.blocks import PAGES, ROOT

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mkdocs") is None, reason="mkdocs is not installed (pip install 'isthmus[dev]')"
)
#: What a browser fetches by itself; `a` is followed by people.
FETCHED = {
    "link": "href",
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "use": "href",
    "video": "src",
}
#: Hosts that the theme's script asks on occasion: for a polyfill in browsers of 2019, for diagrams, for a
#: repository's stars. No page has a diagram, and mkdocs.yml names no repository.
ON_DEMAND = {"unpkg.com", "api.github.com"}


class _Fetches(HTMLParser):
    """What a page fetches by itself, its canonical address aside."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in FETCHED and (address := given.get(FETCHED[tag])) and given.get("rel") != "canonical":
            self.found.append(address)
        if style := given.get("style"):
            self.found += re.findall(r"url\(['\"]?(.*?)['\"]?\)", style)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out: Path = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return out


def text(page: Path) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8")))


def test_every_page_is_there_and_fetches_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= len([page for page in PAGES if page.name != "README.md"])
    for page in pages:
        found = _Fetches(page.read_text(encoding="utf-8")).found
        assert found, page
        assert [each for each in found if re.match(r"(?:[a-z]+:)?//", each)] == [], page


def test_no_style_or_script_asks_another_host(site: Path) -> None:
    for file in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", file.read_text("utf-8")), file
    for file in site.rglob("assets/javascripts/*.js"):
        called = set(re.findall(r"[\"'`]https?://([a-z0-9.-]+)", file.read_text("utf-8")))
        assert called <= ON_DEMAND, file
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "repo_url" not in settings and "analytics" not in settings
    assert not any("class=mermaid" in page.read_text("utf-8") for page in site.rglob("*.html"))


def test_a_page_that_fetched_from_elsewhere_would_be_found() -> None:
    bad = '<link rel="stylesheet" href="https://fonts.googleapis.com/x"><img src="//cdn.example/x.png">'
    assert _Fetches(bad).found == ["https://fonts.googleapis.com/x", "//cdn.example/x.png"]


def commands(group: click.Group, name: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for each in group.list_commands(context):
        command = group.get_command(context, each)
        assert command is not None
        if command.hidden:
            continue
        yield f"{name} {each}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {each}")


def test_the_reference_has_every_command_with_its_options(site: Path) -> None:
    told = text(site / "reference" / "commands.html")
    for name, command in commands(isthmus, "isthmus"):
        assert name in told, name
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert parameter.opts[0] in told, (name, parameter.opts)


def test_protocols_say_who_learns_what(site: Path) -> None:
    told = text(site / "protocols.html")
    for module in ("parties.alignment", "parties.scorecard.counting", "parties.reject.lookup"):
        assert module in told
    whole = (site / "protocols.html").read_text(encoding="utf-8")
    assert len(re.findall(r"What each role learns:</p>\s*<div class=\"highlight\">", whole)) >= 4
