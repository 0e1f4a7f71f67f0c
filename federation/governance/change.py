"""What a new version of a manifest changes, in plain words: above all what it would newly allow.

A change allows more where a rule that bound before binds no longer or binds later: another form of egress, a
lower grade, less personal, another place of storage, a smaller cohort, a longer retention, a kind of subject
that is not named any more. What is neither looser nor stricter is told as a change and no more.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from federation.governance.manifest import FieldFacts, Manifest, Right
from federation.governance.terms import Form, National, Nfra, Personal, Use


class Effect(enum.Enum):
    """What a change does to what is allowed."""

    ALLOWS = "would newly allow"
    FORBIDS = "would no longer allow"
    SAYS = "changes besides"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: its field path and a sentence. `warns`: somebody should answer for it by name."""

    place: str
    told: str
    effect: Effect
    warns: bool = False

    @property
    def sentence(self) -> str:
        """The change as people read it."""
        return f"{self.place}: {self.told}"


_SYSTEMS: tuple[tuple[str, str, Sequence[object]], ...] = (
    ("gbt43697", "GB/T 43697", list(National)),
    ("jrt0197", "JR/T 0197", [1, 2, 3, 4, 5]),
    ("nfra", "NFRA Order 24", list(Nfra)),
    ("miit", "MIIT", list(National)),
)


def changes(old: Manifest, new: Manifest) -> tuple[Change, ...]:
    """Every difference between two versions, those that allow more first."""
    found = [
        *_fields(old, new),
        *_party(old, new),
        *_dataset(old, new),
        *_rights(old, new),
        *_table(old, new),
    ]
    return tuple(sorted(found, key=lambda change: list(Effect).index(change.effect)))


# -- fields -------------------------------------------------------------------------------------------


def _fields(old: Manifest, new: Manifest) -> Iterator[Change]:
    for name in dict.fromkeys((*old.fields, *new.fields)):
        place, before, after = f"fields.{name}", old.fields.get(name), new.fields.get(name)
        if before is None and after is not None:
            effect = Effect.ALLOWS if after.egress else Effect.SAYS
            yield Change(place, f"is new; {_leaving(after.egress)}", effect)
        elif after is None and before is not None:
            effect = Effect.FORBIDS if before.egress else Effect.SAYS
            yield Change(place, "is in the manifest no more, so nothing of it may leave", effect)
        elif before is not None and after is not None:
            yield from _field(place, before, after)


def _field(place: str, old: FieldFacts, new: FieldFacts) -> Iterator[Change]:
    for form in new.egress:
        if form not in old.egress:
            yield Change(place, f'something of it may leave as "{form.value}"', Effect.ALLOWS)
    for form in old.egress:
        if form not in new.egress:
            yield Change(place, f'nothing of it may leave as "{form.value}" any more', Effect.FORBIDS)
    for system, title, order in _SYSTEMS:
        yield from _grade(place, title, getattr(old.grades, system), getattr(new.grades, system), order)
    yield from _ranked(f"{place}.personal", old.personal, new.personal, list(Personal).index, warns=True)
    if old.use is not new.use:
        freed = {(True, False): Effect.ALLOWS, (False, True): Effect.FORBIDS}
        effect = freed.get((old.use is Use.NEVER, new.use is Use.NEVER), Effect.SAYS)
        yield Change(f"{place}.use", f"from {_word(old.use)} to {_word(new.use)}", effect)
    for name in ("type", "unit", "category", "derived_from"):
        yield from _plain(f"{place}.{name}", getattr(old, name), getattr(new, name))


def _grade(place: str, title: str, old: object, new: object, order: Sequence[object]) -> Iterator[Change]:
    """A grade that is lower, or is not given any more, is always a warning: it lets other rules sleep."""
    if old == new:
        return
    if old is None:
        yield Change(place, f"is graded by {title} now: {_word(new)}", Effect.FORBIDS)
    elif new is None:
        told = f"is not graded by {title} any more; it was {_word(old)}"
        yield Change(place, told, Effect.ALLOWS, warns=True)
    else:
        lower = order.index(new) < order.index(old)
        told = f"its grade by {title} {'falls' if lower else 'rises'} from {_word(old)} to {_word(new)}"
        yield Change(place, told, Effect.ALLOWS if lower else Effect.FORBIDS, warns=lower)


def _leaving(forms: Iterable[Form]) -> str:
    listed = ", ".join(f'"{form.value}"' for form in forms)
    return f"something of it may leave as {listed}" if listed else "nothing of it may leave"


# -- the party, the dataset, its table -----------------------------------------------------------------


def _party(old: Manifest, new: Manifest) -> Iterator[Change]:
    before, after = old.party, new.party
    if before.jurisdiction != after.jurisdiction:
        told = f"from {before.jurisdiction} to {after.jurisdiction}: messages cross other borders"
        yield Change("party.jurisdiction", told, Effect.ALLOWS, warns=True)
    if before.place != after.place:
        told = f"from {before.place or 'none'} to {after.place or 'none'}: another contract may apply (GBA)"
        yield Change("party.place", told, Effect.ALLOWS if after.place else Effect.FORBIDS)
    for name in ("ciio", "us_covered_person"):
        yield from _answered(f"party.{name}", getattr(before, name), getattr(after, name))
    yield from _ranked("party.dpf_certified", before.dpf_certified, after.dpf_certified, _CERTIFIED.index)
    for name in ("id", "legal_name", "kind", "legal_id_scheme", "legal_id", "controller"):
        yield from _plain(f"party.{name}", getattr(before, name), getattr(after, name))


#: The stricter answer later: what is not known is not taken for "no".
_CAUTION = ("no", "unknown", "yes")
_CERTIFIED = ("yes", "not-applicable", "no")


def _dataset(old: Manifest, new: Manifest) -> Iterator[Change]:
    before, after = old.dataset, new.dataset
    for name, told in (("store", "stored"), ("process", "processed"), ("keys", "opened by keys")):
        was, now = getattr(before.residency, name), getattr(after.residency, name)
        yield from _listed(f"dataset.residency.{name}", was, now, f"the data may be {told} in {{}}")
    yield from _dropped("dataset.collected_in", before.collected_in, after.collected_in, "data from {}")
    was_about, is_about = ([kind.value for kind in each.subjects.kinds] for each in (before, after))
    yield from _dropped("dataset.subjects.kinds", was_about, is_about, "rows about a {}")
    yield from _persons(old, new)
    yield from _answered("dataset.notified_important", before.notified_important, after.notified_important)
    yield from _ranked(
        "dataset.retention.data_until",
        before.retention.data_until,
        after.retention.data_until,
        lambda day: -day.toordinal(),
    )
    yield from _ranked(
        "dataset.retention.evidence_days", before.retention.evidence_days, after.retention.evidence_days, int
    )
    for name in ("id", "version", "title"):
        yield from _plain(f"dataset.{name}", getattr(before, name), getattr(after, name))


def _persons(old: Manifest, new: Manifest) -> Iterator[Change]:
    """Fewer persons may stay under a threshold of the law on exports, so a lower number is looser."""
    before, after = old.dataset.subjects.persons, new.dataset.subjects.persons
    for land in dict.fromkeys((*before, *after)):
        for name in ("personal", "sensitive"):
            was, now = (getattr(each[land], name) if land in each else 0 for each in (before, after))
            yield from _ranked(f"dataset.subjects.persons.{land}.{name}", was, now, int, warns=True)


def _rights(old: Manifest, new: Manifest) -> Iterator[Change]:
    for name in ("holding", "processing", "operating"):
        place = f"dataset.rights.{name}"
        before: Right = getattr(old.dataset.rights, name)
        after: Right = getattr(new.dataset.rights, name)
        if before.until != after.until:
            later = after.until is None or (before.until is not None and after.until > before.until)
            told = f"from {_word(before.until)} to {_word(after.until)}"
            yield Change(f"{place}.until", told, Effect.ALLOWS if later else Effect.FORBIDS)
        for part in ("holder", "basis"):
            yield from _plain(f"{place}.{part}", getattr(before, part), getattr(after, part))
        if before.certificate != after.certificate:
            yield Change(f"{place}.certificate", "is another document", Effect.SAYS)


def _table(old: Manifest, new: Manifest) -> Iterator[Change]:
    yield from _ranked("table.min_cohort", old.table.min_cohort, new.table.min_cohort, int)
    yield from _plain("table.key", old.table.key, new.table.key)
    yield from _plain("table.rows", old.table.rows, new.table.rows)


# -- how two values are compared ------------------------------------------------------------------------


def _ranked(
    place: str, old: object, new: object, strictness: Callable[..., int], *, warns: bool = False
) -> Iterator[Change]:
    """Two values of which the one of higher `strictness` allows less. `warns` where it is the looser one."""
    if old != new:
        looser = strictness(new) < strictness(old)
        told = f"from {_word(old)} to {_word(new)}"
        yield Change(place, told, Effect.ALLOWS if looser else Effect.FORBIDS, warns=warns and looser)


def _answered(place: str, old: str, new: str) -> Iterator[Change]:
    yield from _ranked(place, old, new, _CAUTION.index, warns=True)


def _listed(place: str, old: Sequence[str], new: Sequence[str], told: str) -> Iterator[Change]:
    """A list in which each entry allows something."""
    for each in new:
        if each not in old:
            yield Change(place, told.format(each), Effect.ALLOWS)
    for each in old:
        if each not in new:
            yield Change(place, f"no more: {told.format(each)}", Effect.FORBIDS)


def _dropped(place: str, old: Sequence[str], new: Sequence[str], told: str) -> Iterator[Change]:
    """A list in which each entry brings rules with it: dropping one allows what they forbade."""
    for each in old:
        if each not in new:
            gone = f"no more {told.format(each)}, so their rules bind no longer"
            yield Change(place, gone, Effect.ALLOWS, warns=True)
    for each in new:
        if each not in old:
            yield Change(place, f"also {told.format(each)}, so their rules bind", Effect.FORBIDS)


def _plain(place: str, old: object, new: object) -> Iterator[Change]:
    if old != new:
        yield Change(place, f"from {_word(old)} to {_word(new)}", Effect.SAYS)


def _word(value: object) -> str:
    if isinstance(value, enum.Enum):
        return f'"{value.value}"'
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "nothing"
    if isinstance(value, str):
        return f'"{value}"' if value else "nothing"
    return "no end" if value is None else str(value)
