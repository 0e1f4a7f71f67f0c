"""SuperNode keys: the public half is the same in every form, and nothing else passes for one."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from flwr.supercore.primitives.asymmetric import public_key_to_bytes

from crypto.errors import UsageError
from federation.files import write_private
from federation.flower.keys import (
    new_supernode_key,
    public_key_header,
    public_key_line,
    public_key_pem,
    supernode_public_key,
)


def test_flower_registers_and_sends_what_we_compare() -> None:
    private = new_supernode_key()
    key = serialization.load_ssh_private_key(private, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP384R1)
    line = supernode_public_key(private)
    assert line.startswith(b"ecdsa-sha2-nistp384 ")
    assert public_key_pem(line) == public_key_to_bytes(key.public_key())
    assert public_key_header(line) == base64.b64encode(public_key_to_bytes(key.public_key()))
    assert public_key_line(public_key_pem(line)) == line
    assert new_supernode_key() != private


def test_no_other_kind_of_key_is_taken() -> None:
    openssh = (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    others = [
        ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*openssh),
        ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(*openssh),
        b"ecdsa-sha2-nistp384 AAAA",
        b"",
    ]
    for other in others:
        with pytest.raises(UsageError, match="not a SuperNode key"):
            public_key_pem(other)


def test_an_unreadable_private_key_is_not_shown() -> None:
    with pytest.raises(UsageError) as caught:
        supernode_public_key(b"-----BEGIN OPENSSH PRIVATE KEY-----\nSECRET\n")
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_private_file_is_nobody_elses(tmp_path: Path) -> None:
    path = tmp_path / "new" / "key"
    path.parent.mkdir()
    path.write_bytes(b"old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]
