"""What one role saw of the others' logs, and cosigned: the reason why nobody can rewrite a log alone.

    ledger/witnessed/NAME.json       the last checkpoint of NAME's log that this role cosigned
    ledger/witnessed/NAME-SIZE.note  each of them, with this role's cosignature
    ledger/witnessed/NAME-SIZE.fork  a checkpoint that was refused: with the last, it proves the fork

A log is known by its owner's pinned identity: under a new one, which somebody here has compared and pinned,
another log begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from crypto import note
from crypto.codes import Code
from crypto.identity import Identity, PublicIdentity, SignatureRefused
from crypto.merkle import ProofRefused, verify_consistency
from crypto.note import Checkpoint, NoteMalformed
from federation import files
from federation.errors import Refusal
from federation.ledger.log import Ledger


class ForkFound(Refusal):
    """A role shows another log than it showed before, or did not cosign this one (rule G-LEDGER)."""

    code = Code.FORK

    rule = "G-LEDGER"
    advice = (
        "Both checkpoints are kept under ledger/witnessed. Ask that role's people what became of its ledger; "
        "one that is lost for good begins anew under a new identity, which you compare and pin."
    )


class Witness:
    """What the role with this `ledger` saw of the others' logs."""

    def __init__(
        self,
        ledger: Ledger,
        name: str,
        identity: Identity,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._ledger = ledger
        self._name = name
        self._identity = identity
        self._clock = clock

    def last(self, role: str, owner: PublicIdentity) -> Checkpoint | None:
        """The last checkpoint of `role`'s log, as `owner` signed it, that was cosigned here; None before."""
        path = self._folder / f"{role}.json"
        if not path.exists():
            return None
        try:
            return note.opened(str(files.read_json(path).get("note")), owner)
        except (AttributeError, NoteMalformed):
            raise Refusal(
                f"what was kept of the ledger of {role} is damaged",
                party=role,
                file=str(path),
                advice="Restore the ledger's folder from a backup that is no older.",
            ) from None
        except SignatureRefused:
            return None  # Of the identity that it had before.

    def cosign(
        self, role: str, owner: PublicIdentity, origin: str, signed: str, proof: Sequence[bytes]
    ) -> str:
        """Check a checkpoint of `role`'s log and give the line that cosigns it.

        What was seen is written down before, durably: after a power cut this role still knows what it signed.

        Raises `SignatureRefused` or `ForkFound` naming the role: of another log, shorter than it was, or not
        over the same entries.
        """
        try:
            checkpoint = note.opened(signed, owner)
        except SignatureRefused as error:
            error.party = role
            raise
        if checkpoint.origin != origin:
            raise ForkFound(f"{role} shows another log than its own", party=role)
        seen = self.last(role, owner)
        if seen is not None:
            self._check_grown(role, seen, checkpoint, signed, proof)
        line = note.cosign(signed, self._identity, self._name, int(self._clock()))
        if seen is None or checkpoint.size > seen.size:
            self._ledger.append("witness", party=role, size=checkpoint.size, root=checkpoint.root.hex())
            self._ledger.sync()
            kept = note.with_cosignature(signed, line)
            self._ledger.write(self._folder / f"{role}-{checkpoint.size}.note", kept)
            self._ledger.write(self._folder / f"{role}.json", files.canonical_json({"note": kept}).decode())
        return line

    def _check_grown(
        self, role: str, seen: Checkpoint, now: Checkpoint, signed: str, proof: Sequence[bytes]
    ) -> None:
        try:
            verify_consistency(seen.size, now.size, seen.root, now.root, proof)
        except ProofRefused as error:
            self._ledger.write(self._folder / f"{role}-{now.size}.fork", signed)
            raise ForkFound(f"the ledger of {role} was rewritten: {error.what}", party=role) from None

    @property
    def _folder(self) -> Path:
        return self._ledger.folder / "witnessed"
