"""A witness cosigns a log that grew, and nothing else; what it refused it keeps."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from crypto import note
from crypto.identity import Identity, SignatureRefused
from crypto.note import Checkpoint
from federation.errors import Refusal
from federation.ledger.entries import parsed
from federation.ledger.log import Ledger, origin
from federation.ledger.witness import ForkFound, Witness

BANK, PLATFORM = Identity.generate(), Identity.generate()
BANKS = origin("sme", "bank")


@pytest.fixture
def bank(tmp_path: Path) -> Ledger:
    return log(tmp_path / "bank", "g0", "g1")


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    ledger = Ledger(tmp_path / "platform", origin("sme", "platform"))
    return Witness(ledger, "platform", PLATFORM, lambda: 1_764_230_400.5)


def log(folder: Path, *grants: str) -> Ledger:
    made = Ledger(folder, BANKS)
    for grant in grants:
        made.append("grant", grant=grant, sha256="0" * 64)
    return made


def shown(witness: Witness, ledger: Ledger, seen: int, owner: Identity = BANK) -> str:
    proof = ledger.consistency(min(seen, ledger.size), ledger.size)
    return witness.cosign("bank", owner.public, BANKS, ledger.checkpoint(owner), proof)


def test_a_log_that_grows_is_cosigned_and_written_down(
    witness: Witness, bank: Ledger, tmp_path: Path
) -> None:
    assert witness.last("bank", BANK.public) is None
    line = shown(witness, bank, 0)
    assert note.cosigned_at(line) == 1_764_230_400
    cosigned = note.with_cosignature(bank.checkpoint(BANK), line)
    assert note.cosigners(cosigned, {"platform": PLATFORM.public}) == ("platform",)
    bank.append("start")
    shown(witness, bank, 2)
    assert witness.last("bank", BANK.public) == Checkpoint(BANKS, 3, bank.root())
    entries = [parsed(line) for line in Ledger(tmp_path / "platform", "isthmus/sme/platform").entries()]
    assert [(entry["party"], entry["size"], entry["root"]) for entry in entries] == [
        ("bank", 2, bank.root(2).hex()),
        ("bank", 3, bank.root(3).hex()),
    ]
    kept = (tmp_path / "platform" / "witnessed" / "bank-2.note").read_text()
    assert note.opened(kept, BANK.public).size == 2
    assert note.cosigners(kept, {"platform": PLATFORM.public}) == ("platform",)


def test_the_same_state_again_is_cosigned_without_another_entry(
    witness: Witness, bank: Ledger, tmp_path: Path
) -> None:
    shown(witness, bank, 0)
    shown(witness, bank, 2)
    assert Ledger(tmp_path / "platform", "isthmus/sme/platform").size == 1


def test_a_rewritten_log_is_refused_and_both_states_are_kept(
    witness: Witness, bank: Ledger, tmp_path: Path
) -> None:
    shown(witness, bank, 0)
    forked = log(tmp_path / "forked", "g0", "gx", "g2")
    with pytest.raises(ForkFound, match="ledger of bank was rewritten: the first 2 of 3") as refused:
        shown(witness, forked, 2)
    assert (refused.value.party, refused.value.rule) == ("bank", "G-LEDGER")
    folder = tmp_path / "platform" / "witnessed"
    proof = [note.opened((folder / name).read_text(), BANK.public) for name in ("bank-2.note", "bank-3.fork")]
    assert [state.root for state in proof] == [bank.root(2), forked.root(3)]
    assert witness.last("bank", BANK.public) == proof[0]


def test_a_log_that_shrank_is_refused(witness: Witness, bank: Ledger, tmp_path: Path) -> None:
    shown(witness, bank, 0)
    with pytest.raises(ForkFound, match="shrank from 2 entries to 1"):
        shown(witness, log(tmp_path / "short", "g0"), 2)


def test_two_logs_of_one_size_are_a_fork(witness: Witness, bank: Ledger, tmp_path: Path) -> None:
    shown(witness, bank, 0)
    with pytest.raises(ForkFound, match="two roots over 2"):
        shown(witness, log(tmp_path / "twin", "g0", "gx"), 2)


def test_a_checkpoint_by_another_identity_or_of_another_log_is_refused(
    witness: Witness, bank: Ledger
) -> None:
    signed = bank.checkpoint(PLATFORM)
    with pytest.raises(SignatureRefused, match="not signed by its owner") as refused:
        witness.cosign("bank", BANK.public, BANKS, signed, ())
    assert refused.value.party == "bank"
    with pytest.raises(ForkFound, match="another log than its own"):
        witness.cosign("bank", BANK.public, origin("other", "bank"), bank.checkpoint(BANK), ())


def test_under_a_new_pinned_identity_another_log_begins(
    witness: Witness, bank: Ledger, tmp_path: Path
) -> None:
    shown(witness, bank, 0)
    renewed = Identity.generate()
    assert witness.last("bank", renewed.public) is None
    shown(witness, log(tmp_path / "anew", "g9"), 0, renewed)
    assert witness.last("bank", renewed.public) is not None


def test_what_was_kept_and_is_damaged_is_not_taken_for_nothing(
    witness: Witness, bank: Ledger, tmp_path: Path
) -> None:
    shown(witness, bank, 0)
    path = tmp_path / "platform" / "witnessed" / "bank.json"
    for damaged in ('{"note":"isthmus"}', "[]", "{}"):
        path.write_text(damaged)
        with pytest.raises(Refusal, match="ledger of bank is damaged"):
            shown(witness, bank, 2)


def test_what_was_seen_is_durable_before_the_cosignature_is_given(
    witness: Witness, bank: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut a role that signed a checkpoint still has the entry that says so."""
    log_file = tmp_path / "platform" / "log.jsonl"
    on_disk, sync = [0], os.fsync

    def synced(descriptor: int) -> None:
        sync(descriptor)
        if log_file.exists() and os.fstat(descriptor).st_ino == log_file.stat().st_ino:
            on_disk.append(log_file.stat().st_size)

    monkeypatch.setattr(os, "fsync", synced)
    shown(witness, bank, 0)
    assert on_disk[-1] == log_file.stat().st_size > 0
