"""A witness from outside the federation, such as a regulator, co-signs a pack's last checkpoint.

Its cosignature lies in a file of its own beside what the pack's maker signed: `cosignatures/NAME.json`, with
the witness's public key. It says that the witness saw this ledger at this size; should the role ever show
another ledger that does not continue this one, the two prove the fork. The witness keeps the last checkpoint
of each ledger beside its key, and co-signs none that does not go on from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from crypto import note
from crypto.codes import Code
from crypto.errors import Refusal
from crypto.identity import Identity, PublicIdentity
from crypto.note import Checkpoint
from federation import files
from federation.errors import UsageError
from federation.ledger.checks.outside import document_of
from federation.ledger.findings import State
from federation.ledger.pack import Pack, cosignature_file, with_cosignature
from federation.ledger.reading import Reading
from federation.ledger.verify import verify


class Memory:
    """The last checkpoint of each ledger that a witness co-signed: a file for each ledger and owner's key."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def last(self, origin: str, owner: PublicIdentity) -> Checkpoint | None:
        """None before the first. `Refusal` where what was kept is damaged."""
        file = self._file(origin, owner)
        if not file.exists():
            return None
        try:
            return note.opened(files.read(file).decode("utf-8", "replace"), owner)
        except Refusal:
            raise Refusal(
                f"what was kept of the ledger {origin} is damaged",
                file=str(file),
                advice="Restore the folder beside your key from a backup that is no older.",
            ) from None

    def keep(self, origin: str, owner: PublicIdentity, signed: str) -> None:
        """Write down a checkpoint that is about to be handed out."""
        files.write_private(self._file(origin, owner), signed.encode())

    def _file(self, origin: str, owner: PublicIdentity) -> Path:
        named = hashlib.sha256(files.canonical_json([origin, owner.key.hex()])).hexdigest()
        return self._folder / f"{named}.note"


class Unwritten(Memory):
    """What was co-signed before, for a trial: nothing is kept of it."""

    def keep(self, origin: str, owner: PublicIdentity, signed: str) -> None:
        """Write nothing down: nothing is handed out."""


def cosign(
    pack: Pack, identity: Identity, name: str, at: int, trusted: Mapping[str, str], memory: Memory
) -> bytes:
    """The file of the pack with the cosignature of `identity`, called `name`, given at Unix time `at`.

    trusted: name -> fingerprint, of the pack's owner at least. Raises `Refusal` where the pack fails a check
    or does not continue what was co-signed before, and `UsageError` for a name of one that took part.
    """
    cosignature_file(name)
    if pack.party not in trusted:
        raise UsageError(
            f"the fingerprint of {pack.party} is needed: anybody can make a pack in its name",
            file=pack.name,
            field="--trust",
            advice=f"Ask {pack.party} itself, and give --trust {pack.party}=FINGERPRINT.",
            code=Code.FINGERPRINT_MISSING,
        )
    report = verify([pack], trusted)
    if report.state is State.FAIL:
        first = report.first
        raise Refusal(
            "the pack does not verify, so it is not co-signed"
            if first is None
            else f"the pack does not verify, so it is not co-signed: {first.outcome.told}",
            file=pack.name,
            advice=f"Look at all of it with `isthmus ledger verify {pack.name}`.",
            code=Code.PACK_REFUSED,
        )
    reading = Reading(pack)
    if name in reading.members:
        raise UsageError(
            f"{name} took part in the run, and is no witness from outside",
            file=pack.name,
            advice="Give another name with --name.",
        )
    checkpoint, owner = last_checkpoint(reading), reading.known[pack.party]
    _check_continues(reading, memory.last(reading.origin, owner), note.read(checkpoint))
    signed = note.with_cosignature(checkpoint, note.cosign(checkpoint, identity, name, at))
    memory.keep(reading.origin, owner, signed)
    return with_cosignature(pack, name, document_of(name, identity.public, signed))


def _check_continues(reading: Reading, seen: Checkpoint | None, now: Checkpoint) -> None:
    """The ledger goes on from the one that was co-signed before: its first entries give the same root."""
    if seen is None:
        return
    if now.size < seen.size:
        raise Refusal(
            f"you have co-signed {seen.size} entries of this ledger, and the pack's checkpoint is over "
            f"{now.size}",
            file=reading.pack.name,
            advice="Ask its maker for a pack that it makes now.",
            code=Code.FORK,
        )
    if reading.tree.root(seen.size) != seen.root:
        raise Refusal(
            f"the ledger of {reading.pack.party} was rewritten: its first {seen.size} entries are not those "
            "that you co-signed",
            party=reading.pack.party,
            file=reading.pack.name,
            advice="Keep both packs: together they prove it.",
            code=Code.FORK,
        )


def last_checkpoint(reading: Reading) -> str:
    """The pack's own checkpoint over most entries. `UsageError` where it has none."""
    notes = reading.checkpoints()
    if not notes:
        raise UsageError("the pack has no checkpoint", file=reading.pack.name, advice="Ask for another pack.")
    return notes[max(notes)]
