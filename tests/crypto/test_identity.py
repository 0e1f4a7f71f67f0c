"""A signature is good for one identity, one purpose and one statement."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from crypto.errors import UsageError
from crypto.identity import Identity, PublicIdentity, SignatureRefused, normal_fingerprint


def test_a_signature_is_refused_for_anything_it_was_not_made_for() -> None:
    me, other = Identity.generate(), Identity.generate()
    signature = me.sign("order", b"statement")
    me.public.verify(signature, "order", b"statement")
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    attempts = [
        (other.public, signature, "order", b"statement"),
        (me.public, signature, "admission", b"statement"),
        (me.public, signature, "order", b"statement2"),
        (me.public, signature, "orde", b"r|statement"),
        (me.public, flipped, "order", b"statement"),
        (me.public, signature[:-1], "order", b"statement"),
        (me.public, b"", "order", b"statement"),
    ]
    for identity, bad, purpose, statement in attempts:
        with pytest.raises(SignatureRefused):
            identity.verify(bad, purpose, statement)


def test_the_purpose_and_the_statement_do_not_run_into_each_other() -> None:
    me = Identity.generate()
    signature = me.sign("session greeting", b"x")
    with pytest.raises(SignatureRefused):
        me.public.verify(signature, "session", b" greeting|x")


def test_a_written_identity_is_read_back_as_itself() -> None:
    me = Identity.generate()
    assert Identity.from_pem(me.to_pem()).public == me.public


def other_keys() -> list[bytes]:
    forms = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    locked = ed25519.Ed25519PrivateKey.generate().private_bytes(
        *forms, serialization.BestAvailableEncryption(b"word")
    )
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(*forms, serialization.NoEncryption())
    return [b"", b"junk", locked, curve, Identity.generate().to_pem()[:60]]


@pytest.mark.parametrize("pem", other_keys(), ids=["empty", "junk", "locked", "another kind", "cut short"])
def test_a_file_that_is_no_identity_is_refused_with_a_next_step(pem: bytes) -> None:
    with pytest.raises(UsageError, match="not an Ed25519 key") as refused:
        Identity.from_pem(pem)
    assert "backup" in refused.value.advice


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_a_public_key_has_32_bytes(size: int) -> None:
    with pytest.raises(UsageError):
        PublicIdentity(bytes(size))


def test_a_key_that_is_no_point_verifies_nothing() -> None:
    with pytest.raises(SignatureRefused):
        PublicIdentity(b"\xff" * 32).verify(bytes(64), "order", b"")


def test_a_fingerprint_is_read_aloud_in_sixteen_groups_and_depends_on_every_byte() -> None:
    key = bytes(range(32))
    groups = PublicIdentity(key).fingerprint.split(" ")
    assert [len(group) for group in groups] == [4] * 16
    changed = {PublicIdentity(key[:i] + b"\xff" + key[i + 1 :]).fingerprint for i in range(32)}
    assert len(changed) == 32


def test_the_private_half_is_not_shown() -> None:
    me = Identity.generate()
    assert repr(me) == f"Identity({me.public.fingerprint[:9]}...)"
    assert not hasattr(me, "__dict__")


def test_a_fingerprint_is_the_same_however_it_was_typed() -> None:
    fingerprint = Identity.generate().public.fingerprint
    assert normal_fingerprint("  " + fingerprint.upper().replace(" ", "\n")) == fingerprint


@pytest.mark.parametrize("text", ["", "abcd", "g" * 64, "a" * 63, "a" * 65, "٣" * 64, "0x" + "a" * 62])
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a fingerprint"):
        normal_fingerprint(text)
