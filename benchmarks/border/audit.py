"""Violations of the record: evidence of a clean round, changed by who carries it or by its own maker.

The maker is the platform. It has its own key, so it signs whatever it changed anew; what it cannot make is
another role's co-signature. Judged by the check of `isthmus ledger verify` that does not pass.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.border.mutations import BANK, PLATFORM, Found, Mutation, World, verified
from crypto import note
from crypto.identity import Identity
from crypto.merkle import Tree, leaf_hash
from federation import files
from federation.ledger import pack as packs
from federation.ledger.archive import STATEMENT, archived
from federation.ledger.cosigning import Memory, cosign
from federation.ledger.pack import Pack, Sources

_LOG, _GUARD, _VERDICTS = "log.jsonl", "guard.jsonl", "verdicts.jsonl"
Files = dict[str, bytes]
Lines = list[bytes]


def _signed_again(world: World, party: str, changed: Files) -> Pack:
    """The party's pack with other files, under its own signature."""
    said = world.packs[party].statement
    identity = world.sandbox.parties[BANK if party == BANK else PLATFORM].identity()
    source = Sources(identity, said.party, said.federation, said.run, said.made_at, said.software, changed)
    return packs.parse(packs.build(source), f"{party}.zip")


def _files(world: World, party: str = PLATFORM) -> Files:
    return {name: data for name, data in world.packs[party].files.items() if name != STATEMENT}


def _all(world: World, **changed: Pack) -> Found:
    """What the verification of all roles' packs finds, with these in the place of theirs."""
    given: Mapping[str, Pack] = {**world.packs, **changed}
    return verified(list(given.values()), world.trusted)


def _by_maker(change: Callable[[World, Files], Files]) -> Callable[[World], Found]:
    """The maker changes files of its pack, and signs it anew."""
    return lambda world: _all(world, platform=_signed_again(world, PLATFORM, change(world, _files(world))))


def _by_carrier(world: World) -> Found:
    """Whoever carries the pack changes a file, and can sign nothing."""
    found = world.packs[PLATFORM]
    changed = {**found.files, _LOG: _joined(_rewritten(_lines(found.files)))}
    return _all(world, platform=packs.parse(archived(changed), found.name))


# -- the log ------------------------------------------------------------------------------------------------


def _lines(found: Mapping[str, bytes], name: str = _LOG) -> Lines:
    return packs.split(found[name])


def _joined(lines: Lines) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _place(lines: Lines, kind: str) -> int:
    return next(place for place, line in enumerate(lines) if json.loads(line)["kind"] == kind)


def _dropped(lines: Lines) -> Lines:
    place = _place(lines, "opening")
    return lines[:place] + lines[place + 1 :]


def _reordered(lines: Lines) -> Lines:
    place = _place(lines, "opening")
    return [*lines[: place - 1], lines[place], lines[place - 1], *lines[place + 1 :]]


def _rewritten(lines: Lines) -> Lines:
    place = _place(lines, "model")
    fields = {**json.loads(lines[place]), "sha256": "0" * 64}
    return [*lines[:place], files.canonical_json(fields), *lines[place + 1 :]]


def _earlier(lines: Lines) -> Lines:
    """From the model on, an hour earlier than it was."""
    place = _place(lines, "model")
    return [*lines[:place], *(_at(line, "2026-01-01T00:00:00Z") for line in lines[place:])]


def _at(line: bytes, time: str) -> bytes:
    return files.canonical_json({**json.loads(line), "at": time})


def _log(change: Callable[[Lines], Lines]) -> Callable[[World, Files], Files]:
    """The log is changed under the checkpoints that the others had co-signed."""
    return lambda world, found: {**found, _LOG: _joined(change(_lines(found)))}


def _forked(change: Callable[[Lines], Lines]) -> Callable[[World, Files], Files]:
    """Another log with checkpoints of its own: the maker signs them, and co-signers were shown others."""

    def forked(world: World, found: Files) -> Files:
        lines, identity = change(_lines(found)), world.home(PLATFORM).identity()
        notes = {
            name: _noted(text.decode(), lines, identity).encode()
            for name, text in found.items()
            if name.startswith("checkpoints/")
        }
        return {**found, **notes, _LOG: _joined(lines)}

    return forked


def _noted(text: str, lines: Lines, identity: Identity) -> str:
    """A checkpoint of the same size over other lines, signed by its maker alone."""
    before, tree = note.read(text), Tree(map(leaf_hash, lines))
    after = dataclasses.replace(before, root=tree.root(before.size))
    return note.sign(after, identity, before.origin)


def _alone(world: World, found: Files) -> Files:
    """Checkpoints without anybody's co-signature."""
    lines, identity = _lines(found), world.home(PLATFORM).identity()
    return {
        name: _noted(data.decode(), lines, identity).encode() if name.startswith("checkpoints/") else data
        for name, data in found.items()
    }


# -- the guard log and its verdicts -------------------------------------------------------------------------


def _frame_dropped(world: World, found: Files) -> Files:
    lines = _lines(found, _GUARD)
    return {**found, _GUARD: _joined(lines[:3] + lines[4:])}


def _verdict_edited(world: World, found: Files) -> Files:
    lines = _lines(found, _VERDICTS)
    fields = json.loads(lines[-1])
    fields["request"]["context"]["destination"] = "SG"
    return {**found, _VERDICTS: _joined([*lines[:-1], files.canonical_json(fields)])}


def _policy_edited(world: World, found: Files) -> Files:
    name = "policy.cedar"
    return {**found, name: found[name].replace(b"context.no_canary", b"(context.no_canary || true)")}


def _other_seed(world: World, found: Files) -> Files:
    opened = json.loads(found["canaries.json"])
    other = {attempt: {"seed": "11" * 32} for attempt in opened}
    return {**found, "canaries.json": files.canonical_json(other)}


def _another_regulator(world: World) -> Found:
    """A co-signature in the supervisor's name, by a key that is not the supervisor's."""
    supervisor, other = Identity.generate(), Identity.generate()
    pack = world.packs[PLATFORM]
    with TemporaryDirectory() as folder:
        memory = Memory(Path(folder))
        data = cosign(pack, other, "supervisor", 1_800_000_000, world.trusted, memory)
    forged = packs.parse(data, pack.name)
    given = {**world.packs, PLATFORM: forged}
    trusted = {**world.trusted, "supervisor": supervisor.public.fingerprint}
    return verified(list(given.values()), trusted)


MUTATIONS: tuple[Mutation, ...] = (
    Mutation("log entry dropped", "audit", "roots", _by_maker(_log(_dropped))),
    Mutation("log entries reordered", "audit", "roots", _by_maker(_log(_reordered))),
    Mutation("log entry rewritten", "audit", "roots", _by_maker(_log(_rewritten))),
    Mutation("log entry rewritten on the way", "audit", "contents", _by_carrier),
    Mutation("fork shown to one party", "audit", "forks", _by_maker(_forked(_rewritten))),
    Mutation("checkpoint with no co-signature", "audit", "cosigned", _by_maker(_alone)),
    Mutation("clock moved back", "audit", "times", _by_maker(_forked(_earlier))),
    Mutation("verdict edited", "audit", "verdicts", _by_maker(_verdict_edited)),
    Mutation("policy edited", "audit", "verdicts", _by_maker(_policy_edited)),
    Mutation("message dropped from the guard log", "audit", "guard-chain", _by_maker(_frame_dropped)),
    Mutation("planted records exchanged afterwards", "audit", "canaries", _by_maker(_other_seed)),
    Mutation("attestation by the wrong office", "audit", "outside", _another_regulator),
)
