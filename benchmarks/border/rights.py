"""Violations of rights: a grant or a manifest that does not cover the plan, or stops to. Nothing may leave.

The platform is the owner whose papers are changed; they are put back afterwards.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from unittest import mock

from benchmarks.border.mutations import BANK, PLATFORM, Found, Mutation, World, refusal
from benchmarks.border.playing import GRANT, play
from federation import files
from federation.egress import Egress
from federation.governance.grant import Grant, GrantLimits
from federation.governance.manifest import Manifest
from federation.governance.terms import Form, National, Operation, Use
from federation.ids import AGGREGATOR, PartyId
from federation.message import Message
from federation.messages.logistic import MaskedLogit
from parties.governance.inspect.drafting import document
from parties.governance.shelf import Shelf

_DATASET = "data"


@contextlib.contextmanager
def papers(world: World) -> Iterator[Shelf]:
    """The platform's papers, put back afterwards. What the ledger says of them stays: it only grows."""
    shelf = Shelf(world.home(PLATFORM))
    kept = shelf.folder.with_name("governance.kept")
    shutil.copytree(shelf.folder, kept)
    try:
        yield shelf
    finally:
        for name in ("grants", "revocations"):
            shutil.rmtree(shelf.folder / name, ignore_errors=True)
        # What was spent meanwhile stays spent: an older record is refused.
        shutil.copytree(kept, shelf.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("spent.*"))
        shutil.rmtree(kept)


def granted_again(shelf: Shelf, **changed: Any) -> None:
    """Another grant in the place of the one that covers the plan."""
    grant = shelf.grant(GRANT).grant
    _withdraw(shelf)
    shelf.put(Grant.model_validate({**grant.model_dump(), **changed}))


def _addressed(shelf: Shelf, names: Mapping[str, str], moved: Mapping[str, str] | None = None) -> None:
    """A grant to others: new name -> whose place and key it has; `moved`: to another place."""
    to = shelf.grant(GRANT).grant.to
    said = {name: to[PartyId(whose)].model_copy() for name, whose in names.items()}
    for name, place in (moved or {}).items():
        said[name] = said[name].model_copy(update={"place": place})
    granted_again(shelf, to={name: recipient.model_dump() for name, recipient in said.items()})


def _withdraw(shelf: Shelf) -> None:
    """Take the grant's file away; nothing else ever does."""
    (shelf.folder / "grants" / f"{GRANT}.dsse.json").unlink()


def _graded(shelf: Shelf, resign: bool, **changed: Any) -> None:
    """Features with other facts in the manifest; `resign`: and the grant signed anew over it."""
    before = shelf.manifest(_DATASET)
    fields = {
        name: facts.model_copy(update=changed) if facts.use is Use.FEATURE else facts
        for name, facts in before.fields.items()
    }
    _written(shelf, before.model_copy(update={"fields": fields}))
    if resign:
        granted_again(shelf, manifest_sha256=shelf.manifest(_DATASET).digest)


def _written(shelf: Shelf, manifest: Manifest) -> None:
    now = dt.datetime.now(dt.UTC)
    files.write(shelf.manifest_file(_DATASET), document(manifest, now).encode())


def _before(change: Callable[[Shelf], None]) -> Callable[[World], Found]:
    """The papers are changed before the order comes: nothing may have left anybody."""

    def seed(world: World) -> Found:
        with papers(world) as shelf:
            change(shelf)
            played = play(world.sandbox)
        if played.frames.get(PLATFORM):
            return Found((), "something left before the refusal")
        return refusal(played)

    return seed


def _in_the_middle(change: Callable[[Shelf], None]) -> Callable[[World], Found]:
    """The papers cover the plan, and not one of its messages: that one does not leave."""

    def seed(world: World) -> Found:
        with papers(world) as shelf:
            change(shelf)
            return refusal(play(world.sandbox))

    return seed


def _revoked_meanwhile(world: World) -> Found:
    """The grant is revoked in the middle of training: the next messages stop."""
    send, lock = Egress.send, threading.Lock()
    done: list[bool] = []
    with papers(world) as shelf:

        def sent(self: Egress, to: PartyId, sending: Message) -> None:
            with lock:
                if self._guard.me == PLATFORM and type(sending) is MaskedLogit and not done:
                    done.append(True)
                    shelf.revoke(GRANT, "changed their mind", dt.datetime.now(dt.UTC))
            send(self, to, sending)

        with mock.patch.object(Egress, "send", sent):
            return refusal(play(world.sandbox))


def _another_purpose(world: World) -> Found:
    """The same parties and columns, after a model was made, for something else."""
    return refusal(play(world.sandbox, world.case.plan.model_copy(update={"purpose": "marketing"})))


_PAST = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


def _expired(shelf: Shelf) -> None:
    granted_again(shelf, valid_from=_PAST, valid_until=_PAST + dt.timedelta(days=1))


def _not_begun(shelf: Shelf) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    granted_again(shelf, valid_from=later, valid_until=later + dt.timedelta(days=1))


def _revoked(shelf: Shelf) -> None:
    shelf.revoke(GRANT, "changed their mind", dt.datetime.now(dt.UTC))


def _later_version(shelf: Shelf) -> None:
    before = shelf.manifest(_DATASET)
    dataset = before.dataset.model_copy(update={"version": "another"})
    _written(shelf, before.model_copy(update={"dataset": dataset}))


def _lower_grade(shelf: Shelf) -> None:
    facts = next(each for each in shelf.manifest(_DATASET).fields.values() if each.use is Use.FEATURE)
    _graded(shelf, False, grades=facts.grades.model_copy(update={"jrt0197": 1}))


def _core(shelf: Shelf) -> None:
    facts = next(each for each in shelf.manifest(_DATASET).fields.values() if each.use is Use.FEATURE)
    _graded(shelf, True, grades=facts.grades.model_copy(update={"gbt43697": National.CORE}), egress=())


MUTATIONS: tuple[Mutation, ...] = (
    Mutation("no grant", "rights", "G-GRANT", _before(_withdraw)),
    Mutation("expired grant", "rights", "G-EXPIRED", _before(_expired)),
    Mutation("grant of tomorrow", "rights", "G-EXPIRED", _before(_not_begun)),
    Mutation("revoked grant", "rights", "G-GRANT", _before(_revoked)),
    Mutation("grant revoked in the middle of a round", "rights", "G-EXPIRED", _revoked_meanwhile),
    Mutation(
        "grant for another purpose",
        "rights",
        "G-PURPOSE",
        _before(lambda shelf: granted_again(shelf, purpose="marketing")),
    ),
    Mutation(
        "grant for another operation",
        "rights",
        "G-GRANT",
        _before(lambda shelf: granted_again(shelf, operations=(Operation.PSI,))),
    ),
    Mutation(
        "grant of another field",
        "rights",
        "G-GRANT",
        _before(lambda shelf: granted_again(shelf, fields=("uscc",))),
    ),
    Mutation(
        "grant to another party",
        "rights",
        "G-GRANT",
        _before(lambda shelf: _addressed(shelf, {AGGREGATOR: AGGREGATOR, "public": BANK})),
    ),
    Mutation("model made again for another purpose", "rights", "G-PURPOSE", _another_purpose),
    Mutation("manifest changed after signing", "rights", "G-MANIFEST", _before(_later_version)),
    Mutation("grade lowered after signing", "rights", "G-MANIFEST", _before(_lower_grade)),
    Mutation("core data", "rights", "G-GRADE", _before(_core)),
    Mutation(
        "form that the manifest does not permit",
        "rights",
        "G-GRADE",
        _in_the_middle(lambda shelf: _graded(shelf, True, egress=(Form.AGGREGATE,))),
    ),
    Mutation(
        "border without a mechanism",
        "rights",
        "G-TRANSFER",
        _before(lambda shelf: _addressed(shelf, {AGGREGATOR: AGGREGATOR, BANK: BANK}, {BANK: "SG"})),
    ),
    Mutation(
        "more rounds than were granted",
        "rights",
        "G-LIMIT",
        _before(lambda shelf: granted_again(shelf, limits=GrantLimits(max_rounds=1))),
    ),
)
