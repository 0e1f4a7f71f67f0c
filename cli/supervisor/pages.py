"""The pages as HTML: no script, nothing from outside, and a policy that lets the browser load nothing."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cli.supervisor import telling, words
from cli.supervisor.diagram import diagram, without_control
from cli.supervisor.facts import RunFacts, Shown, Unread
from cli.supervisor.words import LANGUAGES, Language, Words
from federation.ledger.verify import NOT_SHOWN

_TEMPLATES = Path(__file__).with_name("templates")
#: The most entries of a timeline on one page.
MOST_EVENTS = 2000


class Links(Protocol):
    """Where pages are: addresses of a server, or places in one file."""

    def overview(self) -> str: ...
    def run(self, run: RunFacts) -> str: ...
    def party(self, run: RunFacts, role: str) -> str: ...
    def borders(self, run: RunFacts) -> str: ...
    def timeline(self, run: RunFacts) -> str: ...


@dataclass(frozen=True, slots=True)
class Served:
    """Addresses of the server, all under the language."""

    language: Language

    def overview(self) -> str:
        """The overview."""
        return f"/{self.language}/"

    def run(self, run: RunFacts) -> str:
        """A run."""
        return f"/{self.language}/runs/{run.key}"

    def party(self, run: RunFacts, role: str) -> str:
        """A role in a run."""
        return f"{self.run(run)}/roles/{role}"

    def borders(self, run: RunFacts) -> str:
        """The borders that a run crossed."""
        return f"{self.run(run)}/borders"

    def timeline(self, run: RunFacts) -> str:
        """A run's timeline."""
        return f"{self.run(run)}/timeline"


class InOneFile:
    """Places in a single file."""

    def overview(self) -> str:
        """The overview, at the top."""
        return "#content"

    def run(self, run: RunFacts) -> str:
        """A run."""
        return f"#{run.key}"

    def party(self, run: RunFacts, role: str) -> str:
        """A role in a run."""
        return f"#{run.key}.role.{role}"

    def borders(self, run: RunFacts) -> str:
        """The borders that a run crossed."""
        return f"#{run.key}.borders"

    def timeline(self, run: RunFacts) -> str:
        """A run's timeline."""
        return f"#{run.key}.timeline"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One link of the bar at the top."""

    text: str
    to: str
    here: bool


@dataclass(frozen=True, slots=True)
class Pages:
    """The server's pages in one language. `now`: when they are made."""

    language: Language
    now: dt.datetime

    @property
    def _words(self) -> Words:
        return Words(self.language)

    @property
    def _link(self) -> Served:
        return Served(self.language)

    def overview(self, shown: Shown) -> str:
        """All runs and packs, and the files that are none."""
        return self._page("overview", self._words("overview.title"), "", shown=shown, run=None)

    def run(self, run: RunFacts) -> str:
        """One run."""
        return self._page("run", run.run, f"runs/{run.key}", run=run)

    def borders(self, run: RunFacts) -> str:
        """The borders that it crossed."""
        title = self._words("border.title", run=run.run)
        return self._page("borders", title, f"runs/{run.key}/borders", run=run)

    def timeline(self, run: RunFacts) -> str:
        """What happened in it, by time."""
        title = self._words("timeline.title", run=run.run)
        return self._page("timeline", title, f"runs/{run.key}/timeline", run=run)

    def party(self, run: RunFacts, role: str) -> str:
        """One role of it, whose pack is here: its grants, and what was used of them."""
        title = self._words("party.title", role=role, run=run.run)
        return self._page("party", title, f"runs/{run.key}/roles/{role}", run=run, pack=run.pack(role))

    def error(self, status: int, problem: Unread | None = None) -> str:
        """A page that says what is not there, or why it cannot be shown; `problem`: which file."""
        heading = self._words("error.folder" if problem else f"error.{status}")
        told = {"why": "", "file": "", "advice": ""}
        if problem is not None:
            told = {"why": problem.why, "file": problem.file, "advice": problem.advice}
        return self._page("error", heading, "", run=None, heading=heading, **told)

    def _page(self, part: str, title: str, path: str, **values: object) -> str:
        run = values.get("run")
        other = LANGUAGES[(LANGUAGES.index(self.language) + 1) % len(LANGUAGES)]
        return _fill(
            "page.html",
            self._words,
            self.now,
            part=f"{part}.html",
            title=title,
            link=self._link,
            home=self._link.overview(),
            pages=self._bar(run, part) if isinstance(run, RunFacts) else (),
            other=f"/{other}/{path}",
            other_tag=words.TAGS[other],
            **values,
        )

    def _bar(self, run: RunFacts, part: str) -> tuple[_Entry, ...]:
        link = self._link
        places = {"run": link.run(run), "borders": link.borders(run), "timeline": link.timeline(run)}
        overview = _Entry(self._words("nav.overview"), link.overview(), False)
        rest = (_Entry(self._words(f"nav.{name}"), to, name == part) for name, to in places.items())
        return (overview, *rest)


def whole(shown: Shown, language: Language, now: dt.datetime) -> str:
    """Everything in one file, which needs no server."""
    told = Words(language)
    return _fill(
        "whole.html",
        told,
        now,
        title=told("overview.title"),
        link=InOneFile(),
        home="",
        pages=(),
        other="",
        other_tag="",
        shown=shown,
    )


def policy(*, in_header: bool) -> str:
    """The Content-Security-Policy: the style sheet in the page by its digest, and nothing else.

    in_header: with what only a header can say, that no page may frame this one.
    """
    digest = base64.b64encode(hashlib.sha256(_style_sheet().encode()).digest()).decode()
    rules = [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
        *(["frame-ancestors 'none'"] if in_header else []),
    ]
    return "; ".join(rules)


def _fill(template: str, told: Words, now: dt.datetime, **values: object) -> str:
    return (
        _environment()
        .get_template(template)
        .render(
            t=told,
            now=now,
            css=Markup(_style_sheet()),  # noqa: S704 - our own file
            policy=policy(in_header=False),
            not_shown=[told(f"not_shown.{place}") for place in range(1, len(NOT_SHOWN) + 1)],
            most_events=MOST_EVENTS,
            **values,
        )
    )


@cache
def _style_sheet() -> str:
    return (_TEMPLATES / "style.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    """Templates that escape every text, and stop at a name that they are not given."""
    found = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    for each in (words.number, words.size, words.time, words.digest, diagram, without_control):
        found.filters[each.__name__] = each
    sentences = (telling.headline, telling.found, telling.first_wrong, telling.tally, telling.checks_by)
    of_grants = (telling.standing, telling.standing_text, telling.sentence, telling.limits)
    for told in (*sentences, *of_grants, telling.by_rule, telling.over, telling.told):
        found.filters[told.__name__] = told
    return found
