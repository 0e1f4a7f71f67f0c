"""The report as one HTML file in one language: no script, nothing from outside."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchmarks.border.report import dots, mapping, rows
from benchmarks.border.report.words import Words
from benchmarks.border.results import Border
from cli.supervisor.diagram import diagram
from cli.supervisor.words import TAGS, number, size
from federation.compliance.catalogue import Catalogue, catalogue
from federation.compliance.verdicts import Language, Verdict

_LANGUAGES: tuple[Language, ...] = ("en", "zh")
_CLEARED = (Verdict.PASS, Verdict.NOT_APPLICABLE)
_LIMITS = ("law", "facts", "signed", "data", "attacks", "beyond", "memory")
#: Anchor of each section, in order; its title is `NAME.title` of the words.
SECTIONS = (
    "answer",
    "summary",
    "readings",
    "scenarios",
    "attacks",
    "cost",
    "violations",
    "due",
    "packs",
    "limits",
)


def page(border: Border, language: Language, rules: Catalogue | None = None, *, both: bool = True) -> str:
    """The report. `both`: the page in the other language stands beside it, so that it is pointed at."""
    rules = catalogue() if rules is None else rules
    words = Words(language)
    other = _LANGUAGES[(_LANGUAGES.index(language) + 1) % len(_LANGUAGES)]
    waiting = rows.due(border, rules)
    return (
        _environment()
        .get_template("page.html")
        .render(
            t=words,
            border=border,
            answer=list(_answer(border, rules, sum(each.count for each in waiting), words)),
            plans=[
                (each, rows.matrix(each, rules), mapping.mapped(each.case, words))
                for each in border.scenarios
            ],
            plots=dots.drawn(border.attacks, words),
            waiting=waiting,
            rules=rules,
            judged_by={name: sha for each in border.scenarios for name, sha in each.judgement.packs.items()},
            verdicts=list(Verdict),
            limits=_LIMITS,
            other=f"report.{other}.html" if both else "",
            other_tag=TAGS[other],
            css=Markup(_style_sheet()),  # noqa: S704 - our own files
            policy=_policy(),
        )
    )


def _answer(border: Border, rules: Catalogue, waiting: int, words: Words) -> Iterator[str]:
    """The paragraph on top, a sentence each."""
    plans = border.scenarios
    yield words(
        "answer.played",
        count=len(plans),
        mode=words.name("mode", border.mode),
        controls=sum(1 for _ in rules),
        packs=len(rules.packs),
    )
    wrong = [each.id for each in plans if not each.as_expected]
    if wrong:
        yield words("answer.not_as_expected", names=words.names(wrong))
    elif plans:
        yield words("answer.as_expected")
    stopped = [each.id for each in plans if each.refused]
    if stopped:
        yield words("answer.stopped", names=words.names(stopped))
    if border.seeded:
        yield words(
            "answer.violations",
            seeded=border.seeded,
            detected=border.detected,
            missed=len(border.missed),
            limits=len(border.declared_limits),
        )
    else:
        yield words("answer.no_violations")
    if border.clean_runs:
        yield words("answer.clean", clean=border.clean_runs, alarms=border.false_alarms)
    else:
        yield words("answer.no_clean")
    green = [each.id for each in plans if each.judgement.verdict("R1") in _CLEARED]
    yield (words("answer.green", names=words.names(green)) if green else words("answer.no_green"))
    if waiting:
        yield words("answer.sign", count=waiting)
    flips = [each.id for each in plans if each.judgement.flips]
    yield (words("answer.flips", names=words.names(flips)) if flips else words("answer.no_flips"))
    reviewed = all(pack.reviewed_by for pack in rules.packs)
    yield words("answer.reviewed" if reviewed else "answer.unreviewed")


def _state(words: Words, value: str | Verdict) -> Markup:
    """A verdict as a word with its shape; the shape is of the style sheet, by the class."""
    name = value.value if isinstance(value, Verdict) else value
    kind = {"void": "unknown"}.get(name, name)
    return Markup('<span class="state {}">{}</span>').format(kind, words.name("verdict", name))


def _times(value: float, of: float) -> str:
    """How many times as much; a dash where there is nothing to compare with."""
    return f"{value / of:.3g}" if of else "–"


def _policy() -> str:
    """The style sheet by its digest, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(_style_sheet().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@cache
def _style_sheet() -> str:
    """The supervisor's, and what this report adds to it."""
    shared = resources.files("cli.supervisor").joinpath("templates", "style.css").read_text("utf-8")
    own = resources.files("benchmarks.border.report").joinpath("style.css").read_text("utf-8")
    return f"{shared}\n{own}"


@cache
def _environment() -> Environment:
    """Templates that escape every text, and stop at a name that they are not given."""
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"number": number, "size": size, "diagram": diagram}
    found.globals |= {"state": _state, "times": _times, "sections": SECTIONS}
    return found
