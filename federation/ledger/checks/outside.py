"""Cosignatures of witnesses that took no part in the run: is each of the witness's key, over this ledger?"""

from __future__ import annotations

from collections.abc import Mapping

from crypto import note
from crypto.errors import Refusal
from crypto.identity import PublicIdentity
from federation import files
from federation.errors import UsageError
from federation.ledger.archive import document
from federation.ledger.findings import Finding, Happened, Outcome, failed, not_applicable, passed, unknown
from federation.ledger.reading import Reading

VERSION = "isthmus.cosignature/v1"


def outside(reading: Reading, trusted: Mapping[str, str]) -> Outcome:
    """Each witness's cosignature is over a checkpoint of this ledger, and its key the one that is trusted."""
    unheard, names = [], []
    for file, data in sorted(reading.pack.under("cosignatures").items()):
        path = f"cosignatures/{file}"
        name, key, text = witness_in(data, path)
        if file != f"{name}.json" or name in reading.known or not _over(reading, text, name, key):
            what = f"{path} is no cosignature over this ledger"
            return failed(Finding(Happened.SIGNATURE_WRONG, what, path))
        if name not in trusted:
            unheard.append(name)
        elif trusted[name] != key.fingerprint:
            what = f"the key of {name} is not the one of the fingerprint that you gave"
            return failed(Finding(Happened.SIGNATURE_WRONG, what, path))
        names.append(name)
    if not names:
        return not_applicable("no witness from outside has co-signed")
    if unheard:
        return unknown(f"nobody here has compared the fingerprint of {', '.join(unheard)}")
    return passed(f"{', '.join(names)} co-signed this ledger")


def document_of(name: str, key: PublicIdentity, text: str) -> bytes:
    """The file of a cosignature: canonical JSON."""
    return files.canonical_json({"cosignature": VERSION, "name": name, "key": key.key.hex(), "note": text})


def witness_in(data: bytes, file: str) -> tuple[str, PublicIdentity, str]:
    """Name, key and note of a cosignature's file; `UsageError` naming it for anything else."""
    fields = document(data, file)
    try:
        name, key, text = str(fields["name"]), PublicIdentity(bytes.fromhex(fields["key"])), fields["note"]
        if document_of(name, key, text) == data:
            return name, key, text
    except (ValueError, TypeError, KeyError, UsageError):
        pass
    raise UsageError("this is not a witness's cosignature", file=file, advice="Ask the witness for it again.")


def _over(reading: Reading, text: str, name: str, key: PublicIdentity) -> bool:
    """Whether a note is over the ledger of the pack, signed by its owner and by this witness."""
    try:
        checkpoint = note.opened(text, reading.known[reading.pack.party])
        signed = note.cosigners(text, {name: key})
    except Refusal:
        return False
    if checkpoint.origin != reading.origin or checkpoint.size > reading.tree.size:
        return False
    return signed == (name,) and reading.tree.root(checkpoint.size) == checkpoint.root
