"""Every role witnesses every other one's log in a session; one that shows two logs ends it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crypto import note
from crypto.identity import Identity, SignatureRefused
from federation.errors import PeerSilent
from federation.ids import AGGREGATOR, PartyId
from federation.ledger.checkpoint import ClockApart, check_witnessed, exchange
from federation.ledger.entries import parsed
from federation.ledger.log import Ledger, origin
from federation.ledger.witness import ForkFound
from federation.message import Digest
from federation.messages.ledger import Announced, Cosigned, Seen, Signature
from federation.session import Session
from tests.seats import THREE, run_seats

ROLES = list(THREE)


class World:
    """Four roles, each with an identity and a ledger of its own, in as many sessions as a test plays."""

    def __init__(self, folder: Path) -> None:
        self.identities = {name: Identity.generate() for name in ROLES}
        self.ledgers = {name: Ledger(folder / name, origin("sme", name)) for name in ROLES}
        self.notes: dict[str, str] = {}

    def meet(self, *instead: tuple[str, Callable[[Session], Any]], patience: float = 60) -> None:
        """Every role writes an entry and plays its part in an exchange; `instead`: what some do otherwise."""
        for ledger in self.ledgers.values():
            ledger.append("start")
        parts = {name: self.part(name) for name in ROLES} | dict(instead)
        played = run_seats(THREE, parts, patience=patience, identities=self.identities)
        self.notes = {name: played[name] for name in ROLES}

    def part(self, name: str) -> Callable[[Session], str]:
        return lambda session: exchange(session, self.ledgers[name], self.identities[name], "sme")

    def fork(self, name: str, folder: Path) -> None:
        """Let a role go on with another log than the one that it showed."""
        self.ledgers[name] = Ledger(folder, origin("sme", name))
        for number in range(9):
            self.ledgers[name].append("grant", grant=f"g{number}", sha256="0" * 64)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_every_log_is_cosigned_by_every_other_role(world: World) -> None:
    for _ in range(3):
        world.meet()
        for name in ROLES:
            others = {other: world.identities[other].public for other in ROLES if other != name}
            state = note.opened(world.notes[name], world.identities[name].public)
            assert sorted(note.cosigners(world.notes[name], others)) == sorted(others)
            assert state.root == world.ledgers[name].root(state.size)
            assert world.ledgers[name].note_file(state.size).read_text() == world.notes[name]


def test_what_was_witnessed_is_in_the_witness_own_log(world: World) -> None:
    world.meet()
    for name in ROLES:
        found = {
            entry["party"]: (entry["size"], entry["root"])
            for line in world.ledgers[name].entries()
            if (entry := parsed(line))["kind"] == "witness"
        }
        assert found == {other: (1, world.ledgers[other].root(1).hex()) for other in ROLES if other != name}


def test_a_role_that_rewrote_its_log_is_named_by_all_and_nobody_goes_on(world: World, tmp_path: Path) -> None:
    world.meet()
    world.fork("platform", tmp_path / "fork")
    with pytest.raises(ForkFound, match="the ledger of platform was rewritten") as refused:
        world.meet()
    assert set(refused.value.seats) == set(ROLES)  # type: ignore[attr-defined]


def test_a_role_that_lost_its_log_is_told_so_by_its_own_program(world: World, tmp_path: Path) -> None:
    world.meet()
    world.meet()
    world.ledgers["bank"] = Ledger(tmp_path / "restored", origin("sme", "bank"))
    with pytest.raises(ForkFound, match="cosigned 5 entries of this role's ledger, which has 1"):
        world.meet()


def test_a_role_that_shows_one_log_to_some_and_another_to_others_is_found_at_once(
    world: World, tmp_path: Path
) -> None:
    """Each of the others sees a log that grew from what it saw: that they differ shows in comparing."""
    world.meet()
    truth, identity = world.ledgers["platform"], world.identities["platform"]
    (tmp_path / "split").mkdir()
    shutil.copy(truth.file, tmp_path / "split")
    split = Ledger(tmp_path / "split", truth.origin)
    split.append("stop")

    def two_faced(session: Session) -> None:
        others = [seat for seat in session.seating.roles if seat != session.me]
        session.send_all(others, Seen(0))
        for other, seen in session.gather(others, Seen).items():
            mine = split if other == "public" else truth
            session.send(other, announced(mine, identity, seen.size))
        session.gather(others, Announced)
        session.receive(AGGREGATOR, Cosigned)  # Nobody cosigned what it could show to all.

    with pytest.raises(ForkFound, match="was shown another state of the ledger of platform") as refused:
        world.meet(("platform", two_faced))
    assert refused.value.party == "platform"


def announced(ledger: Ledger, identity: Identity, seen: int) -> Announced:
    own = ledger.checkpoint(identity)
    state, signature = note.read(own), Signature(note.signature_in(own))
    proof = tuple(map(Digest, ledger.consistency(seen, state.size)))
    return Announced(state.size, Digest(state.root), signature, proof)


def test_a_cosignature_by_a_key_that_is_not_pinned_ends_the_round(world: World) -> None:
    stranger = Identity.generate()
    with pytest.raises((SignatureRefused, ForkFound), match="public"):
        world.meet(("public", lambda session: exchange(session, world.ledgers["public"], stranger, "sme")))


def test_a_role_that_does_not_cosign_is_named(world: World) -> None:
    def silent(session: Session) -> None:
        others = [seat for seat in session.seating.roles if seat != session.me]
        session.send_all(others, Seen(0))
        for other, seen in session.gather(others, Seen).items():
            session.send(other, announced(world.ledgers["public"], world.identities["public"], seen.size))

    with pytest.raises(PeerSilent, match="waited 2 s for public"):
        world.meet(("public", silent), patience=2)


def test_a_note_without_every_cosignature_is_refused(world: World) -> None:
    world.meet()
    bare = world.ledgers["bank"].checkpoint(world.identities["bank"])

    def check(session: Session) -> str:
        with pytest.raises(ForkFound, match="platform did not cosign"):
            check_witnessed(bare, session, (PartyId("platform"),))
        return exchange(session, world.ledgers["bank"], world.identities["bank"], "sme")

    world.meet(("bank", check))


@pytest.mark.parametrize(("off", "minutes"), [(1200, 20), (-3600, 60)])
def test_a_role_whose_clock_is_far_off_is_named_before_its_cosignature_is_kept(
    world: World, off: int, minutes: int
) -> None:
    def astray(session: Session) -> str:
        return exchange(
            session,
            world.ledgers["public"],
            world.identities["public"],
            "sme",
            clock=lambda: time.time() + off,
        )

    with pytest.raises(ClockApart, match=f"clock of .* {minutes} minutes .*that of") as refused:
        world.meet(("public", astray))
    assert "public" in refused.value.what
    kept = world.ledgers["bank"].note_file(1).read_text()
    assert note.cosigners(kept, {"public": world.identities["public"].public}) == ()


def test_clocks_that_are_minutes_apart_are_no_reason_to_stop(world: World) -> None:
    def fast(session: Session) -> str:
        return exchange(
            session,
            world.ledgers["public"],
            world.identities["public"],
            "sme",
            clock=lambda: time.time() + 540,
        )

    world.meet(("public", fast))
