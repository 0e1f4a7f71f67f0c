"""A witness from outside co-signs a pack's ledger, and nothing that its maker signed is touched."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from crypto.errors import Refusal
from federation import files
from federation.errors import UsageError
from federation.ledger import archive
from federation.ledger import pack as packs
from federation.ledger.cosigning import Memory, cosign
from federation.ledger.findings import Check, State
from federation.ledger.pack import Pack
from federation.ledger.verify import verify
from tests.federation.ledger import world
from tests.federation.ledger.world import contents, fingerprints, resealed

AT = int(world.START.timestamp()) + 9000
REGULATOR = world.identity("regulator")


def cosigned(pack: Pack, memory: Memory | None = None, trusted: dict[str, str] | None = None) -> Pack:
    told = fingerprints() if trusted is None else trusted
    with TemporaryDirectory() as folder:
        kept = memory or Memory(Path(folder))
        return packs.parse(cosign(pack, REGULATOR, "regulator", AT, told, kept), "bank.regulator.zip")


def outside(pack: Pack, trusted: dict[str, str]) -> Check:
    report = verify([pack], trusted)
    return next(check for check in report.checks if check.id == "outside")


def test_what_the_maker_signed_stays_as_it_was() -> None:
    before = world.made().pack("bank")
    after = cosigned(before)
    assert contents(before).items() < contents(after).items()
    assert after.files[archive.STATEMENT] == before.files[archive.STATEMENT]
    trusted = {**fingerprints(), "regulator": REGULATOR.public.fingerprint}
    assert verify([after], trusted).state is State.PASS


def test_a_witness_whose_key_nobody_compared_proves_nothing_yet() -> None:
    assert outside(cosigned(world.made().pack("bank")), fingerprints()).state is State.UNKNOWN


def test_another_key_in_the_witness_s_name_is_found() -> None:
    trusted = {**fingerprints(), "regulator": world.identity("impostor").public.fingerprint}
    assert outside(cosigned(world.made().pack("bank")), trusted).state is State.FAIL


def test_a_cosignature_over_another_ledger_is_none() -> None:
    of_platform = cosigned(world.made().pack("platform"))
    name = "cosignatures/regulator.json"
    mixed = {**world.made().pack("bank").files, name: of_platform.files[name]}
    pack = packs.parse(archive.archived(mixed), "bank.zip")
    assert outside(pack, fingerprints()).state is State.FAIL


def test_a_cosignature_in_another_form_is_none() -> None:
    pack = cosigned(world.made().pack("bank"))
    name = "cosignatures/regulator.json"
    changed = archive.document(pack.files[name], name) | {"more": "text"}
    mixed = {**pack.files, name: files.canonical_json(changed)}
    assert outside(packs.parse(archive.archived(mixed), "b.zip"), fingerprints()).state is State.FAIL


def test_a_pack_that_does_not_verify_is_not_cosigned() -> None:
    found = world.made().pack_file("bank", {"plan.json": b"{}"})
    with pytest.raises(Refusal, match="not the plan that was accepted"):
        cosigned(packs.parse(found, "bank.zip"))


@pytest.mark.parametrize("name", ["platform", "../x", "Regulator of the North"])
def test_a_witness_has_a_name_of_its_own(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"name|took part"):
        cosign(world.made().pack("bank"), REGULATOR, name, AT, fingerprints(), Memory(tmp_path))


def test_a_pack_whose_owner_s_key_nobody_compared_is_not_cosigned() -> None:
    with pytest.raises(UsageError, match="the fingerprint of bank is needed"):
        cosigned(world.made().pack("bank"), trusted={})


def test_a_pack_by_another_key_in_the_owner_s_name_is_not_cosigned() -> None:
    trusted = {"bank": world.identity("the real bank").public.fingerprint}
    with pytest.raises(Refusal, match="not the one of the fingerprint"):
        cosigned(world.made().pack("bank"), trusted=trusted)


def test_two_histories_of_one_ledger_are_not_both_cosigned(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "key.pem.seen")
    cosigned(world.made(2).pack("bank"), memory)
    with pytest.raises(Refusal, match="was rewritten"):
        cosigned(world.made(3).pack("bank"), memory)
    cosigned(world.made(3).pack("platform"), memory)  # Of another ledger nothing was seen.


def test_a_ledger_that_went_on_is_cosigned_again_and_an_older_pack_of_it_is_not(tmp_path: Path) -> None:
    memory, made = Memory(tmp_path), world.made()
    older = resealed(made.pack("bank"), early(made))
    cosigned(older, memory)
    cosigned(made.pack("bank"), memory)
    cosigned(made.pack("bank"), memory)
    with pytest.raises(Refusal, match="co-signed 16 entries"):
        cosigned(older, memory)


def test_a_memory_that_was_damaged_is_no_leave_to_cosign(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    cosigned(world.made().pack("bank"), memory)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(kept.read_bytes()[:-20])
    with pytest.raises(Refusal, match="damaged"):
        cosigned(world.made().pack("bank"), memory)


def early(made: world.World) -> dict[str, bytes]:
    """What bank's pack held while the run was on, after two rounds."""
    role = made.roles["bank"]
    found = made.files("bank")
    late = [name for name in found if name.startswith(("checkpoints/1", "witnessed/")) and "1" in name]
    kept = {name: data for name, data in found.items() if name not in late}
    cut = {"log.jsonl": world.joined(role.lines[:9]), "guard.jsonl": world.joined(role.frames[:8])}
    return {**kept, **cut}
