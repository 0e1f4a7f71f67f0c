"""Both languages say all of it, with the same values put in."""

from __future__ import annotations

import datetime as dt
import re
import string
from pathlib import Path

import pytest

from cli.supervisor import pages
from cli.supervisor.words import LANGUAGES, Language, Words, catalogue, digest, size, time
from federation.governance.terms import Form, Mechanism, Operation, Regime
from federation.ledger.entries import KINDS
from federation.ledger.findings import Finding, Happened, State
from federation.ledger.lines import UNREADABLE
from federation.ledger.verify import NOT_SHOWN

ROOM = Path(pages.__file__).parent
#: Groups whose names come from values; each is looked at by a test of its own.
LISTS = {
    "form": {form.value for form in Form},
    "meaning": {form.value for form in Form},
    "operation": {operation.value for operation in Operation},
    "mechanism": {mechanism.value for mechanism in Mechanism},
    "regime": {regime.value for regime in Regime},
    "state": {state.value for state in State},
    "badge": {state.value for state in State if state is not State.NOT_APPLICABLE},
    "happened": {happened.value for happened in Happened},
    "kind": {*KINDS, UNREADABLE},
    "entry": {*KINDS, UNREADABLE},
    "not_shown": {str(place) for place in range(1, len(NOT_SHOWN) + 1)},
}
NAMED = {"place", "check", "outcome", "error", "nav"}


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_text_is_there_in_both_languages_with_the_same_values() -> None:
    english, chinese = catalogue("en"), catalogue("zh")
    assert english.keys() == chinese.keys()
    assert not {key for key in english if places(english[key]) != places(chinese[key])}
    assert not [key for key in english if not english[key].strip() or not chinese[key].strip()]


def test_chinese_is_chinese_but_for_names() -> None:
    assert not [key for key, text in catalogue("zh").items() if text == catalogue("en")[key]]


@pytest.mark.parametrize("group", LISTS)
def test_every_value_of_a_closed_list_has_its_words_and_no_other(group: str) -> None:
    found = {key.partition(".")[2] for key in catalogue("en") if key.startswith(f"{group}.")}
    assert found == LISTS[group]


def test_a_ledgers_entry_is_told_with_fields_that_it_has() -> None:
    for kind, fields in KINDS.items():
        assert places(catalogue("en")[f"kind.{kind}"]) <= fields.keys()


def test_what_no_check_can_show_is_told_as_the_verifier_tells_it() -> None:
    told = [catalogue("en")[f"not_shown.{place}"] for place in range(1, len(NOT_SHOWN) + 1)]
    assert tuple(told) == NOT_SHOWN


def test_every_text_is_used_and_every_text_that_is_used_is_there() -> None:
    sources = [*ROOM.glob("*.py"), *(ROOM / "templates").glob("*.html")]
    text = "\n".join(path.read_text() for path in sources)
    used = set(re.findall(r'\b(?:t|words|told|self|self\._words)\(\s*"([a-z_]+\.[a-z_A-Z0-9-]+)"', text))
    plain = {key for key in catalogue("en") if key.partition(".")[0] not in {*LISTS, *NAMED, "limit"}}
    assert used - set(catalogue("en")) == set()
    assert plain - used == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_finding_is_placed_in_words(language: Language) -> None:
    words = Words(language)
    entry = Finding(Happened.DROPPED, "", index=7, kind="round", at="2026-11-27T09:00:00Z")
    assert "7" in words.where(entry)
    assert words("entry.round") in words.where(entry)
    assert "2026-11-27 09:00:00 UTC" in words.where(entry)
    several = words.where(Finding(Happened.FORKED, "", index=3, until=9))
    assert "3" in several and "9" in several
    assert "guard.jsonl" in words.where(Finding(Happened.CHANGED, "", "guard.jsonl", line=12))


def test_figures_and_times_are_written_for_people() -> None:
    assert [size(n) for n in (0, 999, 1000, 99_949, 999_499, 999_500, 12_345_678, 5 * 10**12)] == [
        "0 B", "999 B", "1.00 kB", "99.9 kB", "999 kB", "1.00 MB", "12.3 MB", "5000 GB",
    ]  # fmt: skip
    assert time("2026-11-27T09:00:00Z") == "2026-11-27 09:00:00 UTC"
    assert time(dt.datetime(2026, 11, 27, 17, tzinfo=dt.timezone(dt.timedelta(hours=8)))).startswith(
        "2026-11-27 09:00:00"
    )
    assert time("no time") == "no time"
    assert digest("a" * 64) == "a" * 16 + "…"
