"""Is the pack what its maker signed, and is the maker who it says?"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from crypto import dsse
from crypto.errors import Refusal
from crypto.merkle import leaf_hash
from federation.ledger.archive import STATEMENT
from federation.ledger.findings import (
    Finding,
    Happened,
    Outcome,
    entry_finding,
    failed,
    not_applicable,
    passed,
    unknown,
)
from federation.ledger.pack import PACK_TYPE
from federation.ledger.reading import Reading

_MARK = 16  # Hexadecimal digits of one entry in `Statement.log`.


def signature(reading: Reading) -> Outcome:
    """The statement is signed by the key that members.json gives of the pack's role."""
    key = reading.known.get(reading.pack.party)
    if key is None:
        return failed(_of(STATEMENT, Happened.NOT_ALLOWED, "the pack's maker did not take part in the run"))
    try:
        dsse.unseal(reading.pack.files[STATEMENT], PACK_TYPE, key)
    except Refusal:
        what = f"the list of contents is not signed with the key of {reading.pack.party}"
        return failed(_of(STATEMENT, Happened.SIGNATURE_WRONG, what))
    return passed(f"{reading.pack.party} signed the list of contents on {reading.pack.statement.made_at}")


def contents(reading: Reading) -> Outcome:
    """Every file is as it was signed; none is missing, none was added."""
    declared = reading.pack.statement.files
    present = {
        name: data
        for name, data in reading.pack.files.items()
        if name != STATEMENT and not name.startswith("cosignatures/")
    }
    for name in sorted(set(declared) | set(present)):
        if name not in present:
            return failed(_of(name, Happened.DROPPED, f"{name} was signed for, and is missing"))
        if name not in declared:
            return failed(_of(name, Happened.ADDED, f"{name} is not in the signed list of contents"))
        if hashlib.sha256(present[name]).hexdigest() != declared[name]:
            if name == "log.jsonl":
                return failed(_place_in_log(reading))
            return failed(_of(name, Happened.REWRITTEN, f"{name} was changed after it was signed"))
    if reading.pack.statement.log != _marks(reading):
        return failed(_of(STATEMENT, Happened.REWRITTEN, "the marks of the ledger are of another ledger"))
    return passed(f"{len(present)} files are as they were signed")


def identities(reading: Reading, trusted: Mapping[str, str]) -> Outcome:
    """The keys are those whose fingerprints the reader has been told (name -> fingerprint)."""
    missing = []
    for name, key in sorted(reading.known.items()):
        if name not in trusted:
            missing.append(name)
        elif trusted[name] != key.fingerprint:
            what = f"the key of {name} in this pack is not the one of the fingerprint that you gave"
            return failed(_of("members.json", Happened.SIGNATURE_WRONG, what))
    if missing:
        return unknown(
            f"nobody here has compared the fingerprint of {', '.join(missing)}: whoever made the pack could "
            "have signed in that name. Ask each of them, then give --trust NAME=FINGERPRINT"
        )
    return passed(f"the keys of {', '.join(sorted(reading.known))} have the fingerprints that you gave")


def software(reading: Reading) -> Outcome:
    """The versions that the maker names; a statement, which nothing here can confirm."""
    told = ", ".join(f"{name} {version}" for name, version in sorted(reading.pack.statement.software.items()))
    return not_applicable(f"the maker states: {told or 'nothing'}")


def _place_in_log(reading: Reading) -> Finding:
    """Where the log differs from the signed marks, and what was done to it there."""
    signed = reading.pack.statement.log
    expected = [signed[i : i + _MARK] for i in range(0, len(signed), _MARK)]
    got = [leaf_hash(line)[:8].hex() for line in reading.pack.lines("log.jsonl")]
    shared = min(len(expected), len(got))
    index = next((i for i in range(shared) if expected[i] != got[i]), shared)
    happened = _happened(index, expected, got)
    what = f"the ledger was changed after it was signed: this entry was {happened.value}"
    if happened is Happened.DROPPED or index >= len(reading.entries):
        return Finding(happened, what, index=index)
    return entry_finding(happened, what, reading.entries[index])


def _happened(index: int, expected: list[str], got: list[str]) -> Happened:
    """What was done at the first place where two logs differ."""
    if index == len(expected):
        return Happened.ADDED
    if expected[index] in got[index:]:
        return Happened.ADDED if len(got) > len(expected) else Happened.REORDERED
    if len(got) < len(expected) and (index == len(got) or got[index] in expected):
        return Happened.DROPPED
    return Happened.REWRITTEN


def _marks(reading: Reading) -> str:
    return "".join(leaf_hash(line)[:8].hex() for line in reading.pack.lines("log.jsonl"))


def _of(file: str, happened: Happened, what: str) -> Finding:
    return Finding(happened, what, file=file)
