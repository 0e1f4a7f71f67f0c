"""Identifiers of another party, from what an alignment shows.

Hashed identifiers are identifiers: who has the register of all firms hashes it too, salt or no salt, since
every party must know the salt. Points that are blinded under a key that nobody else has cannot be compared
with a register. An alignment that is run again with other sets tells for every firm in them whether the other
has it: that is its purpose, so owners limit how often it may be run.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.attacks.figures import Control, Found, rate
from benchmarks.attacks.setting import Setting
from benchmarks.border.firms import vertical
from benchmarks.border.playing import GRANT, founded
from benchmarks.border.playing import play as play_round
from benchmarks.leakage.views import Overheard
from crypto.curve import RingKey
from crypto.identity import Identity
from crypto.private import Private
from federation.errors import GrantRefused
from federation.governance.grant import Grant, GrantLimits
from federation.ids import AGGREGATOR, PartyId, RunId
from federation.message import Message, Role
from federation.messages.alignment import RingPoints, RingTags
from federation.protocols.matching import common_rows
from federation.rehearsal import Part, rehearse, seat_everyone
from federation.session import Session
from parties.alignment import align
from parties.governance.shelf import Shelf
from parties.identifiers import assemble_usccs

CONTROL = "T-PSI-RUNS"
BANK, PLATFORM, PUBLIC = PartyId("bank"), PartyId("platform"), PartyId("public")
_RUN, _SALT, _PATIENCE = RunId("attacks"), b"a salt that all parties know", 300.0
Sets = Mapping[PartyId, Sequence[bytes]]


def attack(setting: Setting) -> Iterator[Found]:
    """A register against tokens, at the aggregator and at a neighbour; and an alignment that is run again."""
    count = setting.size.identifiers
    setting.say("aligning, and comparing tokens with a register")
    sets, register = _sets(count)
    heard = play(sets)
    alone = set(sets[BANK]) - (set(sets[PLATFORM]) & set(sets[PUBLIC]))
    salted = [hashlib.sha256(_SALT + each).digest() for each in sets[BANK]]
    hashes = {hashlib.sha256(_SALT + each).digest(): each for each in register}
    textbook = rate(len({hashes[each] for each in salted if each in hashes} & alone), len(alone))
    strangers = {hashlib.sha256(_SALT + each).digest() for each in _codes(10 * count, count)}
    nothing = rate(sum(each in strangers for each in salted), count)
    for view, found in {
        "aggregator: the bank's tags": by_tags(heard[AGGREGATOR], register),
        "platform: the bank's blinded points": by_points(heard[PLATFORM], register),
    }.items():
        yield Found(
            "matching",
            "register against tokens",
            CONTROL,
            view,
            "rate",
            textbook if setting.weakened else rate(found, len(alone)),
            0.0,
            0.0,
            setting.seed,
            Control(textbook.value, textbook.value == 1.0, "SHA-256 with a salt that the parties share"),
            Control(nothing.value, nothing.value == 0.0, "a register without one of these firms"),
            "the share of the bank's firms that are not common to all and that a register of all firms tells",
            setting.weakened,
        )
    yield _again(setting, sets)


def play(sets: Sets) -> dict[PartyId, list[Message]]:
    """One alignment of the product; what each seat was sent and sent, in order."""
    heard: dict[PartyId, list[Message]] = {}

    def party(session: Session) -> int:
        overheard = Overheard(session)
        heard[session.me] = overheard.messages
        return len(align(overheard, Private(sets[session.me]), 1).open_locally())

    def match(session: Session) -> int:
        overheard = Overheard(session)
        heard[AGGREGATOR] = overheard.messages
        told = [overheard.receive(each, RingTags) for each in session.seating.parties]
        for each, rows in common_rows({each.owner: each.tags for each in told}, 1).items():
            overheard.send(each, rows)
        return 0

    seats = dict(zip(sets, (Role.LABEL, Role.HELPER, *[Role.FEATURE] * len(sets)), strict=False))
    roles = {**seats, AGGREGATOR: Role.AGGREGATOR}
    identities = {seat: Identity.generate() for seat in roles}
    seating = seat_everyone(roles, identities, run=_RUN, patience=_PATIENCE)
    parts: dict[PartyId, Part[int]] = {**dict.fromkeys(sets, party), AGGREGATOR: match}
    rehearse(seating, identities, parts)
    return heard


def by_tags(heard: Sequence[Message], register: Sequence[bytes]) -> int:
    """How many of the bank's tags a register gives, hashed and blinded in every way that needs no key."""
    tags = next(each.tags for each in heard if isinstance(each, RingTags) and each.owner == BANK)
    seen = _cut(tags.to_wire(), 16)
    key = RingKey(_context())
    points = key.first(Private(register))
    tried = {hashlib.sha256(each).digest()[:16] for each in register}
    tried |= {hashlib.sha256(_context() + each).digest()[:16] for each in register}
    tried |= {*_cut(points.to_wire(), 16)} | {*_cut(key.tags(points).to_wire(), 16)}
    return sum(each in tried for each in seen)


def by_points(heard: Sequence[Message], register: Sequence[bytes]) -> int:
    """How many of the bank's points a register gives under a key of the neighbour's own."""
    sent = next(each.points for each in heard if isinstance(each, RingPoints) and each.owner == BANK)
    key = RingKey(_context())
    points = key.first(Private(register))
    tried = {*_cut(points.to_wire(), 32)} | {*_cut(key.again(points).to_wire(), 32)}
    return sum(each in tried for each in _cut(sent.to_wire(), 32))


def _context() -> bytes:
    """Under which the product hashes onto the curve: everybody knows it."""
    return f"{_RUN}|1".encode()


def _cut(wire: object, size: int) -> list[bytes]:
    if not isinstance(wire, bytes):
        raise TypeError("points and tags travel as bytes")
    return [wire[at : at + size] for at in range(0, len(wire), size)]


# -- again, with other sets ------------------------------------------------------------------------------


def _again(setting: Setting, sets: Sets) -> Found:
    """The platform brings another set in a second run: which of the bank's firms does it learn of?"""
    theirs, first = set(sets[BANK]), set(sets[PLATFORM])
    unknown = theirs - first
    learned, strangers = (
        rate(_common(sets[BANK], candidates), len(unknown))
        for candidates in (sorted(unknown), _codes(20 * setting.size.identifiers, len(unknown)))
    )
    refused = _second_is_refused(setting.seed)
    product = rate(0, len(unknown)) if refused else learned
    return Found(
        "matching",
        "the same alignment again with another set",
        CONTROL,
        "platform: its rows among the common ones",
        "rate",
        learned if setting.weakened else product,
        0.0,
        0.0,
        setting.seed,
        Control(learned.value, learned.value == 1.0, "a second run that no grant limits"),
        Control(strangers.value, strangers.value == 0.0, "a second set of firms that the bank has not"),
        "the share of the bank's further firms that a second run tells; max_psi_runs = 1 in the bank's grant "
        + ("refused it" if refused else "did not refuse it"),
        setting.weakened,
    )


def _common(one: Sequence[bytes], other: Sequence[bytes]) -> int:
    """How many of its rows a party is told to be common."""

    def party(session: Session) -> int:
        own = one if session.me == BANK else other
        return len(align(session, Private(own), 0).open_locally())

    def match(session: Session) -> int:
        told = [session.receive(each, RingTags) for each in session.seating.parties]
        for each, rows in common_rows({each.owner: each.tags for each in told}, 0).items():
            session.send(each, rows)
        return 0

    roles = {BANK: Role.LABEL, PLATFORM: Role.HELPER, AGGREGATOR: Role.AGGREGATOR}
    identities = {seat: Identity.generate() for seat in roles}
    seating = seat_everyone(roles, identities, run=_RUN, patience=_PATIENCE)
    done = rehearse(seating, identities, {BANK: party, PLATFORM: party, AGGREGATOR: match})
    return done.results[PLATFORM]


def _second_is_refused(seed: int) -> bool:
    """Two whole rounds under a grant of one alignment: the first is played, the second refused by G-LIMIT."""
    case = vertical(seed, model={"max_iterations": 2})
    with tempfile.TemporaryDirectory() as folder:
        sandbox = founded(case, Path(folder) / "federation")
        shelf = Shelf(sandbox.parties[BANK])
        grant = shelf.grant(GRANT).grant
        (shelf.folder / "grants" / f"{GRANT}.dsse.json").unlink()
        limits = GrantLimits(max_psi_runs=1)
        shelf.put(Grant.model_validate({**grant.model_dump(), "limits": limits}))
        first, second = play_round(sandbox), play_round(sandbox)
    if first.cause is not None:
        raise first.cause
    refusal = second.errors.get(BANK)
    return isinstance(refusal, GrantRefused) and refusal.rule == "G-LIMIT" and not second.frames


# -- made-up firms ---------------------------------------------------------------------------------------


def _sets(count: int) -> tuple[Sets, list[bytes]]:
    """Half of each party's firms are common to all; the register has those of all, and as many more."""
    drawn, half = _codes(0, 4 * count), count // 2
    sets = {
        party: drawn[:half] + drawn[half * (at + 1) : half * (at + 2)]
        for at, party in enumerate((BANK, PLATFORM, PUBLIC))
    }
    return sets, drawn


def _codes(first: int, count: int) -> list[bytes]:
    serials = np.arange(first, first + count, dtype=np.int64) + 31**7
    codes = assemble_usccs(np.full(count, 440_300, dtype=np.int64), serials)
    return [str(code).encode() for code in codes]
